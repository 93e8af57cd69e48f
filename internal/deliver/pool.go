package deliver

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"postern.dev/postern/internal/mail"
)

// key says for which messages a connection is good. The tenant is part of it:
// a connection proves who we are, so it is never another tenant's.
type key struct {
	tenant      string
	hop         hop
	level       mail.TLSLevel
	serverName  string
	certificate [32]byte
	login       [32]byte
}

func keyOf(r mail.Route, h hop, requireTLS bool) key {
	k := key{tenant: r.Tenant, hop: h, level: level(r, requireTLS), serverName: r.ServerName}
	if r.Certificate != nil && len(r.Certificate.Certificate) > 0 {
		k.certificate = sha256.Sum256(r.Certificate.Certificate[0])
	}
	if r.User != "" {
		k.login = sha256.Sum256([]byte(r.User + "\x00" + r.Password))
	}
	return k
}

// pool keeps idle connections for a while. A goroutine listens on each that has
// been at rest for some time, so that one that the host closes leaves the pool
// at once; those that are taken again soon are spared it.
type pool struct {
	idle     time.Duration
	unheard  time.Duration // at rest, before somebody listens
	messages int

	mu     sync.Mutex
	conns  map[key][]*idle
	total  int
	closed bool
}

// idle is a connection at rest.
type idle struct {
	c     *conn
	timer *time.Timer
	done  chan struct{} // closed when the listening goroutine has ended; nil: none listens
	taken bool          // out of the pool
}

// maxIdle bounds the connections at rest over all tenants.
const maxIdle = 200

func newPool(rest time.Duration, messages int) *pool {
	return &pool{idle: rest, unheard: time.Second, messages: messages, conns: map[key][]*idle{}}
}

// get takes the connection that was used last, or nil.
func (p *pool) get(k key) *conn {
	for {
		p.mu.Lock()
		list := p.conns[k]
		if len(list) == 0 {
			p.mu.Unlock()
			return nil
		}
		i := list[len(list)-1]
		p.remove(i)
		p.mu.Unlock()
		i.wake()
		if !i.c.broken && (i.done != nil || i.c.quiet()) {
			i.c.old = true
			return i.c
		}
		i.c.Close()
	}
}

// put lays a connection to rest, or ends it.
func (p *pool) put(c *conn) {
	most := p.messages
	if c.ext.maxMails > 0 {
		most = min(most, c.ext.maxMails)
	}
	if c.broken || c.used >= most || c.r.Buffered() > 0 {
		c.quit()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.total >= maxIdle {
		c.quit()
		return
	}
	i := &idle{c: c}
	p.conns[c.key] = append(p.conns[c.key], i)
	p.total++
	if c.sock == nil || p.idle <= p.unheard {
		i.timer = time.AfterFunc(p.idle, func() { p.late(i) })
		p.attend(i)
	} else {
		i.timer = time.AfterFunc(p.unheard, func() { p.late(i) })
	}
}

// late is called when a connection has been at rest for some time: first
// somebody listens, then it ends.
func (p *pool) late(i *idle) {
	p.mu.Lock()
	if i.done == nil && !i.taken {
		i.timer.Reset(p.idle - p.unheard)
		p.attend(i)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	p.end(i)
}

// attend lets a goroutine listen. The caller holds the lock: whoever takes the
// connection ends the wait by a deadline, which must come after ours.
func (p *pool) attend(i *idle) {
	i.done = make(chan struct{})
	if i.c.SetDeadline(time.Time{}) != nil {
		i.c.broken = true
	}
	go p.listen(i)
}

// listen waits for what a host should never say unasked: that it closes.
func (p *pool) listen(i *idle) {
	_, err := i.c.r.Peek(1)
	timeout := isTimeout(err)
	i.c.broken = i.c.broken || !timeout
	close(i.done)
	if !timeout {
		p.end(i)
	}
}

// wake ends the rest of a connection that was taken out of the pool.
func (i *idle) wake() {
	i.timer.Stop()
	if i.done != nil {
		i.c.SetReadDeadline(time.Unix(1, 0)) // wakes the listener
		<-i.done
	}
}

// end closes a connection that is still at rest.
func (p *pool) end(i *idle) {
	p.mu.Lock()
	mine := p.remove(i)
	p.mu.Unlock()
	if !mine {
		return
	}
	i.wake()
	i.c.quit()
}

// remove takes i out of the lists; it is false when someone else has.
func (p *pool) remove(i *idle) bool {
	if i.taken {
		return false
	}
	list := p.conns[i.c.key]
	if list = slices.DeleteFunc(list, func(other *idle) bool { return other == i }); len(list) == 0 {
		delete(p.conns, i.c.key)
	} else {
		p.conns[i.c.key] = list
	}
	i.taken = true
	p.total--
	return true
}

// close ends all connections at rest, and those that come later.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	var all []*idle
	for _, list := range p.conns {
		all = append(all, list...)
	}
	p.mu.Unlock()
	for _, i := range all {
		p.end(i)
	}
}
