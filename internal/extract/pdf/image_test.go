package pdf

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"
)

// viewer is an Output that takes pictures.
type viewer struct {
	collected
	pictures map[string][]byte
}

func (v *viewer) Picture(f File) error {
	b, err := io.ReadAll(f.Octets)
	if v.pictures == nil {
		v.pictures = map[string][]byte{}
	}
	v.pictures[f.Name] = b
	return err
}

// scanned is a document with one page that shows one image.
func scanned(fields, body string) []byte {
	w := &writer{}
	i := w.stream("/Type /XObject /Subtype /Image "+fields, body)
	w.page("100 0 0 100 0 0 cm /I Do", "", fmt.Sprintf("/XObject << /I %d 0 R >>", i))
	return w.finish("")
}

func TestPicturesOfScannedPagesBecomeFiles(t *testing.T) {
	tests := []struct {
		name, fields, body string
		want               []byte // two by two points, gray
	}{
		{"gray", "/Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceGray", "\x00\xff\x80\x40", []byte{0, 255, 128, 64}},
		{"turned", "/Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceGray /Decode [1 0]", "\x00\xff\x80\x40", []byte{255, 0, 127, 191}},
		{"a mask", "/Width 2 /Height 2 /ImageMask true", "\x40\x80", []byte{0, 255, 255, 0}},
		{"four bits", "/Width 2 /Height 2 /BitsPerComponent 4 /ColorSpace /CalGray", "\x0f\xf0", []byte{0, 255, 255, 0}},
		{"sixteen bits", "/Width 2 /Height 2 /BitsPerComponent 16 /ColorSpace /DeviceGray", "\x00\x01\xff\x00\x80\x00\x00\x00", []byte{0, 255, 128, 0}},
		{"colors", "/Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceRGB", "\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00\xff", []byte{0, 255, 76, 29}},
		{"inks", "/Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceCMYK", "\x00\x00\x00\xff\x00\x00\x00\x00\x00\x00\x00\x80\xff\xff\xff\x00", []byte{0, 255, 127, 0}},
		{"one ink", "/Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace [/Separation /Black /DeviceGray << >>]", "\x00\xff\x80\x40", []byte{255, 0, 127, 191}},
		{"a palette", "/Width 2 /Height 2 /BitsPerComponent 1 /ColorSpace [/Indexed /DeviceRGB 1 <ffffff000000>]", "\x40\x80", []byte{255, 0, 0, 255}},
		{"cut off", "/Width 2 /Height 4 /BitsPerComponent 8 /ColorSpace /DeviceGray", "\x00\xff\x80\x40\x11", []byte{0, 255, 128, 64}},
	}
	for _, tt := range tests {
		v := &viewer{}
		if err := Read(scanned(tt.fields, tt.body), nil, v); err != nil || len(v.unread) > 0 {
			t.Errorf("%s: %v %q", tt.name, err, v.unread)
		}
		got, err := png.Decode(bytes.NewReader(v.pictures["page 1, picture 1.png"]))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if g, ok := got.(*image.Gray); !ok || !slices.Equal(g.Pix, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestPicturesThatCannotBeMadeFilesLeaveThePageUnread(t *testing.T) {
	for fields, body := range map[string]string{
		"/Width 2 /Height 2 /Filter /JBIG2Decode":                                         "x",
		"/Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /Pattern":                     "1234",
		"/Width 2 /Height 2 /BitsPerComponent 3 /ColorSpace /DeviceGray":                  "1234",
		"/Width 60000 /Height 60000 /BitsPerComponent 8 /ColorSpace /DeviceGray":          "1234",
		"/Width 0 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceGray":                  "1234",
		"/Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace [/Indexed /Pattern 1 <0011>]": "1234",
	} {
		v := &viewer{}
		if err := Read(scanned(fields, body), nil, v); err != nil || len(v.pictures) > 0 ||
			!slices.Equal(v.unread, []string{"2 page 1 holds images only"}) {
			t.Errorf("%s: %v %q %d", fields, err, v.unread, len(v.pictures))
		}
	}
}

func TestPicturesThatAreFilesAlreadyStayAsTheyAre(t *testing.T) {
	for filter, name := range map[string]string{"/DCTDecode": "page 1, picture 1.jpg", "/JPXDecode": "page 1, picture 1.jp2"} {
		v := &viewer{}
		_ = Read(scanned("/Width 2 /Height 2 /Filter "+filter, "octets"), nil, v)
		if string(v.pictures[name]) != "octets" || len(v.unread) > 0 {
			t.Errorf("%s: %q %q", filter, v.pictures, v.unread)
		}
	}
	v := &viewer{}
	_ = Read(scanned("/Width 8 /Height 3 /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 8 >>", "octets"), nil, v)
	if b := v.pictures["page 1, picture 1.tif"]; !bytes.HasPrefix(b, []byte("II*\x00")) || !strings.HasSuffix(string(b), "octets") {
		t.Errorf("fax: %q %q", v.pictures, v.unread)
	}
}
