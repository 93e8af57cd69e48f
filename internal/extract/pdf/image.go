package pdf

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"slices"
	"strconv"
)

// Pictures is implemented by an Output that has the letters in pictures read.
// A page that is nothing but pictures is then no page that was not read: its
// pictures are files like others.
type Pictures interface {
	// Picture takes a picture of such a page: JPEG, JPEG 2000, TIFF or PNG.
	Picture(f File) error
}

// Bounds of pictures.
const (
	maxShown  = 64       // of one page
	maxPixels = 40 << 20 // of one picture
)

// givePictures hands the pictures of a page on; false when that cannot be done
// with all of them.
func (r *reader) givePictures(c *canvas, p *page) bool {
	out, wanted := r.out.(Pictures)
	if !wanted || len(c.shown) == 0 || len(c.shown) < c.images {
		return false
	}
	all := true
	for i, s := range c.shown {
		if !r.step(1000) || r.failed != nil {
			return false
		}
		if r.given1(s) {
			continue
		}
		kind, octets := r.pictureFile(s)
		if kind == "" {
			all = false
			continue
		}
		name := "page " + strconv.Itoa(p.number) + ", picture " + strconv.Itoa(i+1) + "." + kind
		r.failed = out.Picture(File{Name: name, Octets: bytes.NewReader(octets)})
	}
	return all
}

// pictureFile makes a file of an image (ISO 32000-1 §8.9.5). kind is the
// ending of its name; "" when it cannot be made.
func (r *reader) pictureFile(s *stream) (kind string, octets []byte) {
	body, filter := r.decodeTo(s)
	if len(body) == 0 {
		return "", nil
	}
	switch filter {
	case "DCTDecode", "DCT":
		return "jpg", body
	case "JPXDecode":
		return "jp2", body
	case "CCITTFaxDecode", "CCF":
		return r.fax(s, body)
	case "":
		return r.samples(s, body)
	}
	return "", nil
}

// fax puts a TIFF header in front of what a fax machine sends (ISO 32000-1
// §7.4.6; TIFF 6.0 sections 10 and 11).
func (r *reader) fax(s *stream, body []byte) (string, []byte) {
	filters, params := r.filters(s.dict)
	var p dict
	if n := len(filters) - 1; n >= 0 && n < len(params) {
		p = r.dictOf(params[n])
	}
	columns := bounded(r.numberOf(p["Columns"], 1728), 1, 1<<16)
	rows := bounded(r.numberOf(s.dict["Height"], r.numberOf(s.dict["H"], 0)), 0, 1<<16)
	if aligned, _ := r.resolve(p["EncodedByteAlign"]).(bool); aligned || rows == 0 || columns*rows > maxPixels {
		return "", nil
	}
	compression, options := uint32(4), uint32(0) // group 4
	switch k := r.numberOf(p["K"], 0); {
	case k == 0:
		compression = 3
	case k > 0:
		compression, options = 3, 1 // two dimensions
	}
	black := uint32(0)
	if one, _ := r.resolve(p["BlackIs1"]).(bool); one {
		black = 1
	}
	fields := [][3]uint32{ // tag, type (3: 16 bits, 4: 32 bits), value
		{256, 4, uint32(columns)}, {257, 4, uint32(rows)}, {258, 3, 1}, {259, 3, compression}, {262, 3, black}, {266, 3, 1},
		{273, 4, 0}, {277, 3, 1}, {278, 4, uint32(rows)}, {279, 4, uint32(len(body))}, {292, 4, options},
	}
	if compression == 4 {
		fields[len(fields)-1] = [3]uint32{293, 4, 0}
	}
	const head = 8
	start := uint32(head + 2 + 12*len(fields) + 4)
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("II*\x00"), head)
	b = le.AppendUint16(b, uint16(len(fields)))
	for _, f := range fields {
		if f[0] == 273 {
			f[2] = start
		}
		b = le.AppendUint16(le.AppendUint16(b, uint16(f[0])), uint16(f[1]))
		b = le.AppendUint32(le.AppendUint32(b, 1), f[2])
	}
	b = le.AppendUint32(b, 0)
	return "tif", append(b, body...)
}

// samples makes a gray PNG of what stands in the file point by point: letters
// have no color.
func (r *reader) samples(s *stream, body []byte) (string, []byte) {
	pick := func(long, short name) any {
		if o := s.dict[long]; o != nil {
			return o
		}
		return s.dict[short]
	}
	width := bounded(r.numberOf(pick("Width", "W"), 0), 0, 1<<16)
	height := bounded(r.numberOf(pick("Height", "H"), 0), 0, 1<<16)
	bits := bounded(r.numberOf(pick("BitsPerComponent", "BPC"), 8), 1, 16)
	tone := r.toneOf(pick("ColorSpace", "CS"), 0)
	if mask, _ := r.resolve(pick("ImageMask", "IM")).(bool); mask {
		bits, tone = 1, tones{n: 1}
	}
	row := (width*tone.n*bits + 7) / 8
	if width == 0 || height == 0 || tone.n == 0 || width*height > maxPixels || !slices.Contains([]int{1, 2, 4, 8, 16}, bits) {
		return "", nil
	}
	height = min(height, len(body)/row) // what is cut off is not there
	if height == 0 {
		return "", nil
	}
	turned := false
	if d := r.arrayOf(pick("Decode", "D")); len(d) >= 2 {
		turned = r.numberOf(d[0], 0) > r.numberOf(d[1], 1)
	}
	to := image.NewGray(image.Rect(0, 0, width, height))
	values := make([]int, tone.n)
	for y := range height {
		line := body[y*row : (y+1)*row]
		at := 0
		for x := range width {
			for i := range values {
				values[i] = pointAt(line, at, bits, tone.palette != nil)
				at++
			}
			v := tone.gray(values)
			if turned {
				v = 255 - v
			}
			to.Pix[y*to.Stride+x] = v
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, to); err != nil {
		return "", nil
	}
	return "png", out.Bytes()
}

// pointAt is a value of a row: from 0 to 255, or as it stands there.
func pointAt(row []byte, i, bits int, exact bool) int {
	switch bits {
	case 8:
		return int(row[i])
	case 16:
		return int(row[2*i])
	}
	v := int(row[i*bits/8]) >> (8 - bits - i*bits%8) & (1<<bits - 1)
	if exact {
		return v
	}
	return v * 255 / (1<<bits - 1)
}

// tones say how light the values of a color space are (ISO 32000-1 §8.6).
type tones struct {
	n       int // values of a point; 0: not known
	ink     bool
	palette []byte // by index: grays
}

func (t tones) gray(v []int) byte {
	switch {
	case t.palette != nil:
		if v[0] < len(t.palette) {
			return t.palette[v[0]]
		}
		return 255
	case t.ink && t.n == 1:
		return byte(255 - v[0])
	case t.ink:
		return byte((255 - (299*v[0]+587*v[1]+114*v[2])/1000) * (255 - v[3]) / 255)
	case t.n == 3:
		return byte((299*v[0] + 587*v[1] + 114*v[2]) / 1000)
	}
	return byte(v[0])
}

// toneOf reads a color space.
func (r *reader) toneOf(o any, depth int) tones {
	list := r.arrayOf(o)
	kind := r.nameOf(o)
	if len(list) > 0 {
		kind = r.nameOf(list[0])
	}
	if depth > 4 {
		return tones{}
	}
	switch kind {
	case "DeviceGray", "CalGray", "G":
		return tones{n: 1}
	case "DeviceRGB", "CalRGB", "RGB":
		return tones{n: 3}
	case "DeviceCMYK", "CMYK":
		return tones{n: 4, ink: true}
	case "Separation":
		return tones{n: 1, ink: true}
	case "ICCBased":
		if len(list) > 1 && r.streamOf(list[1]) != nil {
			switch n := int(r.numberOf(r.streamOf(list[1]).dict["N"], 0)); n {
			case 1, 3:
				return tones{n: n}
			case 4:
				return tones{n: n, ink: true}
			}
		}
	case "Indexed", "I":
		return r.indexed(list, depth)
	case "":
		if len(list) == 0 && depth == 0 {
			return tones{n: 1}
		}
	}
	return tones{}
}

// indexed reads a palette.
func (r *reader) indexed(list array, depth int) tones {
	if len(list) < 4 {
		return tones{}
	}
	base := r.toneOf(list[1], depth+1)
	var table []byte
	switch o := r.resolve(list[3]).(type) {
	case text:
		table = []byte(o)
	case *stream:
		table = r.decode(o)
	}
	if base.n == 0 || base.palette != nil || len(table) < base.n {
		return tones{}
	}
	t := tones{n: 1}
	values := make([]int, base.n)
	for i := 0; i+base.n <= len(table) && len(t.palette) < 256; i += base.n {
		for k := range values {
			values[k] = int(table[i+k])
		}
		t.palette = append(t.palette, base.gray(values))
	}
	return t
}
