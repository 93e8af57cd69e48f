package vault

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"

	"postern.dev/postern/internal/buffers"
	"postern.dev/postern/internal/mail"
)

// A body file, all numbers big endian:
//
//	head      4  magic "PSTN"
//	          1  version, 1 or 2
//	          3  zero
//	          8  version 1: id of the key that wraps the file key (names it,
//	             tells nothing); version 2: zero
//	stream    …  an age v1 file with a file key of its own: version 1 wraps it
//	             to the X25519 key in its header; version 2 has a stanza
//	             "postern" without a key there, and the key lies, wrapped
//	             (wrap.go), in the row of the body; then ChaCha20-Poly1305 in
//	             chunks of 64 KiB, over:
//	               the octets of the message
//	               8  their number
//	              32  their SHA-256
//	trailer   8  length of head and stream
//	         32  SHA-256 of head, stream and that length
//	          8  magic "PSTN-END"
//
// Version 2 is written, both are read. The key lies outside the file so that
// it can be wrapped anew, wrapped for several roles, and destroyed: what a
// disk keeps of an unlinked file can then not be opened any more.
//
// Length and hash of the plain octets stand inside the stream, because a
// hash in the clear would confirm a guessed message. The trailer tells a
// file that was cut off or changed on the disk from one whose key is wrong,
// and needs no key.
const (
	magicHead = "PSTN"
	magicEnd  = "PSTN-END"
	version1  = 1
	version2  = 2

	headLen    = 16
	innerLen   = 8 + sha256.Size
	trailerLen = 8 + sha256.Size + 8
)

// ErrDamaged says that a body file is cut off or changed: none of its octets
// may be used.
var ErrDamaged = errors.New("vault: body file is damaged")

// ErrKeyMissing says that no configured key opens a body file.
var ErrKeyMissing = errors.New("vault: no key for body file")

// Seal writes b to w as a body file and returns the hash of its octets, and
// the key that opens it and lies nowhere else.
func Seal(w io.Writer, b mail.Body) (sum [sha256.Size]byte, key FileKey, err error) {
	outer := sha256.New()
	count := &counter{w: io.MultiWriter(w, outer)}
	head := make([]byte, headLen)
	copy(head, magicHead)
	head[4] = version2
	if _, err := count.Write(head); err != nil {
		return sum, nil, err
	}
	stream, err := age.Encrypt(count, keeping{&key})
	if err != nil {
		return sum, nil, fmt.Errorf("encrypt: %w", err)
	}
	inner := sha256.New()
	n, err := buffers.Copy(io.MultiWriter(stream, inner), io.NewSectionReader(b, 0, b.Size()))
	if err != nil {
		return sum, nil, err
	}
	if n != b.Size() {
		return sum, nil, fmt.Errorf("read body: %d of %d octets: %w", n, b.Size(), io.ErrUnexpectedEOF)
	}
	inner.Sum(sum[:0])
	if _, err := stream.Write(append(binary.BigEndian.AppendUint64(nil, uint64(n)), sum[:]...)); err != nil {
		return sum, nil, err
	}
	if err := stream.Close(); err != nil {
		return sum, nil, err
	}
	length := binary.BigEndian.AppendUint64(nil, uint64(count.n))
	outer.Write(length)
	trailer := append(outer.Sum(length), magicEnd...)
	_, err = w.Write(trailer)
	return sum, key, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// Plain is a verified body: its octets and what was verified. Several
// goroutines may read it.
type Plain struct {
	at   io.ReaderAt
	size int64
	sum  [sha256.Size]byte
}

// Size implements mail.Body.
func (p Plain) Size() int64 { return p.size }

// SHA256 is the verified hash of the octets.
func (p Plain) SHA256() [sha256.Size]byte { return p.sum }

// Unseal verifies all of a body file in one pass and only then gives access
// to it. Later reads are authenticated again chunk by chunk, so a file that
// changes afterwards gives an error, never wrong octets.
//
// What is short is kept in memory from the one pass. key is that of the file;
// it may be nil for a file of version 1, which keys then open.
func Unseal(f io.ReaderAt, size int64, keys *Keys, key FileKey) (Plain, error) {
	id, err := readHead(f, size)
	if err != nil {
		return Plain{}, err
	}
	length, want, err := readTrailer(f, size)
	if err != nil {
		return Plain{}, err
	}
	file := &hashed{r: io.NewSectionReader(f, 0, length), h: sha256.New()}
	lock := &unwrapped{key: key}
	if keys != nil {
		lock.of = keys.opening(id)
	}
	n, sum, short, openErr := readStream(file, lock, length <= shortBody)
	// Whatever happened inside, the outer hash decides first: a changed file
	// is damage, an intact one that does not open lacks its key.
	if err := file.finish(want); err != nil {
		return Plain{}, err
	}
	if openErr != nil {
		if noMatch := new(age.NoIdentityMatchError); errors.As(openErr, &noMatch) && (keys == nil || !keys.has(id)) {
			return Plain{}, fmt.Errorf("%w (key id %s)", ErrKeyMissing, id)
		}
		return Plain{}, fmt.Errorf("%w: %w", ErrDamaged, openErr)
	}
	if short != nil {
		return Plain{at: bytes.NewReader(short), size: n, sum: sum}, nil
	}
	at, all, err := age.DecryptReaderAt(io.NewSectionReader(f, headLen, length-headLen), length-headLen, lock)
	if err != nil {
		return Plain{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if all != n+innerLen {
		return Plain{}, fmt.Errorf("%w: length", ErrDamaged)
	}
	return Plain{at: at, size: n, sum: sum}, nil
}

func readHead(f io.ReaderAt, size int64) (keyID, error) {
	if size < headLen+trailerLen {
		return keyID{}, fmt.Errorf("%w: only %d octets", ErrDamaged, size)
	}
	var head [headLen]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return keyID{}, fmt.Errorf("vault: read body file: %w", err)
	}
	if string(head[:4]) != magicHead {
		return keyID{}, fmt.Errorf("%w: no magic", ErrDamaged)
	}
	if head[4] != version1 && head[4] != version2 || head[5]|head[6]|head[7] != 0 {
		return keyID{}, fmt.Errorf("%w: version %d", ErrDamaged, head[4])
	}
	return keyID(head[8:16]), nil
}

// readTrailer returns the length of head and stream, and the hash over them
// and over that length.
func readTrailer(f io.ReaderAt, size int64) (length int64, want []byte, err error) {
	trailer := make([]byte, trailerLen)
	if n, err := f.ReadAt(trailer, size-trailerLen); n < trailerLen {
		return 0, nil, fmt.Errorf("vault: read body file: %w", err)
	}
	length = int64(binary.BigEndian.Uint64(trailer))
	if string(trailer[40:]) != magicEnd || length != size-trailerLen {
		return 0, nil, fmt.Errorf("%w: cut off", ErrDamaged)
	}
	return length, trailer[8:40], nil
}

// shortBody is the length of a file whose octets are kept in memory while it
// is open.
const shortBody = 256 << 10

// readStream decrypts the stream once and compares length and hash of the
// plain octets. It returns them when they shall be kept.
func readStream(file *hashed, id age.Identity, keep bool) (n int64, sum [sha256.Size]byte, short []byte, err error) {
	if _, err := io.CopyN(io.Discard, file, headLen); err != nil {
		return 0, sum, nil, err
	}
	stream, err := age.Decrypt(file, id)
	if err != nil {
		return 0, sum, nil, err
	}
	if keep {
		all, err := wholeStream(stream, file.r.Size())
		if err != nil {
			return 0, sum, nil, err
		}
		n, inner := max(0, len(all)-innerLen), all[max(0, len(all)-innerLen):]
		sum = sha256.Sum256(all[:n])
		return int64(n), sum, all[:n:n], judge(inner, int64(n), sum)
	}
	tail := &tailed{h: sha256.New(), keep: innerLen}
	if _, err := buffers.Copy(tail, stream); err != nil {
		return 0, sum, nil, err
	}
	tail.h.Sum(sum[:0])
	return tail.n, sum, nil, judge(tail.tail, tail.n, sum)
}

// wholeStream reads a stream that is shorter than its file.
func wholeStream(stream io.Reader, file int64) ([]byte, error) {
	all := make([]byte, 0, file)
	for {
		n, err := stream.Read(all[len(all):cap(all)])
		all = all[:len(all)+n]
		switch {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return nil, err
		case len(all) == cap(all):
			return nil, errors.New("the stream is longer than its file")
		}
	}
}

// judge compares what stands behind the octets in the stream with them.
func judge(inner []byte, n int64, sum [sha256.Size]byte) error {
	if len(inner) != innerLen || int64(binary.BigEndian.Uint64(inner)) != n ||
		subtle.ConstantTimeCompare(inner[8:], sum[:]) != 1 {
		return errors.New("length or hash of the octets differs")
	}
	return nil
}

// hashed feeds what is read to a hash.
type hashed struct {
	r *io.SectionReader
	h hash.Hash
}

func (r *hashed) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.h.Write(p[:n])
	return n, err
}

// finish reads what was left unread, adds the length, and compares.
func (r *hashed) finish(want []byte) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("vault: read body file: %w", err)
	}
	r.h.Write(binary.BigEndian.AppendUint64(nil, uint64(r.r.Size())))
	if subtle.ConstantTimeCompare(r.h.Sum(nil), want) != 1 {
		return fmt.Errorf("%w: hash of the file differs", ErrDamaged)
	}
	return nil
}

// tailed hashes all but the last keep octets written to it.
type tailed struct {
	h    hash.Hash
	keep int
	n    int64 // octets hashed
	tail []byte
}

func (t *tailed) Write(p []byte) (int, error) {
	t.tail = append(t.tail, p...)
	if over := len(t.tail) - t.keep; over > 0 {
		t.h.Write(t.tail[:over])
		t.n += int64(over)
		t.tail = append(t.tail[:0], t.tail[over:]...)
	}
	return len(p), nil
}

// ReadAt reads the message's octets; what stands behind them in the stream
// is never given out.
func (p Plain) ReadAt(buf []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("vault: read before the start")
	}
	if off >= p.size {
		return 0, io.EOF
	}
	short := int64(len(buf)) > p.size-off
	if short {
		buf = buf[:p.size-off]
	}
	n, err := p.at.ReadAt(buf, off)
	if err == io.EOF && n == len(buf) {
		err = nil
	}
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// KeyInside finds out the key of a file of version 1.
func KeyInside(f io.ReaderAt, size int64, keys *Keys) (FileKey, error) {
	id, err := readHead(f, size)
	if err != nil {
		return nil, err
	}
	length, _, err := readTrailer(f, size)
	if err != nil {
		return nil, err
	}
	lock := &unwrapped{of: keys.opening(id)}
	if _, err := age.Decrypt(io.NewSectionReader(f, headLen, length-headLen), lock); err != nil {
		if !keys.has(id) {
			return nil, fmt.Errorf("%w (key id %s)", ErrKeyMissing, id)
		}
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return lock.key, nil
}
