// Package archive takes archives and compressed files apart: ZIP, 7z, RAR,
// tar, gzip, bzip2, xz, zstd, lz4 and compress.
//
// It upholds two laws:
//
//	what an archive holds goes on as a stream, at once: nothing is unpacked
//	to a place, and a name is text and never a path;
//	what does not come out is said: a wrong or missing password, a method
//	that nobody knows, damage, and entries that programs read differently.
//
// How much may come out, how deep and how many files, is counted by who takes
// them (Sink.Embed). The package does not know what the files are.
//
// Standards: PKWARE APPNOTE 6.3.10 (ZIP), RFC 1952 (gzip), RFC 8878 (zstd),
// POSIX.1-2017 pax (tar), the formats of 7z, RAR 5, xz, bzip2 and LZ4 frames
// as their makers publish them.
package archive

import (
	"errors"
	"io"

	"postern.dev/postern/internal/extract/zipped"
)

// Sink takes what an archive holds. Causes are those of the record.
type Sink interface {
	Write(p []byte) (int, error)
	Section(place string)
	Embed(name, declared string, octets io.Reader) error
	Note(cause, sentence string)
	Passwords() []string
}

// names are the sections in which the names of the files stand.
const names = "names in the archive"

// nameSize bounds a name, and a comment.
const nameSize = 64 << 10

// say writes a line of text.
func say(out Sink, line string) error {
	if line == "" {
		return nil
	}
	_, err := out.Write(append([]byte(line[:min(len(line), nameSize)]), '\n'))
	return err
}

// Zip gives the files of a ZIP archive out.
func Zip(a *zipped.Archive, out Sink) error {
	if a.Damaged != "" {
		out.Note("malformed", a.Damaged)
	}
	for _, s := range a.Oddities {
		out.Note("ambiguous", s)
	}
	if a.Full {
		out.Note("too-many-parts", "the archive has more entries than are read")
	}
	out.Section(names)
	if err := say(out, a.Comment); err != nil {
		return err
	}
	for i := range a.Files {
		if err := say(out, a.Files[i].Name); err != nil {
			return err
		}
		if err := say(out, a.Files[i].Comment); err != nil {
			return err
		}
	}
	for i := range a.Files {
		if f := &a.Files[i]; !f.Folder() {
			if err := zipFile(f, out); err != nil {
				return err
			}
		}
	}
	for _, gap := range a.Gaps {
		if err := out.Embed("between the entries", "", &piece{gap}); err != nil {
			return err
		}
	}
	return nil
}

// methodIWork marks a file that Pages, Numbers or Keynote of 2009 encrypted.
const methodIWork = 0x636B

func zipFile(f *zipped.File, out Sink) error {
	open := f.Open
	if f.Encrypted {
		open = func() (io.ReadCloser, error) { return f.OpenWith(out.Passwords()) }
	}
	r, err := open()
	if errors.Is(err, zipped.ErrMethod) && f.Method == methodIWork {
		err = zipped.ErrPassword
	}
	if err != nil {
		refused(err, out)
		return nil
	}
	defer r.Close()
	return out.Embed(f.Name, "", &tolerant{r: r, out: out})
}

// refused says why a file does not open.
func refused(err error, out Sink) {
	switch {
	case errors.Is(err, zipped.ErrPassword):
		out.Note("encrypted", "the archive is encrypted")
	case errors.Is(err, zipped.ErrMethod):
		out.Note("unsupported", "a file of the archive is packed in an unknown way")
	default:
		out.Note("malformed", "the archive is damaged")
	}
}

// tolerant ends a file where its data is damaged, and says so: what came out
// counts.
type tolerant struct {
	r   io.Reader
	out Sink
	err error
}

func (t *tolerant) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, io.EOF
	}
	n, err := t.r.Read(p)
	if err != nil && err != io.EOF {
		t.err = err
		if t.out != nil {
			refused(err, t.out)
		}
		err = io.EOF
	}
	return n, err
}

// piece is a reader that does not copy.
type piece struct{ b []byte }

func (s *piece) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b)
	s.b = s.b[n:]
	return n, nil
}
