package secret

import (
	"encoding/base64"

	"postern.dev/postern/internal/detect"
)

// Private keys: in the frame of PEM (RFC 7468), also inside a string of a
// program or a log, as a file of PuTTY, and without any frame.

// pem reads a frame that begins at i.
func (s *scan) pem(i int) {
	t := s.t
	label := i + len("-----BEGIN")
	stop := min(len(t), label+80)
	end := label
	for end < stop && !starts(t[end:], "-----") {
		if t[end] == '\n' {
			return
		}
		end++
	}
	if end == stop || !has(t[label:end], "private key") || has(t[label:end], "example") || has(t[label:end], "fake") ||
		pretended(t, i) {
		return
	}
	b := frame{locked: has(t[label:end], "encrypted"), pgp: has(t[label:end], "pgp")}
	last := b.read(t, end+5, min(len(t), i+reach))
	// A sealed text of which only a part was decoded needs no more of it.
	if !b.enough() && !(s.depth > 0 && b.total > 32) {
		return
	}
	level, why := detect.High, "a private key in a frame of PEM"
	if b.locked || has(t[end:min(len(t), end+60)], "proc-type: 4,encrypted") {
		level, why = detect.Low, "a private key in a frame of PEM, encrypted"
	}
	s.emit(PrivateKey, i, last, level, 40, t[i:min(last, i+maxValue)], why)
}

// unframed refuses a key in a frame, which is judged as a whole.
func unframed(s *scan, m match) (match, bool) {
	i := m.start
	for i > 0 && m.start-i < 12 && (s.t[i-1] <= ' ' || s.t[i-1] == '\\' || s.t[i-1] == 'n' || s.t[i-1] == '"') {
		i--
	}
	return m, i < 5 || string(s.t[i-5:i]) != "-----"
}

// pretended reports whether what stands in front of a frame says that it is
// an example: the name that it is assigned to, or a remark.
func pretended(t []byte, i int) bool {
	from := i
	for from > 0 && i-from < 60 && t[from-1] != '\n' {
		from--
	}
	for _, w := range [...]string{"example", "test", "dummy", "mock", "fake", "sample"} {
		if has(t[from:i], w) {
			return true
		}
	}
	near := t[max(0, i-100):i]
	return has(near, "example purpose") || has(near, "test purpose") || has(near, "testing purpose") ||
		has(near, "demo purpose") || has(near, "documentation purpose") || has(near, "not a real")
}

// frame counts what stands between the lines of PEM.
type frame struct {
	locked, pgp bool
	total, best int // base64 in all, and the longest line
	other, torn bool
}

// read follows the lines of base64 from i, over the quotes, signs and times
// that a program or a log puts around them, to the end of the frame.
func (b *frame) read(t []byte, i, stop int) (last int) {
	last = i
	for i < stop {
		if starts(t[i:], "-----") {
			if folds(t[i+5:], "end") {
				return closing(t, i, stop)
			}
			return last
		}
		end := run(t, i, base64std, stop-i)
		if n := end - i; n > 0 {
			if n >= 16 {
				b.total += n
				b.best = max(b.best, n)
				b.other = b.other || run(t, i, hexLow, n) != end
				last = end
			}
			i = end
			continue
		}
		if b.best > 0 && starts(t[i:], "...") {
			b.other, b.torn = false, true
			return last
		}
		if i-last > 200 {
			return last
		}
		i++
	}
	return last
}

// enough reports whether there is a key in the frame. (A key of Ed25519 in
// PKCS #8 has 64 digits.)
func (b *frame) enough() bool { return b.total >= 60 && b.best >= 32 && b.other && !b.torn }

// closing is the end of the line that closes a frame.
func closing(t []byte, i, stop int) int {
	for j := i + 5; j < stop && j < i+80; j++ {
		if starts(t[j:], "-----") {
			return j + 5
		}
	}
	return i
}

// putty reads a key file of PuTTY; i is where it begins.
func (s *scan) putty(i int) {
	t := s.t
	stop := min(len(t), i+reach)
	sealed := has(t[i:min(stop, i+200)], "encryption: aes")
	for j := i; j+16 < stop; j++ {
		if t[j] != 'P' && t[j] != 'p' || !folds(t[j:], "private-lines:") {
			continue
		}
		for ; j < stop && t[j] != '\n'; j++ {
		}
		body := min(j+1, stop)
		end := body
		for end < stop && (is(t[end], base64std) || t[end] == '\n' || t[end] == '\r') {
			end++
		}
		if end-body < 40 {
			return
		}
		level, why := detect.High, "a key file of PuTTY"
		if sealed {
			level, why = detect.Low, "a key file of PuTTY, encrypted"
		}
		s.emit(PrivateKey, i, end, level, 40, t[body:min(end, body+maxValue)], why)
		return
	}
}

// bareKey reads the beginning of a key in DER: a sequence of the version and,
// for PKCS #1, a long number, for PKCS #8, an algorithm, for PKCS #12 (version
// 3) the content.
func bareKey(s *scan, m match) (match, bool) {
	t := s.t
	var head [24]byte
	n, err := base64.StdEncoding.Decode(head[:], t[m.start:min(len(t), m.start+32)])
	if err != nil || n < 20 || head[0] != 0x30 || head[1] != 0x82 || head[4] != 2 || head[5] != 1 {
		return m, false
	}
	switch {
	case head[6] == 0 && head[7] == 2 && (head[8] == 0x82 || head[8] == 0x81 || head[8] == 0x41):
		m.why = "a private key (PKCS #1) without its frame"
	case head[6] == 0 && head[7] == 0x30 && head[9] == 6:
		m.why = "a private key (PKCS #8) without its frame"
	case head[6] == 3 && head[7] == 0x30 && (head[8] == 0x82 || head[8] == 0x80):
		m.why = "a key store (PKCS #12)"
	default:
		return m, false
	}
	if m, ok := unframed(s, m); !ok {
		return m, false
	}
	want := (int(head[2])<<8 | int(head[3])) * 4 / 3
	i, got := m.start, 0
	for i < len(t) && i < m.start+reach && got < want+8 {
		switch {
		case is(t[i], base64std):
			got++
			m.end = i + 1
		case t[i] > ' ' && t[i] != '"' && t[i] != '\\':
			want = min(want, got)
		}
		i++
	}
	return m, got >= 100 && got >= min(want, reach)*9/10
}
