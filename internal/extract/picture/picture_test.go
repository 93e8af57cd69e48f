package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func zipped(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func chunk(kind, data string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(data)))) + kind + data + "\x00\x00\x00\x00"
}

func segment(marker byte, data string) string {
	return "\xff" + string(rune(marker))[0:0] + string([]byte{marker}) + string(binary.BigEndian.AppendUint16(nil, uint16(len(data)+2))) + data
}

// exif is a TIFF file with a description, a comment in UTF-16, a caption and a
// place.
func exif() string {
	o := binary.LittleEndian
	var extra []byte
	const base = 8 + 2 + 4*12 + 4
	var entries []byte
	entry := func(tag, kind uint16, count uint32, data []byte) {
		entries = o.AppendUint16(o.AppendUint16(entries, tag), kind)
		entries = o.AppendUint32(entries, count)
		entries = o.AppendUint32(entries, uint32(base+len(extra)))
		extra = append(extra, data...)
	}
	wide := func(s string) (b []byte) {
		for _, r := range s {
			b = o.AppendUint16(b, uint16(r))
		}
		return b
	}
	entry(0x010E, 2, 20, []byte("a description of it\x00"))
	comment := append([]byte("UNICODE\x00"), wide("a cömment")...)
	entry(0x9286, 7, uint32(len(comment)), comment)
	caption := wide("a captiön")
	entry(0x9C9B, 1, uint32(len(caption)), caption)
	at := uint32(base + len(extra))
	entries = o.AppendUint32(o.AppendUint32(o.AppendUint16(o.AppendUint16(entries, 0x8825), 4), 1), at)
	gps := o.AppendUint16(nil, 1)
	gps = o.AppendUint32(o.AppendUint32(o.AppendUint16(o.AppendUint16(gps, 2), 5), 3), at+2+12+4)
	gps = o.AppendUint32(gps, 0)
	for _, v := range []uint32{52, 1, 22, 1, 30, 1} {
		gps = o.AppendUint32(gps, v)
	}
	file := append([]byte("II*\x00\x08\x00\x00\x00\x04\x00"), entries...)
	file = append(file, 0, 0, 0, 0)
	return string(append(append(file, extra...), gps...))
}

const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description dc:format="image/png"><dc:title><rdf:li xml:lang="en">a t&#105;tle</rdf:li></dc:title></rdf:Description></x:xmpmeta>`

func pictures() map[string]string {
	return map[string]string{
		"png": "\x89PNG\r\n\x1a\n" + chunk("IHDR", strings.Repeat("\x00", 13)) + chunk("tEXt", "Comment\x00a cömment") +
			chunk("zTXt", "Author\x00\x00"+zipped("an author")) + chunk("iTXt", "Title\x00\x01\x00en\x00\x00"+zipped("a title")) +
			chunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+xmp) + chunk("eXIf", exif()) + chunk("IEND", ""),
		"jpeg": "\xff\xd8" + segment(0xE0, "JFIF\x00") + segment(0xFE, "a comment") + segment(0xE1, "Exif\x00\x00"+exif()) +
			segment(0xE1, "http://ns.adobe.com/xap/1.0/\x00"+xmp) +
			segment(0xED, "Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x0e\x1c\x02\x78\x00\x09a caption") + "\xff\xda\x00\x02data\xff\xd9",
		"gif": "GIF89a\x01\x00\x01\x00\x80\x00\x00" + strings.Repeat("\x00", 6) + "\x21\xfe\x09a comment\x00" +
			"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x21\xfe\x05later\x00;",
		"webp": "RIFF\x00\x00\x00\x00WEBP" + "XMP " + string(binary.LittleEndian.AppendUint32(nil, uint32(len(xmp)))) + xmp,
		"tiff": exif(),
	}
}

func TestWhatPicturesSay(t *testing.T) {
	for name, want := range map[string][]string{
		"png": {"Comment=a cömment", "Author=an author", "Title=a title", "xmp=image/png\nen\na title", "exif=a description of it",
			"comment=a cömment", "caption=a captiön", "latitude=52.37500"},
		"jpeg": {"comment=a comment", "exif=a description of it", "comment=a cömment", "caption=a captiön", "latitude=52.37500",
			"xmp=image/png\nen\na title", "iptc=a caption"},
		"gif":  {"comment=a comment", "comment=later"},
		"webp": {"xmp=image/png\nen\na title"},
		"tiff": {"exif=a description of it", "comment=a cömment", "caption=a captiön", "latitude=52.37500"},
	} {
		var got []string
		if more := Read([]byte(pictures()[name]), func(name, text string) { got = append(got, name+"="+text) }); more || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestLimitsOfWhatAPictureSaysAreSaid(t *testing.T) {
	bomb := "\x89PNG\r\n\x1a\n" + chunk("zTXt", "a\x00\x00"+zipped(strings.Repeat("x", maxUnpacked+1)))
	size := 0
	if !Read([]byte(bomb), func(_, text string) { size += len(text) }) || size > maxUnpacked {
		t.Errorf("%d octets, and not said", size)
	}
	n := 0
	if !Read([]byte("\xff\xd8"+strings.Repeat(segment(0xFE, "a"), maxTexts+1)), func(string, string) { n++ }) || n != maxTexts {
		t.Errorf("%d texts, and not said", n)
	}
	many := []byte("II*\x00\x08\x00\x00\x00\xff\xff")
	if !Read(append(many, make([]byte, 20_000)...), func(string, string) {}) {
		t.Error("a folder with too many entries is not said")
	}
}

func FuzzPicture(f *testing.F) {
	for _, p := range pictures() {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		size := 0
		Read(file, func(_, text string) { size += len(text) })
		if size > maxUnpacked+100*len(file)+1000 {
			t.Errorf("%d octets of text out of %d", size, len(file))
		}
	})
}
