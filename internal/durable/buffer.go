package durable

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// page is the unit of a Buffer's memory and of its writes to the disk. A mail
// of the usual size takes two or three.
const page = 32 << 10

// maxLent is how many pages (256 MiB) the bodies of a Pool have together before
// each has one only, however little it holds.
const maxLent = 256 << 20 / page

// Pool lends memory to Buffers and holds the key of their files. Several
// goroutines may use it.
type Pool struct {
	limit int
	dir   string
	block cipher.Block

	free  sync.Pool // of *[page]byte
	mu    sync.Mutex
	lent  int // pages
	files uint64
}

// NewPool returns a pool of Buffers that hold up to limit octets in memory,
// less where all of them together hold much, and the rest in an encrypted,
// nameless file in the folder tempDir ("" is the system's). The key is random
// and lives only in this process.
func NewPool(limit int, tempDir string) *Pool {
	var key [32]byte
	rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 octets are a valid key
	}
	return &Pool{limit: limit, dir: tempDir, block: block}
}

// Buffer returns an empty Buffer.
func (p *Pool) Buffer() *Buffer { return &Buffer{pool: p} }

// NewBuffer returns an empty Buffer with a pool of its own.
func NewBuffer(limit int, tempDir string) *Buffer { return NewPool(limit, tempDir).Buffer() }

func (p *Pool) take() []byte {
	p.mu.Lock()
	p.lent++
	p.mu.Unlock()
	if b, ok := p.free.Get().(*[page]byte); ok {
		return b[:0]
	}
	return make([]byte, 0, page)
}

func (p *Pool) give(b []byte) {
	clear(b) // mail does not lie about in free memory
	p.free.Put((*[page]byte)(b[:page]))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lent--
}

// full reports whether the pages that are lent are all that there may be.
func (p *Pool) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lent >= maxLent
}

// nonce returns a number that no other file of the pool has.
func (p *Pool) nonce() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files++
	return p.files
}

// Buffer holds a body that is not ours to keep: in memory up to a limit, then
// in a file without a name, encrypted. One goroutine writes; when it has
// finished, several may read. A Buffer is a mail.Body.
//
// The cipher is AES-CTR without authentication: nobody else can reach the
// file, which has no name and whose only descriptor is ours, so there is no
// one to change it; the point is that a disk that is stolen, sold or imaged
// holds nothing readable. What stays in custody goes to the spool, which
// authenticates.
type Buffer struct {
	pool  *Pool
	pages [][]byte // memory; after the limit only the page being filled
	head  int64    // octets in pages before the file begins
	tail  []byte   // the page after the file's end
	size  int64
	file  *os.File
	nonce uint64
	err   error        // the first failure; it sticks
	kept  atomic.Int32 // by how many beside its owner
}

var errClosed = errors.New("durable: buffer is closed")

// Write appends p. An error is ErrFull when the disk is full.
func (b *Buffer) Write(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	var done int
	for done < len(p) {
		if len(b.tail) == cap(b.tail) {
			if err := b.turn(); err != nil {
				b.err = err
				return done, err
			}
		}
		n := copy(b.tail[len(b.tail):cap(b.tail)], p[done:])
		b.tail = b.tail[:len(b.tail)+n]
		done += n
		b.size += int64(n)
	}
	return done, nil
}

// turn makes room behind a full page.
func (b *Buffer) turn() error {
	switch {
	case b.tail == nil:
		b.tail = b.pool.take()
		return nil
	case b.file == nil && b.head+page < int64(b.pool.limit) && !b.pool.full():
		b.pages = append(b.pages, b.tail)
		b.head += page
		b.tail = b.pool.take()
		return nil
	}
	if b.file == nil {
		if err := b.open(); err != nil {
			return err
		}
	}
	off := b.size - b.head - int64(len(b.tail))
	b.crypt(b.tail, off)
	if _, err := b.file.WriteAt(b.tail, off); err != nil {
		return wrap("write buffer", err)
	}
	b.tail = b.tail[:0]
	return nil
}

// open makes the file. It loses its name while it is still empty, so that a
// crash leaves nothing behind but, at worst, an empty file.
func (b *Buffer) open() error {
	f, err := os.CreateTemp(b.pool.dir, temporary)
	if err != nil {
		return wrap("create buffer", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return wrap("unlink buffer", err)
	}
	b.file, b.nonce = f, b.pool.nonce()
	return nil
}

// crypt encrypts or decrypts p, which stands at off in the file. The counter
// block is the file's number and the number of the cipher block, so none is
// ever used twice: a place in a file is written once.
func (b *Buffer) crypt(p []byte, off int64) {
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[:8], b.nonce)
	binary.BigEndian.PutUint64(iv[8:], uint64(off/aes.BlockSize))
	stream := cipher.NewCTR(b.pool.block, iv[:])
	if skip := off % aes.BlockSize; skip > 0 {
		var waste [aes.BlockSize]byte
		stream.XORKeyStream(waste[:skip], waste[:skip])
	}
	stream.XORKeyStream(p, p)
}

// Size is the number of octets written.
func (b *Buffer) Size() int64 { return b.size }

// ReadAt implements io.ReaderAt.
func (b *Buffer) ReadAt(p []byte, off int64) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if off < 0 {
		return 0, fmt.Errorf("durable: read buffer: negative offset")
	}
	var done int
	for done < len(p) && off < b.size {
		n, err := b.readSome(p[done:], off)
		done += n
		off += int64(n)
		if err != nil {
			return done, err
		}
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// readSome reads at least one octet at off, which is before the end, from the
// place that holds it.
func (b *Buffer) readSome(p []byte, off int64) (int, error) {
	begin := b.size - int64(len(b.tail)) // of the tail
	switch {
	case off >= begin:
		return copy(p, b.tail[off-begin:]), nil
	case off < b.head:
		return copy(p, b.pages[off/page][off%page:]), nil
	}
	if n := begin - off; int64(len(p)) > n {
		p = p[:n]
	}
	n, err := b.file.ReadAt(p, off-b.head)
	if n < len(p) {
		return 0, fmt.Errorf("durable: read buffer: %w", err)
	}
	b.crypt(p, off-b.head)
	return n, nil
}

// Page is what lies in memory from off on, in place; nothing when that is on
// the disk, or behind the end. It must not be changed, and is valid until
// Close.
func (b *Buffer) Page(off int64) []byte {
	begin := b.size - int64(len(b.tail)) // of the tail
	switch {
	case b.err != nil || off < 0 || off >= b.size:
		return nil
	case off >= begin:
		return b.tail[off-begin:]
	case off < b.head:
		return b.pages[off/page][off%page:]
	}
	return nil
}

// maxKept is the largest body that Keep keeps: those of a hundred slow attempts
// are 25 MiB.
const maxKept = 256 << 10

// Keep implements mail.Kept. What is large, and every body while all of them
// hold much, is to be read again from where it was stored.
func (b *Buffer) Keep() bool {
	if b.err != nil || b.size > maxKept || b.file != nil || b.pool.full() {
		return false
	}
	b.kept.Add(1)
	return true
}

// Close returns the memory and ends the file, when nobody keeps it any more.
// It may be called again then.
func (b *Buffer) Close() error {
	if b.kept.Add(-1) >= 0 {
		return nil
	}
	for _, m := range b.pages {
		b.pool.give(m)
	}
	if b.tail != nil {
		b.pool.give(b.tail)
	}
	b.pages, b.tail, b.err = nil, nil, errClosed
	if b.file == nil {
		return nil
	}
	err := b.file.Close()
	b.file = nil
	if err != nil {
		return fmt.Errorf("durable: close buffer: %w", err)
	}
	return nil
}
