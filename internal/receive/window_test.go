package receive

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestAWindowKeepsItsOctetsThroughAllItsSizes(t *testing.T) {
	var pool windows
	random := rand.New(rand.NewPCG(1, 2))
	w := pool.open()
	var want []byte
	next := byte(0)
	for step := range 20_000 {
		switch random.IntN(8) {
		case 0:
			w.widen(&pool)
		case 1:
			w.narrow(&pool)
		case 2, 3:
			n := random.IntN(len(want) + 1)
			w.consume(n)
			want = want[n:]
		case 4:
			if random.IntN(50) == 0 {
				pool.close(&w)
				w, want = pool.open(), nil
			}
		default:
			p := w.room(&pool)
			if len(p) == 0 && len(want) < smallWindow {
				t.Fatalf("step %d: %d octets leave no room", step, len(want))
			}
			n := min(len(p), random.IntN(2*briefWindow))
			for i := range n {
				p[i] = next
				next++
			}
			w.filled(n)
			want = append(want, p[:n]...)
		}
		if !bytes.Equal(w.unread(), want) {
			t.Fatalf("step %d: %d octets are unread, not the %d that came", step, len(w.unread()), len(want))
		}
	}
}

func TestAnIdleWindowHoldsTheBriefMemoryOnly(t *testing.T) {
	var pool windows
	w := pool.open()
	if n := len(w.room(&pool)); n != briefWindow {
		t.Fatal(n)
	}
	w.filled(briefWindow)
	w.room(&pool)
	w.widen(&pool)
	w.consume(briefWindow)
	w.narrow(&pool)
	if w.small != nil || w.large != nil || len(w.room(&pool)) != briefWindow {
		t.Error("an empty window kept more than the brief memory")
	}
}
