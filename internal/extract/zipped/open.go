package zipped

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// Compression methods, APPNOTE 4.4.5.
const (
	methodStore     = 0
	methodDeflate   = 8
	methodDeflate64 = 9
	methodBzip2     = 12
	methodLZMA      = 14
	methodZstdOld   = 20
	methodZstd      = 93
	methodXZ        = 95
	methodAES       = 99
)

// Errors of Open.
var (
	ErrMethod   = errors.New("zipped: unknown compression method")
	ErrPassword = errors.New("zipped: the entry needs a password")
	ErrCut      = errors.New("zipped: the archive ends within the entry")
)

// known reports whether a method number is one that programs use; a local
// header with another is hardly one.
func known(method uint16) bool {
	return method <= 20 || method >= 93 && method <= 99
}

// maxWindow bounds the memory that one entry's window may take.
const maxWindow = 64 << 20

// Open gives the content of an entry that is not encrypted.
func (f *File) Open() (io.ReadCloser, error) {
	if f.Encrypted {
		return nil, ErrPassword
	}
	return f.unpack(f.packed)
}

// OpenWith gives the content of an encrypted entry, by the first of the
// passwords that fits.
func (f *File) OpenWith(passwords []string) (io.ReadCloser, error) {
	if f.flags&(1<<6) != 0 && f.aes.version == 0 {
		return nil, ErrPassword // strong encryption, APPNOTE 7
	}
	for _, p := range passwords {
		plain, ok := f.decrypt(p)
		if !ok {
			continue
		}
		if f.aes.version == 0 && !f.sum(plain) {
			continue
		}
		return f.unpack(plain)
	}
	return nil, ErrPassword
}

// maxTried bounds what is unpacked only to find out whether a password fits.
const maxTried = 64 << 20

// sum reports whether the content has the sum that the entry states: the
// traditional encryption has one octet to check a password by.
func (f *File) sum(plain []byte) bool {
	r, err := f.unpack(plain)
	if err != nil {
		return false
	}
	defer r.Close()
	h := crc32.NewIEEE()
	n, err := io.Copy(h, io.LimitReader(r, maxTried))
	return n == maxTried || err == nil && (h.Sum32() == f.crc || f.crc == 0)
}

func (f *File) unpack(packed []byte) (io.ReadCloser, error) {
	in := bytes.NewReader(packed)
	switch f.Method {
	case methodStore:
		if f.cut {
			return io.NopCloser(io.MultiReader(in, failing{ErrCut})), nil
		}
		return io.NopCloser(in), nil
	case methodDeflate:
		return &inflating{newInflate(packed, deflate())}, nil
	case methodDeflate64:
		return &inflating{newInflate(packed, deflate64())}, nil
	case methodBzip2:
		return io.NopCloser(bzip2.NewReader(in)), nil
	case methodLZMA:
		return openLZMA(packed, f.flags)
	case methodZstd, methodZstdOld:
		r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWindow),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return r.IOReadCloser(), nil
	case methodXZ:
		r, err := xz.ReaderConfig{DictCap: maxWindow}.NewReader(in)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(r), nil
	}
	return nil, ErrMethod
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// inflating gives its inflater back when it is closed.
type inflating struct{ r *inflate }

func (i *inflating) Read(p []byte) (int, error) {
	if i.r == nil {
		return 0, io.ErrClosedPipe
	}
	return i.r.Read(p)
}

func (i *inflating) Close() error {
	if i.r != nil {
		inflaters.Put(i.r)
		i.r = nil
	}
	return nil
}

// openLZMA turns the form of APPNOTE 5.8.8 into that of an LZMA file: two
// octets of version, two of size, the properties.
func openLZMA(packed []byte, flags uint16) (io.ReadCloser, error) {
	if len(packed) < 9 || binary.LittleEndian.Uint16(packed[2:]) != 5 {
		return nil, ErrMethod
	}
	if binary.LittleEndian.Uint32(packed[5:]) > maxWindow {
		return nil, ErrMethod
	}
	head := append(bytes.Clone(packed[4:9]), 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	r, err := lzma.ReaderConfig{DictCap: maxWindow}.NewReader(io.MultiReader(bytes.NewReader(head), bytes.NewReader(packed[9:])))
	if err != nil {
		return nil, err
	}
	return io.NopCloser(&endless{r: r, marked: flags&2 != 0}), nil
}

// endless takes the end of the input for the end of a stream that has no
// mark of its end (APPNOTE 4.4.4, bit 1).
type endless struct {
	r      io.Reader
	marked bool
}

func (e *endless) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) && !e.marked {
		err = io.EOF
	}
	return n, err
}
