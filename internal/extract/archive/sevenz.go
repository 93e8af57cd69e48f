package archive

import (
	"bytes"
	"errors"
	"hash"
	"hash/crc32"
	"io"

	"github.com/bodgit/sevenzip"
)

// SevenZip gives the files of a 7z archive out.
func SevenZip(b []byte, out Sink) error {
	z, locked := openSevenZip(b, out.Passwords())
	if z == nil {
		if locked {
			out.Note("encrypted", "the archive is encrypted")
		} else {
			out.Note("malformed", "the archive is damaged")
		}
		return nil
	}
	if locked {
		out.Note("encrypted", "the archive is encrypted")
	}
	out.Section(names)
	for i, f := range z.File {
		if i >= maxEntries {
			out.Note("too-many-parts", "the archive has more entries than are read")
			return nil
		}
		if err := say(out, f.Name); err != nil {
			return err
		}
	}
	for i, f := range z.File {
		if i >= maxEntries {
			return nil
		}
		if f.UncompressedSize == 0 {
			continue
		}
		if err := sevenFile(f, out); err != nil {
			return err
		}
	}
	return nil
}

// maxTried bounds what is unpacked only to see whether it can be.
const maxTried = 32 << 20

// aesCoder is how a directory that is not packed names its encryption.
const aesCoder = "\x06\xf1\x07\x01"

func sevenFile(f *sevenzip.File, out Sink) error {
	r, err := f.Open()
	if err != nil {
		sevenRefused(err, out)
		return nil
	}
	defer r.Close()
	t := &tolerant{r: &summed{r: r, h: crc32.NewIEEE(), want: f.CRC32}}
	failed := out.Embed(f.Name, "", t)
	if t.err != nil {
		sevenRefused(t.err, out)
	}
	return failed
}

// errSum is what comes of the wrong key where nothing else notices it.
var errSum = errors.New("archive: wrong sum")

// summed checks the sum of a file at its end.
type summed struct {
	r    io.Reader
	h    hash.Hash32
	want uint32
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.h.Write(p[:n])
	if err == io.EOF && s.want != 0 && s.h.Sum32() != s.want {
		err = errSum
	}
	return n, err
}

// openSevenZip opens the archive, by the first password that fits where it
// needs one. A password fits when the first file comes out whole; a reader
// that was tried is not used again.
func openSevenZip(b []byte, passwords []string) (z *sevenzip.Reader, locked bool) {
	open := func(password string) (*sevenzip.Reader, error) {
		return sevenzip.NewReaderWithPassword(bytes.NewReader(b), int64(len(b)), password)
	}
	plain, err := open("")
	if err == nil {
		if err = sevenFirst(plain); err == nil {
			plain, err = open("")
			return plain, err != nil
		}
	}
	for _, p := range passwords {
		if z, err := open(p); err != nil || sevenFirst(z) != nil {
			continue
		}
		if z, err := open(p); err == nil {
			return z, false
		}
	}
	return plain, encrypted7z(err) || bytes.Contains(b, []byte(aesCoder))
}

// sevenFirst is the error with which the first file comes out.
func sevenFirst(z *sevenzip.Reader) error {
	for _, f := range z.File {
		if f.UncompressedSize == 0 {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(io.Discard, io.LimitReader(&summed{r: r, h: crc32.NewIEEE(), want: f.CRC32}, maxTried))
		return err
	}
	return nil
}

func encrypted7z(err error) bool {
	var e *sevenzip.ReadError
	return errors.Is(err, errSum) || errors.As(err, &e) && e.Encrypted
}

func sevenRefused(err error, out Sink) {
	if encrypted7z(err) {
		out.Note("encrypted", "the archive is encrypted")
		return
	}
	out.Note("malformed", "the archive is damaged, or packed in an unknown way")
}
