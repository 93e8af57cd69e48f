package buffers

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"
)

func TestWhatIsLentWorksAfterItWasGivenBack(t *testing.T) {
	for range 3 {
		r := Reader(strings.NewReader("one\ntwo\n"))
		if line, err := r.ReadString('\n'); err != nil || line != "one\n" {
			t.Errorf("%q %v", line, err)
		}
		PutReader(r) // with an unread rest

		var out bytes.Buffer
		w := Writer(&out)
		_, _ = w.WriteString("lost")
		PutWriter(w)
		w = Writer(&out)
		_, _ = w.WriteString("kept")
		if err := w.Flush(); err != nil || out.String() != "kept" {
			t.Errorf("%q %v", out.String(), err)
		}
		PutWriter(w)
		Put(Get())
		Put(nil)
	}
}

func TestCopyCopiesAllAndGivesTheError(t *testing.T) {
	text := strings.Repeat("0123456789", 3*Size/10)
	var out bytes.Buffer
	if n, err := Copy(&out, iotest.OneByteReader(strings.NewReader(text[:1000]))); n != 1000 || err != nil {
		t.Error(n, err)
	}
	out.Reset()
	if n, err := Copy(&out, strings.NewReader(text)); n != int64(len(text)) || err != nil || out.String() != text {
		t.Error(n, err)
	}
	if _, err := Copy(&out, iotest.ErrReader(bytes.ErrTooLarge)); err != bytes.ErrTooLarge {
		t.Error(err)
	}
}
