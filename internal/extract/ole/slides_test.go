package ole_test

import (
	"testing"

	"postern.dev/postern/internal/extract/cfb"
)

// pp writes a record of a presentation.
func pp(kind, instance int, container bool, body ...[]byte) []byte {
	head := instance << 4
	if container {
		head |= 0xF
	}
	all := join(body...)
	return join(u16(head, kind), u32(len(all)), all)
}

func slides() *cfb.Entry {
	text := func(s string) []byte { return pp(0x0FA0, 0, false, wide(s)) }
	slide := pp(0x03EE, 0, true, pp(0x03EF, 2, false, make([]byte, 16), u32(256), u32(0)),
		pp(0x040C, 0, true, pp(0xF00D, 0, true, pp(0x0FA8, 0, false, []byte("box 4111\rline")))),
		pp(0x1388, 0, true, pp(0x138A, 0, true, pp(0x0FBA, 0, false, wide("___PPT10")),
			pp(0x138B, 0, false, pp(0x2EE0, 0, true, pp(0x0FBA, 0, false, wide("Ann")), pp(0x0FBA, 1, false, wide("a remark")))))))
	notes := pp(0x03F0, 0, true, text("speaker's notes"))
	gone := pp(0x03EE, 0, true, text("an earlier slide"))
	document := pp(0x03E8, 0, true,
		pp(0x0FF0, 0, true, pp(0x03F3, 0, false, u32(2, 0, 0, 300, 0)), text("title")),
		pp(0x0FF0, 2, true, pp(0x03F3, 0, false, u32(3, 0, 0, 256, 0))),
		pp(0x0FD9, 3, true, pp(0x0FBA, 2, false, wide("the footer"))))
	at := []int{0, len(document), len(document) + len(slide)}
	directory := pp(0x1772, 0, false, u32(3<<20|1), u32(at...))
	head := len(document) + len(slide) + len(notes) + len(gone)
	edit := pp(0x0FF5, 0, false, u32(0, 0, 0, head, 1, 4), u32(0))
	user := join(u32(0xFF60000, 20, 20), u32(0xE391C05F-1<<32), u32(head+len(directory)))
	return storage("", stream("PowerPoint Document", join(document, slide, notes, gone, directory, edit)), stream("Current User", user))
}

func TestTheSlidesOfAPresentation(t *testing.T) {
	has(t, read(t, slides()), "[slide 1]\ntitle\nbox 4111\nline\n", "[slide 1, notes]\nspeaker's notes", "a remark",
		"[other masters and earlier text]\nan earlier slide", "[presentation, page header or footer]\nthe footer")
}
