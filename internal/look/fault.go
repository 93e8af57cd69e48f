package look

import (
	"strings"

	"postern.dev/postern/internal/detect"
)

// FaultVariable names the environment variable that makes one step of a child
// fail on purpose, so that it can be proven in the running binary that the
// others' findings stay:
//
//	POSTERN_FAULT=<step>:panic    the step panics
//	POSTERN_FAULT=<step>:hang     the step never ends
//	POSTERN_FAULT=<step>:alloc    the step takes memory without end
//	POSTERN_FAULT=<step>:garbage  the step writes nonsense to the parent
//	POSTERN_FAULT=<step>:<how>:<word>  a detector fails so over texts with the word
//
// A step is a detector's id, the id of a header or attachment rule,
// "msip-label", or an extractor ("extract-text"). Only children read the
// variable; without it nothing of this runs.
const FaultVariable = "POSTERN_FAULT"

// fault is a failure on purpose; the zero value is none.
type fault struct {
	who, how, word string
	wire           func([]byte)
}

func faultFrom(value string) fault {
	who, how, _ := strings.Cut(value, ":")
	how, word, _ := strings.Cut(how, ":")
	return fault{who: who, how: how, word: word}
}

// strike fails when it is who's turn.
func (f fault) strike(who string) {
	if f.how != "" && f.who == who && f.word == "" {
		f.fail()
	}
}

func (f fault) fail() {
	switch f.how {
	case "panic":
		panic("look: a fault on purpose")
	case "hang":
		for n := 0; ; n++ {
			_ = n
		}
	case "alloc":
		var kept [][]byte
		for {
			b := make([]byte, 16<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			kept = append(kept, b)
			if len(kept) == 1<<20 {
				return
			}
		}
	case "garbage":
		if f.wire != nil {
			f.wire([]byte("HTTP/1.1 200 OK\r\n\r\nall is clean"))
		}
	}
}

// wrap puts the fault in front of the detector that it names.
func (f fault) wrap(d detect.Detector) detect.Detector {
	if f.how == "" || f.who != d.ID() {
		return d
	}
	return faulty{d, f}
}

// faulty is a detector that fails on purpose.
type faulty struct {
	detect.Detector
	fault fault
}

func (d faulty) Scan(w *detect.Window, found func(detect.Hit)) {
	if !strings.Contains(string(w.Text), d.fault.word) {
		d.Detector.Scan(w, found)
		return
	}
	d.fault.fail()
	found(detect.Hit{Type: "NONSENSE", Start: -1, End: 1 << 40, Confidence: 255})
}
