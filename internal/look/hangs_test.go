package look

import (
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/extract"
)

// Mail that makes steps hang gets less and less of the children's time.
func TestStepsGetLessTimeWhileOthersHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{InProcess: true})
		hang := &extract.Death{Cause: extract.TookTooLong}
		crash := &extract.Death{Cause: extract.Crashed}
		for i, died := range []*extract.Death{hang, crash, hang, crash, crash} {
			l.died(died, Options{})
			if got := l.patience(40 * time.Second); got != 10*time.Second {
				t.Errorf("after %d deaths: %s", i+1, got)
			}
		}
		l.died(hang, Options{})
		if got := l.patience(40 * time.Second); got != hurried {
			t.Errorf("after three hangs: %s", got)
		}
		time.Sleep(time.Minute)
		if got := l.patience(40 * time.Second); got != 10*time.Second {
			t.Errorf("a minute later: %s", got)
		}
	})
}
