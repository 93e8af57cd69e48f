package public

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// How often one client may ask. An office behind one address has many people,
// each of whom needs some ten requests for a decision.
const (
	maxReads  = 240 // in a minute
	maxWrites = 60  // in a minute
	maxCodes  = 20  // that are asked for, in an hour
	// maxClients are told apart; beyond them all others share one bound.
	maxClients = 20_000
)

// rates counts what clients do, in buckets that fill up again with time.
type rates struct {
	mu      sync.Mutex
	clients map[netip.Prefix]*visitor
	rest    visitor
	swept   time.Time
}

type visitor struct {
	reads, writes, codes bucket
	last                 time.Time
}

// bucket holds what may still be done.
type bucket struct {
	used float64
	at   time.Time
}

// take uses one of most in span; wait is how long there is none.
func (b *bucket) take(most int, span time.Duration, now time.Time) (wait time.Duration) {
	each := span / time.Duration(most)
	if passed := now.Sub(b.at); passed > 0 {
		b.used = max(0, b.used-float64(passed)/float64(each))
	}
	b.at = now
	if b.used+1 > float64(most) {
		return time.Duration((b.used + 1 - float64(most)) * float64(each))
	}
	b.used++
	return 0
}

// take counts a request.
func (r *rates) take(req *http.Request, now time.Time) (wait time.Duration) {
	client, bounded := clientOf(req)
	if !bounded {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.visitor(client, now)
	if req.Method == http.MethodPost {
		return v.writes.take(maxWrites, time.Minute, now)
	}
	return v.reads.take(maxReads, time.Minute, now)
}

// code counts a code that is asked for.
func (r *rates) code(req *http.Request, now time.Time) (wait time.Duration) {
	client, bounded := clientOf(req)
	if !bounded {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.visitor(client, now).codes.take(maxCodes, time.Hour, now)
}

// visitor is the count of a client; one that is idle for an hour is forgotten.
func (r *rates) visitor(client netip.Prefix, now time.Time) *visitor {
	if r.clients == nil {
		r.clients = map[netip.Prefix]*visitor{}
	}
	v := r.clients[client]
	if v == nil {
		if len(r.clients) >= maxClients && now.Sub(r.swept) > time.Minute {
			r.swept = now
			for at, old := range r.clients {
				if now.Sub(old.last) > time.Hour {
					delete(r.clients, at)
				}
			}
		}
		if len(r.clients) >= maxClients {
			return &r.rest
		}
		v = &visitor{}
		r.clients[client] = v
	}
	v.last = now
	return v
}
