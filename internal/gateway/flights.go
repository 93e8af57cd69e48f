package gateway

import (
	"sync"
	"sync/atomic"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/spool"
)

// flights are the messages that are being handled, or whose answer the
// client has not confirmed yet by going on. A repeat that comes meanwhile
// must not be sent a second time.
type flights struct {
	mu    sync.Mutex
	byKey map[spool.Key]*flight
	trace map[string]*flight
	// working counts the messages of a tenant that are being handled.
	working map[string]int
	all     atomic.Int64 // the sum of working
	coming  atomic.Int64 // of these, those that have not come to a commit
}

// flight is one of them.
type flight struct {
	key      spool.Key
	tenant   string
	trace    string
	working  bool // takes a place of its tenant
	coming   bool // has not come to a commit
	answered bool
	reply    mail.Reply
	kept     bool // the answer is in the store already (custody)
	settled  bool // the client has read the answer, or that to a repeat
}

func newFlights() *flights {
	return &flights{byKey: map[spool.Key]*flight{}, trace: map[string]*flight{}, working: map[string]int{}}
}

// begin claims a message. When somebody else has it, the answer for the
// repeat is returned: the recorded one, or "in flight".
func (f *flights) begin(key spool.Key, tenant, trace string, most int) (repeat mail.Reply, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.byKey[key]; other != nil {
		if other.answered {
			// The client that reads this answer has read the first one.
			f.trace[trace] = other
			return other.reply, false
		}
		return replyInFlight(), false
	}
	if most > 0 && f.working[tenant] >= most {
		return replyTenantBusy(), false
	}
	f.working[tenant]++
	f.all.Add(1)
	f.coming.Add(1)
	x := &flight{key: key, tenant: tenant, trace: trace, working: true, coming: true}
	f.byKey[key], f.trace[trace] = x, x
	return mail.Reply{}, true
}

// answer notes what the client is about to be told. Only a 2xx is kept for a
// repeat: after any other the client still has the message.
func (f *flights) answer(trace string, r mail.Reply, kept bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.trace[trace]
	if x == nil {
		return
	}
	f.rest(x)
	if !r.Ok() {
		delete(f.byKey, x.key)
		delete(f.trace, trace)
		return
	}
	x.answered, x.reply, x.kept = true, r, kept
}

// count is the number of messages that are being handled.
func (f *flights) count() int { return int(f.all.Load()) }

// arrive says that a message has come to a commit, and returns how many have
// not yet.
func (f *flights) arrive(trace string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x := f.trace[trace]; x != nil {
		f.come(x)
	}
	return int(f.coming.Load())
}

func (f *flights) come(x *flight) {
	if x.coming {
		x.coming = false
		f.coming.Add(-1)
	}
}

func (f *flights) find(trace string) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trace[trace]
}

// end forgets a message and returns what was known of it.
func (f *flights) end(trace string) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.trace[trace]
	if x == nil {
		return nil
	}
	f.rest(x)
	delete(f.trace, trace)
	if f.byKey[x.key] == x {
		delete(f.byKey, x.key)
	}
	return x
}

// rest ends the work on a message: its tenant has the place back.
func (f *flights) rest(x *flight) {
	if !x.working {
		return
	}
	x.working = false
	f.come(x)
	f.all.Add(-1)
	if f.working[x.tenant]--; f.working[x.tenant] == 0 {
		delete(f.working, x.tenant)
	}
}

// confirm ends a message whose answer the client has read.
func (f *flights) confirm(trace string) *flight {
	x := f.end(trace)
	if x == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	x.settled = true
	return x
}

// unread returns a message whose answer the client may not have read; nil
// when a repeat of it was confirmed meanwhile, or the answer is of no use.
func (f *flights) unread(trace string) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.trace[trace]
	if x == nil || x.settled {
		delete(f.trace, trace)
		return nil
	}
	return x
}
