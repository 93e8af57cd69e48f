package mail_test

import (
	"bytes"
	"io"
	"testing"

	"postern.dev/postern/internal/mail"
)

func TestOutgoingIsTheOriginalWithoutCutsBehindTheFront(t *testing.T) {
	tests := []struct {
		name, front, body string
		cut               []mail.Range
		want              string
	}{
		{"an untouched message leaves as it came", "", "a: b\r\n\r\nc", nil, "a: b\r\n\r\nc"},
		{"what is added stands in front", "x: y\r\n", "a: b\r\n\r\nc", nil, "x: y\r\na: b\r\n\r\nc"},
		{"a cut field is missing", "", "a: b\r\nc: d\r\n\r\ne", []mail.Range{{6, 12}}, "a: b\r\n\r\ne"},
		{"cuts may come in any order", "", "0123456789", []mail.Range{{7, 9}, {0, 2}}, "234569"},
		{"cuts may touch each other", "f", "0123456789", []mail.Range{{2, 4}, {4, 6}}, "f016789"},
		{"everything may be cut", "f", "0123", []mail.Range{{0, 4}}, "f"},
		{"an empty body has only its front", "f", "", nil, "f"},
		{"an empty cut cuts nothing", "", "0123", []mail.Range{{2, 2}}, "0123"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := &mail.Outgoing{Front: []byte(test.front), Body: mail.Bytes(test.body), Cut: test.cut}
			got, err := io.ReadAll(o.Reader())
			if err != nil || string(got) != test.want || o.Size() != int64(len(got)) {
				t.Errorf("got %q, size %d, %v; want %q", got, o.Size(), err, test.want)
			}
		})
	}
}

func TestOutgoingPutsSomethingInThePlaceOfARange(t *testing.T) {
	tests := []struct {
		name string
		cut  []mail.Range
		put  []mail.Put
		want string
	}{
		{"between two octets", nil, []mail.Put{{mail.Range{Start: 3, End: 3}, []byte("abc")}}, "f012abc3456789"},
		{"in the place of some", nil, []mail.Put{{mail.Range{Start: 3, End: 5}, []byte("abc")}}, "f012abc56789"},
		{"at both ends", nil, []mail.Put{{mail.Range{Start: 10, End: 10}, []byte("z")}, {mail.Range{}, []byte("a")}}, "fa0123456789z"},
		{"between cuts", []mail.Range{{Start: 0, End: 2}, {Start: 4, End: 6}}, []mail.Put{{mail.Range{Start: 2, End: 4}, []byte("x")}}, "fx6789"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := &mail.Outgoing{Front: []byte("f"), Body: mail.Bytes("0123456789"), Cut: test.cut, Put: test.put}
			got, err := io.ReadAll(o.Reader())
			if err != nil || string(got) != test.want || o.Size() != int64(len(got)) {
				t.Errorf("got %q, size %d, %v; want %q", got, o.Size(), err, test.want)
			}
		})
	}
}

// FuzzOutgoing: octets out are octets in, minus the cuts, plus the front,
// whatever the size of the reader's window.
func FuzzOutgoing(f *testing.F) {
	f.Add([]byte("front"), []byte("a: b\r\nc: d\r\n\r\nbody\r\n"), []byte{2, 3, 1, 4}, 3)
	f.Add([]byte(""), []byte("x"), []byte{0, 1}, 1)
	f.Fuzz(func(t *testing.T, front, body, steps []byte, window int) {
		var cuts []mail.Range
		want := bytes.Clone(front)
		at := 0
		for i := 0; i+1 < len(steps) && at < len(body); i += 2 {
			start := min(at+int(steps[i]), len(body))
			end := min(start+int(steps[i+1]), len(body))
			want = append(want, body[at:start]...)
			cuts = append([]mail.Range{{Start: int64(start), End: int64(end)}}, cuts...)
			at = end
		}
		want = append(want, body[at:]...)
		o := &mail.Outgoing{Front: front, Body: mail.Bytes(body), Cut: cuts}
		window = 1 + int(uint(window)%1000)
		var got []byte
		r := o.Reader()
		buf := make([]byte, window)
		for {
			n, err := r.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, want) || o.Size() != int64(len(want)) {
			t.Fatalf("window %d: got %q (size %d), want %q", window, got, o.Size(), want)
		}
		for _, o.Body = range []mail.Body{mail.Bytes(body), halved{mail.Bytes(body), window}} {
			got = nil
			block := make([]byte, window)
			err := o.Pieces(func() ([]byte, error) { clear(block); return block, nil }, func(p []byte) error {
				got = append(got, p...)
				return nil
			})
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%T, window %d: got %q, %v, want %q", o.Body, window, got, err, want)
			}
		}
	})
}

// halved is a body of which every second window lies in memory.
type halved struct {
	mail.Body
	window int
}

func (h halved) Page(off int64) []byte {
	n := int64(h.window)
	if off >= h.Size() || off/n%2 == 1 {
		return nil
	}
	p := make([]byte, min(h.Size(), (off/n+1)*n)-off)
	_, _ = h.ReadAt(p, off)
	return p
}

func TestPiecesEndWithTheFirstError(t *testing.T) {
	o := &mail.Outgoing{Front: []byte("f"), Body: mail.Bytes("0123456789")}
	room := func() ([]byte, error) { return make([]byte, 4), nil }
	asked := 0
	err := o.Pieces(room, func([]byte) error {
		asked++
		return io.ErrClosedPipe
	})
	if err != io.ErrClosedPipe || asked != 1 {
		t.Errorf("%v after %d pieces", err, asked)
	}
	keep := func([]byte) error { return nil }
	o.Body = halved{o.Body, 4}
	if err := o.Pieces(func() ([]byte, error) { return nil, io.ErrShortBuffer }, keep); err != io.ErrShortBuffer {
		t.Errorf("without room: %v", err)
	}
	o.Body = cutShort{o.Body}
	if err := o.Pieces(room, keep); err == nil {
		t.Error("a body that cannot be read has an end")
	}
}

// cutShort is a body whose end cannot be read.
type cutShort struct{ mail.Body }

func (c cutShort) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > 8 {
		return 0, io.ErrUnexpectedEOF
	}
	return c.Body.ReadAt(p, off)
}
