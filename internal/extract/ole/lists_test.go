package ole_test

import (
	"encoding/binary"
	"testing"
)

// numbered writes a document of one piece whose paragraphs belong to a list
// of two levels: "1)" and "1.a".
func numbered() []byte {
	level := func(kind, start int, text ...int) []byte {
		return join(u32(start), []byte{byte(kind)}, make([]byte, 23), u16(len(text)), u16(text...))
	}
	row := make([]byte, 28)
	copy(row, u32(77))
	list := join(u16(1), row)
	for i := range 9 {
		switch i {
		case 0:
			list = append(list, level(0, 1, 0, ')')...)
		case 1:
			list = append(list, level(4, 1, 0, '.', 1)...)
		default:
			list = append(list, level(0, 1)...)
		}
	}
	return list
}

func TestParagraphsOfListsHaveTheirNumbers(t *testing.T) {
	paragraphs := []string{"one\r", "in one\r", "in one\r", "two\r", "plain\r"}
	depth := []int{0, 1, 1, 0, -1}
	body := ""
	for _, p := range paragraphs {
		body += p
	}
	d := documentOf([]string{body}, 0, nil)
	le := binary.LittleEndian
	main, table := d.Child("WordDocument").Content, d.Child("1Table").Content
	pair := func(n int, p []byte, size int) {
		le.PutUint32(main[154+8*n:], uint32(len(table)))
		le.PutUint32(main[154+8*n+4:], uint32(size))
		table = append(table, p...)
	}
	list := numbered()
	pair(73, list, 30)
	override := make([]byte, 16)
	copy(override, u32(77))
	pair(74, join(u32(1), override, u32(0)), 24)
	start := 2048
	main = append(main, make([]byte, -len(main)&511)...)
	page := make([]byte, 512)
	fc := start
	for i, p := range paragraphs {
		le.PutUint32(page[4*i:], uint32(fc))
		fc += 2 * len(p)
		le.PutUint32(page[4*i+4:], uint32(fc))
		at := 300 + 20*i
		page[4*(len(paragraphs)+1)+13*i] = byte(at / 2)
		sprms := []byte{}
		if depth[i] >= 0 {
			sprms = join(u16(0x260A), []byte{byte(depth[i])}, u16(0x460B, 1), []byte{0})
		}
		page[at] = byte((len(sprms)+2)/2 + 1)
		copy(page[at+3:], sprms)
	}
	page[511] = byte(len(paragraphs))
	number := len(main) / 512
	main = append(main, page...)
	pair(13, join(u32(0, 1<<30), u32(number)), 12)
	d.Child("WordDocument").Content, d.Child("1Table").Content = main, table
	has(t, read(t, d), "1)\tone\n1.a\tin one\n1.b\tin one\n2)\ttwo\nplain\n")
}
