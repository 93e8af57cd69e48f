package archive

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
)

// Ar gives the files of an archive of ar(1) out: a line that marks it, then
// for each file a header of 60 octets and the content, filled up to an even
// number. Long names stand in a file of their own ("//"), or in front of the
// content ("#1/").
func Ar(r io.Reader, out Sink) error {
	in := bufio.NewReader(r)
	var mark [8]byte
	if _, err := io.ReadFull(in, mark[:]); err != nil || string(mark[:]) != "!<arch>\n" {
		out.Note("malformed", "the archive is damaged")
		return nil
	}
	out.Section(names)
	var long []byte
	for range maxEntries {
		var h [60]byte
		n, err := io.ReadFull(in, h[:])
		if n <= 1 {
			return nil
		}
		size, bad := strconv.ParseInt(strings.TrimSpace(string(h[48:58])), 10, 64)
		if err != nil || bad != nil || size < 0 {
			out.Note("malformed", "the archive is damaged")
			return nil
		}
		name := strings.TrimSpace(string(h[:16]))
		data := &io.LimitedReader{R: in, N: size}
		switch {
		case name == "//" && size <= nameSize:
			long, _ = io.ReadAll(data)
		case strings.HasPrefix(name, "#1/"):
			n, _ := strconv.Atoi(name[3:])
			b := make([]byte, min(max(n, 0), nameSize))
			_, _ = io.ReadFull(data, b)
			name = strings.TrimRight(string(b), "\x00")
		case len(name) > 1 && name[0] == '/':
			if at, err := strconv.Atoi(name[1:]); err == nil && at >= 0 && at < len(long) {
				first, _, _ := bytes.Cut(long[at:], []byte("\n"))
				name = string(first)
			}
		}
		if err := member(out, strings.TrimSuffix(name, "/"), data); err != nil {
			return err
		}
		if data.N > 0 && name != "//" {
			out.Note("malformed", "the archive ends too soon")
			return nil
		}
		if size%2 == 1 {
			_, _ = in.Discard(1)
		}
	}
	out.Note("too-many-parts", "the archive has more entries than are read")
	return nil
}

// member gives one file out, and leaves nothing of it unread.
func member(out Sink, name string, data io.Reader) error {
	if err := say(out, name); err != nil {
		return err
	}
	if err := out.Embed(name, "", &tolerant{r: data, out: out}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, data)
	return nil
}

// cpioHead is the size of a header of the "new" form: six octets of magic and
// thirteen fields of eight hexadecimal digits.
const cpioHead = 110

// Cpio gives the files of a cpio archive out (the forms 070701 and 070702).
func Cpio(r io.Reader, out Sink) error {
	in := bufio.NewReader(r)
	out.Section(names)
	for range maxEntries {
		var h [cpioHead]byte
		if n, err := io.ReadFull(in, h[:]); err != nil || string(h[:5]) != "07070" || h[5] != '1' && h[5] != '2' {
			if n > 0 {
				out.Note("unsupported", "the archive is damaged, or of an old form")
			}
			return nil
		}
		size, bad := strconv.ParseInt(string(h[54:62]), 16, 64)
		length, worse := strconv.ParseInt(string(h[94:102]), 16, 64)
		if bad != nil || worse != nil || length < 1 || length > nameSize {
			out.Note("malformed", "the archive is damaged")
			return nil
		}
		name := make([]byte, length)
		_, _ = io.ReadFull(in, name)
		_, _ = in.Discard(int((4 - (cpioHead+length)%4) % 4))
		text := strings.TrimRight(string(name), "\x00")
		if text == "TRAILER!!!" {
			return nil
		}
		data := &io.LimitedReader{R: in, N: size}
		if err := member(out, text, data); err != nil {
			return err
		}
		if data.N > 0 {
			out.Note("malformed", "the archive ends too soon")
			return nil
		}
		_, _ = in.Discard(int((4 - size%4) % 4))
	}
	out.Note("too-many-parts", "the archive has more entries than are read")
	return nil
}
