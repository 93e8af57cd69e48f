package exact

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
)

// Columns says what to take from a CSV file.
type Columns struct {
	// Primary is the heading of the column to search; Others those that
	// speak for a row, none for all.
	Primary string
	Others  []string
}

// Bounds of a table. A row of five columns takes 24 octets.
const (
	maxRows    = 200_000_000
	maxColumns = 32
)

// Build reads a CSV file whose first row holds the headings, and writes the
// file of a table. It holds the hashes in memory. The salt is new each time.
func Build(from io.Reader, to io.Writer, c Columns) (Head, error) {
	in := csv.NewReader(from)
	in.ReuseRecord, in.LazyQuotes, in.FieldsPerRecord = true, true, -1
	headings, err := in.Read()
	if err != nil {
		return Head{}, fmt.Errorf("exact: headings: %w", err)
	}
	b, others, err := newBuilder(headings, c)
	if err != nil {
		return Head{}, err
	}
	for {
		record, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return Head{}, fmt.Errorf("exact: %w", err)
		}
		if err := b.add(record, others); err != nil {
			return Head{}, err
		}
	}
	if b.head.Rows == 0 {
		return Head{}, errors.New("exact: no row has a primary cell that can be searched")
	}
	return b.write(to)
}

// builder collects rows.
type builder struct {
	head    Head
	primary int // the column
	hash    *hasher
	words   words
	rows    []byte
	size    int
}

func newBuilder(headings []string, c Columns) (*builder, []int, error) {
	headings = slices.Clone(headings)
	headings[0] = string(bytes.TrimPrefix([]byte(headings[0]), []byte("\ufeff")))
	column := func(name string) (int, error) {
		if i := slices.Index(headings, name); i >= 0 {
			return i, nil
		}
		return 0, fmt.Errorf("exact: no column is called %q; there are %q", name, headings)
	}
	b := &builder{}
	var err error
	if b.primary, err = column(c.Primary); err != nil {
		return nil, nil, err
	}
	var others []int
	if len(c.Others) == 0 {
		for i := range headings {
			if i != b.primary {
				others = append(others, i)
			}
		}
	}
	for _, name := range c.Others {
		i, err := column(name)
		if err != nil {
			return nil, nil, err
		}
		others = append(others, i)
	}
	if len(others) > maxColumns {
		return nil, nil, fmt.Errorf("exact: more than %d columns", maxColumns)
	}
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, nil, fmt.Errorf("exact: salt: %w", err)
	}
	b.hash, b.size = newHasher(salt), 8+4*len(others)
	b.head = Head{Salt: hex.EncodeToString(salt), Primary: c.Primary, Others: []string{}}
	for _, i := range others {
		b.head.Others = append(b.head.Others, headings[i])
	}
	return b, others, nil
}

func (b *builder) add(record []string, others []int) error {
	if b.head.Rows >= maxRows {
		return fmt.Errorf("exact: more than %d rows", maxRows)
	}
	if b.primary >= len(record) {
		b.head.Skipped++
		return nil
	}
	form, class, count := fold(&b.words, record[b.primary])
	// A cell of one or two characters would be found in every text.
	if len(form) < 3 || len(form) > maxCell || count > maxRun {
		b.head.Skipped++
		return nil
	}
	b.head.Lengths[class&3][len(form)/64] |= 1 << (len(form) % 64)
	b.head.Run = max(b.head.Run, spoken(class, count))
	b.rows = binary.BigEndian.AppendUint64(b.rows, b.hash.sum(form))
	for _, i := range others {
		var h uint32
		if i < len(record) {
			if form, class, count := fold(&b.words, record[i]); len(form) > 0 && len(form) <= maxCell && count <= maxRun {
				h = short(b.hash.sum(form))
				b.head.LongRun = max(b.head.LongRun, spoken(class, count))
			}
		}
		b.rows = binary.BigEndian.AppendUint32(b.rows, h)
	}
	b.head.Rows++
	return nil
}

// spoken is how many words a cell may be in a text: numbers are written in
// groups.
func spoken(c class, count int) int {
	if c&digits != 0 {
		return maxRun
	}
	return count
}

// short is what is kept of the hash of a cell that is not primary; never 0.
func short(h uint64) uint32 { return uint32(h>>32) | 1 }

func (b *builder) write(to io.Writer) (Head, error) {
	sort.Sort(byHash{b.rows, b.size, make([]byte, b.size)})
	sum := sha256.Sum256(b.rows)
	b.head.ID = hex.EncodeToString(sum[:8])
	head, err := json.Marshal(b.head)
	if err != nil {
		return Head{}, fmt.Errorf("exact: %w", err)
	}
	w := bufio.NewWriterSize(to, 1<<20)
	w.WriteString(magic)
	w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(head))))
	w.Write(head)
	w.Write(b.rows)
	if err := w.Flush(); err != nil {
		return Head{}, fmt.Errorf("exact: write: %w", err)
	}
	return b.head, nil
}

// byHash sorts rows of equal size.
type byHash struct {
	rows []byte
	size int
	swap []byte
}

func (s byHash) Len() int { return len(s.rows) / s.size }

func (s byHash) Less(i, j int) bool {
	return bytes.Compare(s.rows[i*s.size:(i+1)*s.size], s.rows[j*s.size:(j+1)*s.size]) < 0
}

func (s byHash) Swap(i, j int) {
	a, b := s.rows[i*s.size:(i+1)*s.size], s.rows[j*s.size:(j+1)*s.size]
	copy(s.swap, a)
	copy(a, b)
	copy(b, s.swap)
}
