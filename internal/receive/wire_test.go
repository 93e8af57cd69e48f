package receive

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestADeadlineHoldsForWhatFollowsSoonAndNeverComesEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d deadline
		sets := 0
		for range 200 {
			asked := time.Now().Add(5 * time.Minute)
			at, needed := d.move(asked)
			if late := at.Sub(asked); late < 0 || late > grain {
				t.Fatalf("%s late", late)
			}
			if needed {
				sets++
			}
			time.Sleep(10 * time.Millisecond)
		}
		if sets != 2 {
			t.Errorf("set %d times in two seconds", sets)
		}
		for _, ask := range []time.Time{
			time.Now().Add(time.Second), time.Unix(1, 0), time.Now(), time.Now().Add(time.Minute), {},
		} {
			at, needed := d.move(ask)
			if late := at.Sub(ask); !needed || late < 0 || late > grain {
				t.Errorf("%s: set %v, %s late", ask, needed, late)
			}
		}
	})
}
