package dns

import (
	"container/list"
	"sync"
	"time"
)

type question struct {
	name string
	kind uint16
}

// cache keeps the answers that were used last. Each counts no longer than its
// TTL, except while there is no other (RFC 8767): name servers that fail must
// not stop mail to hosts that are as they were. A failure is never kept.
type cache struct {
	size int

	mu      sync.Mutex
	entries map[question]*list.Element
	recent  *list.List // of entry, the latest first
}

type entry struct {
	key    question
	answer answer
	until  time.Time
	lent   time.Time // until when it counts though its time is over
}

// How long an answer may be used after its time, and for how long at once.
const (
	maxStale  = 24 * time.Hour
	staleStep = 30 * time.Second
)

// defaultCache is the number of answers kept when the configuration says
// nothing; at some 500 octets each this is 5 MB.
const defaultCache = 10000

func newCache(size int) *cache {
	if size == 0 {
		size = defaultCache
	}
	return &cache{size: size, entries: map[question]*list.Element{}, recent: list.New()}
}

func (c *cache) get(q question, now time.Time) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[q]
	if e == nil {
		return answer{}, false
	}
	x := e.Value.(entry)
	switch {
	case now.Before(x.until):
	case now.Before(x.lent):
		x.answer.secure = false
	case !now.Before(x.until.Add(maxStale)) || x.answer.kind != "":
		c.drop(e)
		return answer{}, false
	default:
		return answer{}, false
	}
	c.recent.MoveToFront(e)
	return x.answer, true
}

// stale gives an answer whose time is over, when no other can be had.
func (c *cache) stale(q question, now time.Time) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[q]
	if e == nil {
		return answer{}, false
	}
	x := e.Value.(entry)
	if x.answer.kind != "" || !now.Before(x.until.Add(maxStale)) {
		return answer{}, false
	}
	x.lent = now.Add(staleStep)
	e.Value = x
	x.answer.secure = false
	return x.answer, true
}

func (c *cache) put(q question, a answer, now time.Time) {
	if a.ttl <= 0 || c.size < 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[q]; e != nil {
		c.drop(e)
	}
	for len(c.entries) >= c.size {
		c.drop(c.recent.Back())
	}
	c.entries[q] = c.recent.PushFront(entry{key: q, answer: a, until: now.Add(a.ttl)})
}

func (c *cache) drop(e *list.Element) {
	delete(c.entries, e.Value.(entry).key)
	c.recent.Remove(e)
}
