package mail

import (
	"io"
	"testing"
)

func TestABodyWithoutRangesIsWhatIsLeft(t *testing.T) {
	const text = "0123456789abcdef"
	for name, x := range map[string]struct {
		cut  []Range
		want string
	}{
		"nothing":              {nil, text},
		"the start":            {[]Range{{0, 3}}, "3456789abcdef"},
		"the end":              {[]Range{{14, 16}}, "0123456789abcd"},
		"two, unsorted":        {[]Range{{10, 12}, {2, 4}}, "01456789cdef"},
		"side by side":         {[]Range{{2, 4}, {4, 6}}, "016789abcdef"},
		"an empty one":         {[]Range{{5, 5}}, text},
		"all of it":            {[]Range{{0, 16}}, ""},
		"more than there is":   {[]Range{{12, 99}}, "0123456789ab"},
		"behind what there is": {[]Range{{40, 99}}, text},
	} {
		b := Without(Bytes(text), x.cut)
		got, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
		if err != nil || string(got) != x.want || b.Size() != int64(len(x.want)) {
			t.Errorf("%s: %q %v, want %q", name, got, err, x.want)
		}
		for off := range len(x.want) + 2 {
			for n := range 6 {
				p := make([]byte, n)
				k, err := b.ReadAt(p, int64(off))
				want := x.want[min(off, len(x.want)):min(off+n, len(x.want))]
				if string(p[:k]) != want || n > 0 && (k < n) != (err == io.EOF) {
					t.Fatalf("%s: %d at %d: %q %v", name, n, off, p[:k], err)
				}
			}
		}
	}
}
