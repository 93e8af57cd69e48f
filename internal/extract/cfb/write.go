package cfb

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
)

// Writer's sizes: version 3, sectors of 512 octets (MS-CFB §2.2).
const (
	sectorSize = 512
	miniSize   = 64
	cutoff     = 4096
	maxName    = 31
)

// image is a compound file that is written.
type image struct {
	rows    [][]byte // of the directory
	sectors []byte
	fat     []uint32
	mini    []byte
	minifat []uint32
}

// File writes a storage and all that is in it as a compound file of its own.
func (e *Entry) File() []byte {
	m := &image{}
	root := m.row("Root Entry", 5, e.Class)
	m.link(root, e.Children, 0)
	start := m.put(m.mini)
	m.place(root, start, len(m.mini))
	if len(m.mini) == 0 {
		m.place(root, endOfChain, 0)
	}
	return m.finish()
}

// row adds an entry to the directory and gives its number.
func (m *image) row(name string, kind byte, class [16]byte) int {
	row := make([]byte, 128)
	units := utf16.Encode([]rune(name))
	if len(units) > maxName {
		units = units[:maxName]
	}
	for i, u := range units {
		binary.LittleEndian.PutUint16(row[2*i:], u)
	}
	binary.LittleEndian.PutUint16(row[64:], uint16(2*len(units)+2))
	row[66], row[67] = kind, 1
	for _, at := range []int{68, 72, 76} {
		binary.LittleEndian.PutUint32(row[at:], noStream)
	}
	copy(row[80:], class[:])
	m.rows = append(m.rows, row)
	return len(m.rows) - 1
}

func (m *image) place(row int, start uint32, size int) {
	binary.LittleEndian.PutUint32(m.rows[row][116:], start)
	binary.LittleEndian.PutUint32(m.rows[row][120:], uint32(size))
}

// link writes the entries of a storage and joins them to a balanced tree. Its
// order is that of MS-CFB §2.6.4: shorter names first, then by capital letters.
func (m *image) link(parent int, children []*Entry, depth int) {
	if depth > maxDepth {
		return
	}
	sorted := slices.Clone(children)
	slices.SortStableFunc(sorted, func(a, b *Entry) int {
		x, y := utf16.Encode([]rune(a.Name)), utf16.Encode([]rune(b.Name))
		if c := cmp.Compare(len(x), len(y)); c != 0 {
			return c
		}
		return strings.Compare(strings.ToUpper(a.Name), strings.ToUpper(b.Name))
	})
	rows := make([]int, len(sorted))
	for i, c := range sorted {
		if c.Storage {
			rows[i] = m.row(c.Name, 1, c.Class)
			m.link(rows[i], c.Children, depth+1)
			continue
		}
		rows[i] = m.row(c.Name, 2, c.Class)
		m.stream(rows[i], c.Bytes())
	}
	m.tree(parent, 76, rows)
}

// tree hangs rows under a field of a row: 76 is the child of a storage, 68
// and 72 are the siblings on the left and on the right.
func (m *image) tree(row, field int, rows []int) {
	if len(rows) == 0 {
		return
	}
	mid := len(rows) / 2
	binary.LittleEndian.PutUint32(m.rows[row][field:], uint32(rows[mid]))
	m.tree(rows[mid], 68, rows[:mid])
	m.tree(rows[mid], 72, rows[mid+1:])
}

func (m *image) stream(row int, p []byte) {
	switch {
	case len(p) == 0:
		m.place(row, endOfChain, 0)
	case len(p) < cutoff:
		start := uint32(len(m.minifat))
		for i := 0; i < len(p); i += miniSize {
			m.mini = append(m.mini, p[i:min(i+miniSize, len(p))]...)
			m.mini = append(m.mini, make([]byte, -len(m.mini)&(miniSize-1))...)
			m.minifat = append(m.minifat, uint32(len(m.minifat))+1)
		}
		m.minifat[len(m.minifat)-1] = endOfChain
		m.place(row, start, len(p))
	default:
		m.place(row, m.put(p), len(p))
	}
}

// put writes octets in sectors that follow each other.
func (m *image) put(p []byte) uint32 {
	if len(p) == 0 {
		return endOfChain
	}
	start := uint32(len(m.fat))
	m.sectors = append(m.sectors, p...)
	m.sectors = append(m.sectors, make([]byte, -len(m.sectors)&(sectorSize-1))...)
	for len(m.fat) < len(m.sectors)/sectorSize {
		m.fat = append(m.fat, uint32(len(m.fat))+1)
	}
	m.fat[len(m.fat)-1] = endOfChain
	return start
}

func numbers(list []uint32) []byte {
	out := make([]byte, 0, 4*len(list)+sectorSize)
	for _, n := range list {
		out = binary.LittleEndian.AppendUint32(out, n)
	}
	for len(out)%sectorSize != 0 {
		out = append(out, 0xFF)
	}
	return out
}

// finish writes the directory, the tables and the header.
func (m *image) finish() []byte {
	minis := len(m.minifat)
	minifat := m.put(numbers(m.minifat))
	var dir []byte
	for _, r := range m.rows {
		dir = append(dir, r...)
	}
	directory := m.put(dir)

	// The table has an entry for each of its own sectors and for those that
	// list them.
	tables, lists := 0, 0
	for {
		need := (len(m.fat) + tables + lists + 127) / 128
		more := max(0, (need-109+126)/127)
		if need == tables && more == lists {
			break
		}
		tables, lists = need, more
	}
	first := uint32(len(m.fat))
	for range tables {
		m.fat = append(m.fat, 0xFFFFFFFD)
	}
	for range lists {
		m.fat = append(m.fat, 0xFFFFFFFC)
	}
	m.sectors = append(m.sectors, numbers(m.fat)...)
	where := make([]uint32, tables)
	for i := range where {
		where[i] = first + uint32(i)
	}
	for i := range lists {
		from := 109 + 127*i
		list := numbers(where[from:min(from+127, len(where))])
		after := uint32(endOfChain)
		if i+1 < lists {
			after = first + uint32(tables+i+1)
		}
		binary.LittleEndian.PutUint32(list[sectorSize-4:], after)
		m.sectors = append(m.sectors, list...)
	}
	head := m.header(directory, minifat, minis, first+uint32(tables), lists, where)
	return append(head, m.sectors...)
}

func (m *image) header(directory, minifat uint32, minis int, list uint32, lists int, tables []uint32) []byte {
	h := make([]byte, sectorSize)
	le := binary.LittleEndian
	copy(h, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
	le.PutUint16(h[24:], 0x3E)
	le.PutUint16(h[26:], 3)
	le.PutUint16(h[28:], 0xFFFE)
	le.PutUint16(h[30:], 9)
	le.PutUint16(h[32:], 6)
	le.PutUint32(h[44:], uint32(len(tables)))
	le.PutUint32(h[48:], directory)
	le.PutUint32(h[56:], cutoff)
	le.PutUint32(h[60:], minifat)
	le.PutUint32(h[64:], uint32((minis+127)/128))
	le.PutUint32(h[68:], endOfChain)
	if lists > 0 {
		le.PutUint32(h[68:], list)
		le.PutUint32(h[72:], uint32(lists))
	}
	for i := range 109 {
		n := uint32(noStream)
		if i < len(tables) {
			n = tables[i]
		}
		le.PutUint32(h[76+4*i:], n)
	}
	return h
}
