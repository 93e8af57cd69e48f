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

// cache keeps the answers that were used last, each no longer than its TTL. A
// failure to answer is never kept.
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
}

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
	if !now.Before(e.Value.(entry).until) {
		c.drop(e)
		return answer{}, false
	}
	c.recent.MoveToFront(e)
	return e.Value.(entry).answer, true
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
	c.entries[q] = c.recent.PushFront(entry{q, a, now.Add(a.ttl)})
}

func (c *cache) drop(e *list.Element) {
	delete(c.entries, e.Value.(entry).key)
	c.recent.Remove(e)
}
