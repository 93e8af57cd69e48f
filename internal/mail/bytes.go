package mail

import (
	"bytes"
	"io"
)

// Bytes is a Body that lies in memory.
type Bytes []byte

// ReadAt implements io.ReaderAt.
func (b Bytes) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Page is what follows an offset, in place.
func (b Bytes) Page(off int64) []byte {
	if off < 0 || off >= int64(len(b)) {
		return nil
	}
	return b[off:]
}

// Size implements Body.
func (b Bytes) Size() int64 { return int64(len(b)) }

func bytesReader(b []byte) io.Reader { return bytes.NewReader(b) }
