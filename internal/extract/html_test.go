package extract

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

// FuzzWhiteSpace compares what a page makes of a text with what it should be,
// octet by octet.
func FuzzWhiteSpace(f *testing.F) {
	f.Add([]byte("a text of words with  two\tblanks here and there\r\nand caf\u00e9 \x00\x01 at the end "), false)
	f.Add([]byte(" \n"), true)
	f.Add([]byte(strings.Repeat("seven12 ", 9)+" x  "), true)
	f.Fuzz(func(t *testing.T, b []byte, fresh bool) {
		var got, want bytes.Buffer
		out := bufio.NewWriter(&got)
		p := &page{out: out, fresh: fresh}
		p.text(b)
		_ = out.Flush()
		blank := false // one is due
		for _, c := range b {
			if white(c) {
				blank = blank || !fresh
				continue
			}
			if blank {
				want.WriteByte(' ')
			}
			blank, fresh = false, false
			want.WriteByte(c)
		}
		if blank {
			want.WriteByte(' ')
		}
		if got.String() != want.String() {
			t.Errorf("%q: %q, not %q", b, got.String(), want.String())
		}
	})
}
