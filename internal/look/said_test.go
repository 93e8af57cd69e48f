package look

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryLineIsSaidOnce(t *testing.T) {
	var l lines
	var want strings.Builder
	for i := range 50 {
		fmt.Fprintf(&want, "x %d\n", i)
		for range 3 {
			l.add("x ", fmt.Sprintf(" %d\r\n", i))
		}
		l.add("x ", "0")
	}
	if got := l.text.String(); got != want.String() {
		t.Errorf("%q, want %q", got, want.String())
	}
}
