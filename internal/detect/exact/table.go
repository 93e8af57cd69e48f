package exact

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
)

// The file of a table: eight octets of magic, four octets with the length of
// the head (big endian), the head (JSON), and the rows, sorted by the hash of
// their primary cell. A row is eight octets of that hash, and four octets of
// the hash of each other cell; zero stands for an empty one.
const magic = "POSTEDM1"

// maxHead bounds the head of a file.
const maxHead = 64 << 10

// Head describes a table.
type Head struct {
	// ID changes with every build; it names the content.
	ID string `json:"id"`
	// Salt is that of the hashes, in hexadecimal.
	Salt string `json:"salt"`
	// Primary is the name of the column that is searched, Others those of
	// the columns that speak for a row.
	Primary string   `json:"primary"`
	Others  []string `json:"others"`
	Rows    int      `json:"rows"`
	// Skipped rows had no primary cell that can be searched.
	Skipped int `json:"skipped"`
	// Lengths says which primary cells exist: by what they are made of (1
	// digits, 2 letters, 3 both), bit n for the length n.
	Lengths [4][2]uint64 `json:"lengths"`
	// Run is the largest number of words of a primary cell, LongRun that of
	// any other.
	Run     int `json:"run"`
	LongRun int `json:"long_run"`
}

// Table is a table that is ready to be searched. It is safe for use by
// several goroutines.
type Table struct {
	Head
	salt  []byte
	rows  []byte
	size  int // of a row
	close func() error
}

// ErrFormat is the failure of a file that postern edm build did not make.
var ErrFormat = errors.New("exact: not a table of postern edm build")

// parse makes a Table of a file's content.
func parse(file []byte) (*Table, error) {
	if len(file) < len(magic)+4 || string(file[:len(magic)]) != magic {
		return nil, ErrFormat
	}
	n := binary.BigEndian.Uint32(file[len(magic):])
	rest := file[len(magic)+4:]
	if n > maxHead || int(n) > len(rest) {
		return nil, ErrFormat
	}
	t := &Table{rows: rest[n:], close: func() error { return nil }}
	if err := json.Unmarshal(rest[:n], &t.Head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	t.size = 8 + 4*len(t.Others)
	salt, err := hex.DecodeString(t.Salt)
	if err != nil || len(salt) != saltSize || t.Rows < 0 || len(t.rows)/t.size != t.Rows || len(t.rows)%t.size != 0 {
		return nil, fmt.Errorf("%w: it is cut off or damaged", ErrFormat)
	}
	t.salt = salt
	t.Run, t.LongRun = min(max(t.Run, 1), maxRun), min(max(t.LongRun, 1), maxRun)
	return t, nil
}

// Close gives the file back.
func (t *Table) Close() error { return t.close() }

// primary is the hash of the primary cell of row i.
func (t *Table) primary(i int) uint64 { return binary.BigEndian.Uint64(t.rows[i*t.size:]) }

// other is the hash of another cell of row i.
func (t *Table) other(i, column int) uint32 {
	return binary.BigEndian.Uint32(t.rows[i*t.size+8+4*column:])
}

// possible reports whether a primary cell of this form may exist.
func (t *Table) possible(c class, length int) bool {
	return length <= maxCell && t.Lengths[c&3][length/64]>>(length%64)&1 != 0
}

// first is the first row with a primary hash; ok is false when there is none.
// Hashes are even, so that their value says where to look.
func (t *Table) first(h uint64) (row int, ok bool) {
	lo, hi := 0, t.Rows
	for hi-lo > 16 {
		// Where it would be if the hashes between were even; a step to both
		// sides makes sure that every round narrows.
		a, b := t.primary(lo), t.primary(hi-1)
		if h <= a {
			hi = lo + 1
			break
		}
		if h > b {
			return 0, false
		}
		mid := lo + int(float64(hi-lo-1)*(float64(h-a)/float64(b-a+1)))
		mid = min(max(mid, lo+1), hi-1)
		if t.primary(mid) < h {
			lo = mid
		} else {
			hi = mid + 1
		}
		if mid = (lo + hi) / 2; t.primary(mid) < h {
			lo = mid
		} else {
			hi = mid + 1
		}
	}
	lo += sort.Search(hi-lo, func(i int) bool { return t.primary(lo+i) >= h })
	if lo < t.Rows && t.primary(lo) == h {
		return lo, true
	}
	return 0, false
}
