package look_test

import (
	"context"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

// vast is a message that is never held in memory: a head, a line again and
// again, and a tail.
type vast struct {
	head, line, tail string
	lines            int64
}

func (v vast) Size() int64 { return int64(len(v.head)+len(v.tail)) + v.lines*int64(len(v.line)) }

func (v vast) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		piece := v.from(off + int64(n))
		if piece == "" {
			return n, io.EOF
		}
		n += copy(p[n:], piece)
	}
	return n, nil
}

func (v vast) from(off int64) string {
	body := int64(len(v.head)) + v.lines*int64(len(v.line))
	switch {
	case off < int64(len(v.head)):
		return v.head[off:]
	case off < body:
		return v.line[(off-int64(len(v.head)))%int64(len(v.line)):]
	case off-body < int64(len(v.tail)):
		return v.tail[off-body:]
	}
	return ""
}

// TestALargeAttachmentIsNotHeldInMemory looks at a large attachment in a child
// that may use 96 MiB in all. POSTERN_LARGE sets the size in MiB.
func TestALargeAttachmentIsNotHeldInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing here is shared by goroutines; the stage without the race detector runs it")
	}
	size := int64(32)
	if n, err := strconv.ParseInt(os.Getenv("POSTERN_LARGE"), 10, 64); err == nil {
		size = n
	}
	line := "Some text of a long log, 2026-11-22, ann@contoso.com wrote 17 lines.\r\n"
	body := vast{
		head: "Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" +
			"Content-Type: text/plain; name=log.txt\r\n\r\n",
		line:  strings.Repeat(line, 100),
		tail:  "credit card 4012 8888 8888 1881\r\n--b--\r\n",
		lines: size << 20 / int64(len(line)) / 100,
	}
	m := mail.Parse(body, mail.Limits{})
	l := look.New(look.Config{Children: extract.Config{Memory: 96 << 20}})
	defer l.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := l.Look(context.Background(), m, look.Options{})
	runtime.ReadMemStats(&after)
	if r.Inspected() != "full" || len(r.Findings) == 0 || r.Findings[0].Type != "CREDIT_CARD" || r.Findings[0].Offset < size<<19 {
		t.Errorf("got %s", summary(r))
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16<<20 {
		t.Errorf("the parent allocated %d MiB", allocated>>20)
	}
}

// A detector that goes back for every octet would need an hour for these.
func TestOneLongWordIsReadInOnePass(t *testing.T) {
	l := look.New(look.Config{InProcess: true})
	for _, piece := range []string{"y", "9", "a.", "-", "a1-", "a/", "\""} {
		text := strings.Repeat(piece, 2<<20/len(piece))
		r := l.Look(context.Background(), parse("Subject: x\r\n\r\n"+text+"\r\n"), look.Options{Catalogue: catalogue})
		if r.Inspected() != "full" {
			t.Errorf("%q: %s", piece, r.Inspected())
		}
	}
}
