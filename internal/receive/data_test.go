package receive

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// plainUnstuff is RFC 5321 §4.5.2 written for the eye, octet by octet: what
// unstuffer must do for every slicing of its input.
func plainUnstuff(in []byte, normalize bool) (content []byte, n int, done, bare bool) {
	line := true
	for i := 0; i < len(in); {
		if line && bytes.HasPrefix(in[i:], []byte(".\r\n")) {
			return content, i + 3, true, bare
		}
		if line && in[i] == '.' {
			i++
			line = false
			continue
		}
		line = false
		switch {
		case bytes.HasPrefix(in[i:], []byte("\r\n")):
			content = append(content, "\r\n"...)
			i += 2
			line = true
		case in[i] == '\r' || in[i] == '\n':
			bare = true
			switch {
			case !normalize:
				content = append(content, in[i])
			case in[i] == '\n':
				content = append(content, "\r\n"...)
			default:
				content = append(content, ' ')
			}
			i++
		default:
			content = append(content, in[i])
			i++
		}
	}
	return content, len(in), false, bare
}

// feed runs an unstuffer over in, which comes in pieces of the given sizes,
// again and again; a size of 0 is all the rest.
func feed(in []byte, sizes []int, normalize bool) (content []byte, n int, done, bare bool) {
	u := unstuffer{atLine: true, normalize: normalize}
	keep := func(p []byte) { content = append(content, p...) }
	read, at := 0, 0
	for i := 0; read < len(in); i++ {
		size := sizes[i%len(sizes)]
		if size <= 0 || size > len(in)-read {
			size = len(in) - read
		}
		read += size
		var k int
		k, done = u.next(in[at:read], keep)
		at += k
		if done {
			return content, at, true, u.bare
		}
		if read-at > 3 {
			panic("too much left")
		}
	}
	return content, at, false, u.bare
}

func TestEveryShortInputEndsWhereTheStandardSays(t *testing.T) {
	const alphabet = "\r\n.a"
	longest := 8
	if testing.Short() {
		longest = 6
	}
	slicings := [][]int{{0}, {1}, {2}, {3}, {1, 2}}
	in := make([]byte, 0, longest+5)
	for length := 0; length <= longest; length++ {
		for code := 0; code < 1<<(2*length); code++ {
			in = in[:0]
			for i := range length {
				in = append(in, alphabet[code>>(2*i)&3])
			}
			// Ended for sure, so that all of it has a meaning.
			in = append(in, "\r\n.\r\n"...)
			for _, normalize := range []bool{false, true} {
				content, n, done, bare := plainUnstuff(in, normalize)
				for _, sizes := range slicings {
					c, k, d, b := feed(in, sizes, normalize)
					if k != n || d != done || b != bare || (!b || normalize) && !bytes.Equal(c, content) {
						t.Fatalf("%q in pieces of %v, normalize %v: %q %d %v %v, want %q %d %v %v",
							in, sizes, normalize, c, k, d, b, content, n, done, bare)
					}
				}
			}
		}
	}
}

func TestNewlinesOfChunksAreSeenAcrossTheirBorders(t *testing.T) {
	tests := []struct {
		in   string
		bare bool
	}{
		{"", false}, {"a\r\nb\r\n", false}, {"\r\n", false}, {"\n", true}, {"\r", true}, {"a\r\r\n", true},
		{"a\n\r\n", true}, {"\r\n\r", true}, {"\r\n\n", true}, {"\r\na\r\n", false},
	}
	for _, test := range tests {
		for size := 1; size <= len(test.in)+1; size++ {
			var l newlines
			for at := 0; at < len(test.in); at += size {
				l.feed([]byte(test.in[at:min(at+size, len(test.in))]))
			}
			if l.bare() != test.bare {
				t.Errorf("%q in pieces of %d: bare %v", test.in, size, l.bare())
			}
		}
	}
}

// stuff is the sending side of RFC 5321 §4.5.2, without the end of data.
func stuff(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\r\n."), []byte("\r\n.."))
	if bytes.HasPrefix(b, []byte(".")) {
		b = append([]byte("."), b...)
	}
	return b
}

// lines makes every newline of b a CR LF and ends b with one.
func lines(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\r"), nil)
	b = bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
	if len(b) > 0 && !bytes.HasSuffix(b, []byte("\r\n")) {
		b = append(b, "\r\n"...)
	}
	return b
}

func FuzzDataRoundTrip(f *testing.F) {
	f.Add([]byte("Subject: x\n\n.\n..\nend\n.x"), []byte{1})
	f.Add([]byte("\n\n.\n"), []byte{2, 3})
	f.Add([]byte(".\x00\xff\n"), []byte{5, 1, 7})
	f.Add(bytes.Repeat([]byte("."), 300), []byte{255})
	f.Fuzz(func(t *testing.T, content, slicing []byte) {
		content = lines(content)
		sizes := []int{0}
		for _, b := range slicing {
			sizes = append(sizes, int(b))
		}
		wire := append(stuff(bytes.Clone(content)), ".\r\nNOOP\r\n"...)
		got, n, done, bare := feed(wire, sizes[min(1, len(sizes)-1):], false)
		if !done || bare || n != len(wire)-len("NOOP\r\n") || !bytes.Equal(got, content) {
			t.Fatalf("%q came out as %q (%d octets, done %v, bare %v)", content, got, n, done, bare)
		}
	})
}

func FuzzUnstuffLikeTheStandard(f *testing.F) {
	f.Add([]byte("a\n.\r\n\r\r\n.\r\n"), []byte{1, 2}, true)
	f.Add([]byte("\r\r\n\n.\n"), []byte{3}, false)
	f.Fuzz(func(t *testing.T, in, slicing []byte, normalize bool) {
		in = append(bytes.Clone(in), "\r\n.\r\n"...)
		sizes := []int{0}
		for _, b := range slicing {
			sizes = append(sizes, int(b))
		}
		content, n, done, bare := plainUnstuff(in, normalize)
		c, k, d, b := feed(in, sizes, normalize)
		if k != n || d != done || b != bare || (!b || normalize) && !bytes.Equal(c, content) {
			t.Fatalf("%q: %q %d %v %v, want %q %d %v %v", in, c, k, d, b, content, n, done, bare)
		}
	})
}

// evenContent is lines of one width, with a few octets changed to such that
// mean something.
func evenContent(r *rand.Rand) []byte {
	line := strings.Repeat("x", r.IntN(20)) + "\r\n"
	b := []byte(strings.Repeat(line, 5+r.IntN(60)) + "end\r\n")
	for range r.IntN(4) {
		b[r.IntN(len(b))] = "\r\n.. \x00x"[r.IntN(7)]
	}
	return b
}

func TestEvenLinesAreReadLikeOthers(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 20000 {
		in := append(evenContent(r), "\r\n.\r\n"...)
		sizes := []int{0}
		if r.IntN(3) == 0 {
			sizes = []int{1 + r.IntN(200), 1 + r.IntN(200), 1 + r.IntN(20)}
		}
		normalize := r.IntN(2) == 0
		content, n, done, bare := plainUnstuff(in, normalize)
		c, k, d, b := feed(in, sizes, normalize)
		if k != n || d != done || b != bare || (!b || normalize) && !bytes.Equal(c, content) {
			t.Fatalf("%q: %q %d %v %v, want %q %d %v %v", in, c, k, d, b, content, n, done, bare)
		}
	}
}

func ExampleConfig_Check() {
	err := Config{BareNewline: "fix", MaxSize: 1, Timeout: -1}.Check()
	fmt.Println(err)
	// Output:
	// smtp.bare_newline: "fix" is not one of reject, normalize
	// smtp.max_size: 1 is less than 65536
	// smtp.timeout: -1ns is less than 1s
}
