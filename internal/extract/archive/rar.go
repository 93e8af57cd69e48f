package archive

import (
	"bytes"
	"errors"
	"io"

	"github.com/nwaples/rardecode/v2"
)

// Rar gives the files of a RAR archive out.
func Rar(b []byte, out Sink) error {
	password, locked := rarPassword(b, out.Passwords())
	if locked {
		out.Note("encrypted", "the archive is encrypted")
	}
	r, err := openRar(b, password)
	if err != nil {
		rarRefused(err, out)
		return nil
	}
	for n := 0; ; n++ {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			rarRefused(err, out)
			return nil
		}
		if n >= maxEntries {
			out.Note("too-many-parts", "the archive has more entries than are read")
			return nil
		}
		if n == 0 {
			out.Section(names)
		}
		if err := say(out, h.Name); err != nil {
			return err
		}
		if err := say(out, h.LinkTarget); err != nil {
			return err
		}
		if h.IsDir || h.Encrypted && locked {
			continue
		}
		t := &tolerant{r: r}
		failed := out.Embed(h.Name, "", t)
		if t.err != nil {
			rarRefused(t.err, out)
		}
		if failed != nil {
			return failed
		}
	}
}

func openRar(b []byte, password string) (*rardecode.Reader, error) {
	options := []rardecode.Option{rardecode.MaxDictionarySize(maxWindow)}
	if password != "" {
		options = append(options, rardecode.Password(password))
	}
	return rardecode.NewReader(bytes.NewReader(b), options...)
}

// rarPassword finds the password of an archive that needs one: that with
// which the first encrypted file comes out whole.
func rarPassword(b []byte, passwords []string) (fits string, locked bool) {
	if !rarLocked(b, "") {
		return "", false
	}
	for _, p := range passwords {
		if p != "" && !rarLocked(b, p) {
			return p, false
		}
	}
	return "", true
}

// rarLocked reports whether something does not come out for want of the
// password.
func rarLocked(b []byte, password string) bool {
	r, err := openRar(b, password)
	if err != nil {
		return needsPassword(err)
	}
	for range maxEntries {
		h, err := r.Next()
		if err != nil {
			return needsPassword(err)
		}
		if !h.Encrypted || h.IsDir {
			continue
		}
		if password == "" {
			return true
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, maxTried))
		return err != nil && n < maxTried
	}
	return false
}

func needsPassword(err error) bool {
	return errors.Is(err, rardecode.ErrArchiveEncrypted) || errors.Is(err, rardecode.ErrArchivedFileEncrypted) ||
		errors.Is(err, rardecode.ErrBadPassword)
}

func rarRefused(err error, out Sink) {
	switch {
	case needsPassword(err):
		out.Note("encrypted", "the archive is encrypted")
	case errors.Is(err, rardecode.ErrMultiVolume):
		out.Note("malformed", "the archive goes on in another file")
	case errors.Is(err, rardecode.ErrDictionaryTooLarge):
		out.Note("too-large", "the archive needs more memory to be read than it may have")
	case errors.Is(err, rardecode.ErrUnknownDecoder), errors.Is(err, rardecode.ErrUnsupportedDecoder),
		errors.Is(err, rardecode.ErrUnknownVersion):
		out.Note("unsupported", "the archive is packed in an unknown way")
	default:
		out.Note("malformed", "the archive is damaged")
	}
}
