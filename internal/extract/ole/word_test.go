package ole_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"postern.dev/postern/internal/extract/cfb"
)

func wide(s string) []byte { return u16s(utf16.Encode([]rune(s))) }

func u16s(list []uint16) []byte {
	var out []byte
	for _, u := range list {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// document writes a document of Word 97: body in pieces of n characters, by
// turns of one octet and of two, out of order in the file; then a footnote
// and a comment.
func document(body string, n int) *cfb.Entry {
	return documentOf([]string{body, "a footnote\r", "", "", "a comment\r"}, n, nil)
}

func documentOf(stories []string, n int, marks [][3]int) *cfb.Entry {
	le := binary.LittleEndian
	all := utf16.Encode([]rune(strings.Join(stories, "")))
	if n <= 0 {
		n = len(all)
	}
	main := make([]byte, 2048)
	le.PutUint16(main, 0xA5EC)
	le.PutUint16(main[2:], 0x00C1)
	le.PutUint16(main[10:], 0x0200)
	le.PutUint16(main[32:], 14)
	le.PutUint16(main[62:], 22)
	for i, s := range stories {
		le.PutUint32(main[64+12+4*i:], uint32(len(utf16.Encode([]rune(s)))))
	}
	le.PutUint16(main[152:], 93)
	var cps, pcds []byte
	var parts [][]byte
	for at := 0; at < len(all); at += n {
		end := min(at+n, len(all))
		cps = le.AppendUint32(cps, uint32(at))
		text := u16s(all[at:end])
		if at/n%2 == 1 {
			text = []byte(string(utf16.Decode(all[at:end]))) // plain characters only
		}
		parts = append(parts, text)
	}
	cps = le.AppendUint32(cps, uint32(len(all)))
	places := make([]int, len(parts))
	for i := len(parts) - 1; i >= 0; i-- {
		main = append(main, make([]byte, len(main)&1)...)
		places[i] = len(main)
		main = append(main, parts[i]...)
	}
	for i, at := range places {
		fc := uint32(at)
		if i%2 == 1 {
			fc = uint32(at)*2 | 0x40000000
		}
		pcds = append(le.AppendUint32(append(pcds, 0, 0), fc), 0, 0)
	}
	plc := append(cps, pcds...)
	table := le.AppendUint32([]byte{2}, uint32(len(plc)))
	table = append(table, plc...)
	le.PutUint32(main[154+8*33:], 0)
	le.PutUint32(main[154+8*33+4:], uint32(len(table)))
	if marks != nil {
		main, table = withMarks(main, table, places[0], marks)
	}
	return storage("", stream("WordDocument", main), stream("1Table", table))
}

// withMarks adds formats of characters: from, to (in characters of the first
// piece, of two octets each) and the property that hides them.
func withMarks(main, table []byte, start int, marks [][3]int) (m, t []byte) {
	le := binary.LittleEndian
	main = append(main, make([]byte, -len(main)&511)...)
	page := make([]byte, 512)
	for i, k := range marks {
		le.PutUint32(page[4*i:], uint32(start+2*k[0]))
		le.PutUint32(page[4*i+4:], uint32(start+2*k[1]))
		at := 400 + 8*i
		page[4*(len(marks)+1)+i] = byte(at / 2)
		page[at] = 3
		le.PutUint16(page[at+1:], uint16(k[2]))
		page[at+3] = 1
	}
	page[511] = byte(len(marks))
	number := len(main) / 512
	main = append(main, page...)
	le.PutUint32(main[154+8*12:], uint32(len(table)))
	le.PutUint32(main[154+8*12+4:], 12)
	table = le.AppendUint32(table, 0)
	table = le.AppendUint32(table, 1<<30)
	return main, le.AppendUint32(table, uint32(number))
}

// oldDocument writes a document of Word 6 in Russian.
func oldDocument(body string) *cfb.Entry {
	le := binary.LittleEndian
	main := make([]byte, 0x300)
	le.PutUint16(main, 0xA5DC)
	le.PutUint16(main[2:], 101)
	le.PutUint16(main[6:], 0x0419)
	le.PutUint32(main[0x18:], 0x300)
	le.PutUint32(main[0x1C:], uint32(0x300+len(body)))
	le.PutUint32(main[0x34:], uint32(len(body)))
	return storage("", stream("WordDocument", append(main, body...)))
}

func TestTheTextOfADocument(t *testing.T) {
	p := read(t, document("card 4111 1111\rcell\x07next\x07\x07\x13HYPERLINK x\x14link\x15 soft\x1fhyphen 41\x0511\x0211\r", 5))
	has(t, p, "card 4111 1111\n", "cell\tnext\t\nlink", "link", "soft\u00adhyphen", "411111", "[footnotes]\na footnote",
		"[comments]\na comment", "[field codes]\n\nHYPERLINK x")
	if len(p.notes) > 0 {
		t.Errorf("%q", p.notes)
	}
	has(t, read(t, document("пример текста 𐌲", 0)), "пример текста 𐌲")
}

func TestHiddenAndDeletedTextDoNotPartANumber(t *testing.T) {
	p := read(t, documentOf([]string{"41xx11yy11"}, 0, [][3]int{{2, 4, 0x083C}, {4, 6, 0x0801}, {6, 8, 0x0800}}))
	has(t, p, "411111", "[hidden text]\nxx", "[deleted text]\nyy")
}

func TestADocumentOfWord6(t *testing.T) {
	has(t, read(t, oldDocument("\xcf\xf0\xe8 4111")), "При 4111")
}

func TestADocumentWhoseTableIsLostIsDamaged(t *testing.T) {
	d := document("text", 0)
	d.Child("1Table").Content = nil
	if p := read(t, d); len(p.notes) == 0 || p.notes[0] != "malformed" {
		t.Errorf("%q %q", p.notes, p)
	}
}
