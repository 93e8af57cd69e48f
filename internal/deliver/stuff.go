package deliver

import (
	"bytes"
	"io"

	"postern.dev/postern/internal/mail"
)

// stuffer doubles the dot at the start of a line (RFC 5321 §4.5.2), in large
// slices. It lets no bare CR or LF through: what one server reads as the end
// of a message, another must not read as text. For the same reason NULs before
// a first dot get a dot in front too, as a server that drops NULs would find
// the end there. Every receiver takes that dot off again, whatever follows it.
// What it has written stays as it is, as an outlet needs.
type stuffer struct {
	w     io.Writer
	start bool // at the start of a line
	cr    bool // the last octet was a CR
	any   bool
	held  int // NULs at the start of a line that are not written yet
}

// Write implements io.Writer.
func (s *stuffer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	dot, nul, clean := s.survey(p)
	if !clean {
		return 0, errBare
	}
	last := p[len(p)-1]
	s.cr, s.any = last == '\r', true
	if s.held > 0 || nul {
		return len(p), s.withNULs(p)
	}
	rest := p
	if s.start && rest[0] == '.' {
		if _, err := io.WriteString(s.w, "."); err != nil {
			return 0, err
		}
	}
	for ; dot >= 0; dot = bytes.Index(rest, []byte("\n.")) {
		if _, err := s.w.Write(rest[:dot+2]); err != nil {
			return 0, err
		}
		rest = rest[dot+1:] // the dot once more
	}
	if _, err := s.w.Write(rest); err != nil {
		return 0, err
	}
	s.start = last == '\n'
	return len(p), nil
}

// survey walks over the line ends of p. dot is the first that a dot follows,
// or -1; nul says that a NUL begins a line; clean that each CR is followed by
// LF and each LF preceded by CR, as far as p shows: a CR at its end is judged
// with the next octet.
func (s *stuffer) survey(p []byte) (dot int, nul, clean bool) {
	dot, nul = -1, s.start && p[0] == 0
	if s.cr != (p[0] == '\n') {
		return dot, nul, false
	}
	alone := bytes.Count(p, []byte{'\r'}) // CR that no LF has taken yet
	if p[len(p)-1] == '\r' {
		alone--
	}
	even := 0 // up to here no even lines need be looked for
	for at := 0; ; {
		i := bytes.IndexByte(p[at:], '\n')
		if i < 0 {
			return dot, nul, alone == 0
		}
		at += i
		if at > 0 {
			if p[at-1] != '\r' {
				return dot, nul, false
			}
			alone--
		}
		if at++; at >= even {
			lines, octets := mail.EvenLines(p[at:], max(i-1, 0))
			if even = at + octets; lines > 0 {
				at, alone = even, alone-lines
			}
		}
		if at == len(p) {
			return dot, nul, alone == 0
		}
		switch {
		case p[at] == '.' && dot < 0:
			dot = at - 1
		case p[at] == 0:
			nul = true
		}
	}
}

// withNULs is Write for the rare content with NULs, octet by octet.
func (s *stuffer) withNULs(p []byte) error {
	out := make([]byte, 0, len(p)+len(p)/8+2)
	for _, c := range p {
		if s.start && c == 0 {
			s.held++
			continue
		}
		if s.start && c == '.' {
			out = append(out, '.')
		}
		if s.held > 0 {
			if _, err := s.w.Write(out); err != nil {
				return err
			}
			out = out[len(out):] // what is written stays as it is
			if err := s.release(); err != nil {
				return err
			}
		}
		out = append(out, c)
		s.start = c == '\n'
	}
	_, err := s.w.Write(out)
	return err
}

// release writes the NULs that were held back.
func (s *stuffer) release() error {
	var nuls [512]byte
	for s.held > 0 {
		n, err := s.w.Write(nuls[:min(s.held, len(nuls))])
		if err != nil {
			return err
		}
		s.held -= n
		s.start = false
	}
	return nil
}

// end writes the line with the dot, after a line end if there was none.
func (s *stuffer) end() (added bool, err error) {
	if s.cr {
		return false, errBare
	}
	if err := s.release(); err != nil {
		return false, err
	}
	if s.any && !s.start {
		_, err = io.WriteString(s.w, "\r\n.\r\n")
		return true, err
	}
	_, err = io.WriteString(s.w, ".\r\n")
	return false, err
}

// normalizer makes every line end CR LF.
type normalizer struct {
	w  io.Writer
	cr bool // the last octet was a CR, and its line end is already out
}

// Write implements io.Writer.
func (n *normalizer) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+len(p)/16+2)
	for _, c := range p {
		switch {
		case c == '\r':
			out = append(out, '\r', '\n')
		case c == '\n' && n.cr: // the second half of a pair that is already out
		case c == '\n':
			out = append(out, '\r', '\n')
		default:
			out = append(out, c)
		}
		n.cr = c == '\r'
	}
	_, err := n.w.Write(out)
	return len(p), err
}
