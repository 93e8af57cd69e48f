// Package buffers lends memory that is used again. A message needs a dozen
// buffers of 64 KiB on its way, each for some microseconds: made anew, they
// would be most of what the garbage collector has to do.
//
// It keeps one law:
//
//	what is given back is never used again by the one who gave it back.
//
// A buffer still holds what its last user wrote; whoever borrows one reads
// only what he has written himself. The package does not know what is in it.
//
// Standards: none.
package buffers

import (
	"bufio"
	"io"
	"sync"
)

// Size is the size of every buffer.
const Size = 64 << 10

var (
	blocks  = sync.Pool{New: func() any { return new([Size]byte) }}
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, Size) }}
	writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, Size) }}
)

// Get lends a block.
func Get() *[Size]byte { return blocks.Get().(*[Size]byte) }

// Put takes it back; nil is none.
func Put(b *[Size]byte) {
	if b != nil {
		blocks.Put(b)
	}
}

// sizes is how many sizes Lend keeps: Size, and each twice the one before.
const sizes = 5

var rooms = [sizes]sync.Pool{}

// Lend gives an empty slice with room for n octets. Above 16 times Size it is
// made anew.
func Lend(n int) []byte {
	for i := range rooms {
		if n <= Size<<i {
			if b, ok := rooms[i].Get().(*[]byte); ok {
				return (*b)[:0]
			}
			return make([]byte, 0, Size<<i)
		}
	}
	return make([]byte, 0, n)
}

// Return takes back what Lend gave.
func Return(b []byte) {
	for i := range rooms {
		if cap(b) == Size<<i {
			rooms[i].Put(&b)
		}
	}
}

// Reader lends a buffered reader of r.
func Reader(r io.Reader) *bufio.Reader {
	b := readers.Get().(*bufio.Reader)
	b.Reset(r)
	return b
}

// PutReader takes it back.
func PutReader(b *bufio.Reader) {
	b.Reset(nil)
	readers.Put(b)
}

// Writer lends a buffered writer to w.
func Writer(w io.Writer) *bufio.Writer {
	b := writers.Get().(*bufio.Writer)
	b.Reset(w)
	return b
}

// PutWriter takes it back. What was not flushed is lost.
func PutWriter(b *bufio.Writer) {
	b.Reset(nil)
	writers.Put(b)
}

// Copy copies like io.Copy, by nothing but Read and Write, through a block.
func Copy(to io.Writer, from io.Reader) (copied int64, err error) {
	b := Get()
	defer Put(b)
	for {
		n, end := from.Read(b[:])
		if n > 0 {
			written, err := to.Write(b[:n])
			copied += int64(written)
			if err == nil && written < n {
				err = io.ErrShortWrite
			}
			if err != nil {
				return copied, err
			}
		}
		if end == io.EOF {
			return copied, nil
		}
		if end != nil {
			return copied, end
		}
	}
}
