package contact

import (
	"cmp"
	"container/heap"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math"
	"slices"
	"sync"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// Limits of what is kept.
const (
	maxPairs   = 1_000_000 // of a tenant; the oldest go first
	maxDomains = 50_000    // of a tenant; those least written to go first
	maxNoted   = 100       // pairs of one message: mail to more people is no correspondence
)

// History is who has written to whom before, in all tenants. Several goroutines
// may use it.
type History struct {
	keys []hashing // the current one first
	most struct{ pairs, domains int }

	mu      sync.RWMutex
	tenants map[string]*ledger
}

// ledger is the history of one tenant.
type ledger struct {
	pairs   map[pair]entry
	domains map[string]*domain
	alike   index
}

// pair are the hashes of a mailbox and of an address outside.
type pair struct{ mailbox, outside uint64 }

// entry counts the messages of a pair, by who wrote them; times are seconds
// since 1970.
type entry struct{ first, last, sent, got uint32 }

// domain counts the messages to a domain.
type domain struct {
	sent, unsaved int
	last          uint32
}

// Contact is the history of two addresses.
type Contact struct {
	// Sent is how many messages the mailbox of the tenant sent, Got how many
	// it got.
	Sent, Got int
	// First and Last are the times of the first and the last of them.
	First, Last time.Time
}

// Pair is a mailbox of the tenant and an address outside. Out is set when the
// mailbox writes.
type Pair struct {
	Mailbox, Outside mail.Address
	Out              bool
}

// Open reads the history. The first key is the current one; pairs under the
// others are found too, and move to the current one when they are used.
func Open(ctx context.Context, db *store.DB, keys ...[]byte) (*History, error) {
	if err := db.Migrate(ctx, "contact", schema()); err != nil {
		return nil, err
	}
	h := &History{tenants: map[string]*ledger{}}
	h.most.pairs, h.most.domains = maxPairs, maxDomains
	for _, k := range keys {
		h.keys = append(h.keys, hashing{&sync.Pool{New: func() any { return hmac.New(sha256.New, k) }}})
	}
	err := db.View(ctx, h.load)
	if err != nil {
		return nil, fmt.Errorf("contact: open: %w", err)
	}
	return h, nil
}

// hashing makes the hashes under one key.
type hashing struct{ pool *sync.Pool }

// of is the hash of an address of a tenant.
func (k hashing) of(tenant string, key string) uint64 {
	m := k.pool.Get().(hash.Hash)
	defer k.pool.Put(m)
	m.Reset()
	var sum [sha256.Size]byte
	m.Write([]byte(tenant))
	m.Write([]byte{0})
	m.Write([]byte(key))
	return binary.BigEndian.Uint64(m.Sum(sum[:0]))
}

func (k hashing) pair(tenant string, p Pair) pair {
	return pair{k.of(tenant, p.Mailbox.Key()), k.of(tenant, p.Outside.Key())}
}

func (h *History) ledger(tenant string) *ledger {
	l := h.tenants[tenant]
	if l == nil {
		l = &ledger{pairs: map[pair]entry{}, domains: map[string]*domain{}, alike: newIndex()}
		h.tenants[tenant] = l
	}
	return l
}

// Find is the history of two addresses; the zero Contact when there is none.
func (h *History) Find(tenant string, p Pair) (c Contact) {
	h.mu.RLock()
	l := h.tenants[tenant]
	h.mu.RUnlock()
	if l == nil {
		return c
	}
	for _, k := range h.keys {
		hashed := k.pair(tenant, p)
		h.mu.RLock()
		e, found := l.pairs[hashed]
		h.mu.RUnlock()
		if found {
			return Contact{int(e.sent), int(e.got), moment(e.first), moment(e.last)}
		}
	}
	return c
}

func moment(s uint32) time.Time { return time.Unix(int64(s), 0).UTC() }

func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), math.MaxUint32)) }

// Note notes one message between each pair, inside the transaction that
// records its outcome. A message to very many people is no correspondence and
// is not noted.
func (h *History) Note(tx *store.Tx, tenant string, pairs []Pair, at time.Time) error {
	if h == nil || len(pairs) == 0 || len(pairs) > maxNoted {
		return nil
	}
	now := seconds(at)
	fresh := map[pair]entry{}
	domains := map[string]int{}
	for _, p := range pairs {
		one := entry{first: now, last: now, got: 1}
		if p.Out {
			one.sent, one.got = 1, 0
			domains[domainOf(p.Outside)]++
		}
		hashed := h.keys[0].pair(tenant, p)
		if _, twice := fresh[hashed]; twice {
			continue
		}
		for _, k := range h.keys[1:] { // a key was rotated
			old := k.pair(tenant, p)
			h.mu.RLock()
			e, found := h.ledgerOrNone(tenant).pairs[old]
			h.mu.RUnlock()
			if found {
				one = one.plus(e)
				if err := h.drop(tx, tenant, []pair{old}); err != nil {
					return err
				}
			}
		}
		fresh[hashed] = one
		if err := put(tx, tenant, hashed, one); err != nil {
			return err
		}
	}
	saved, err := h.saveDomains(tx, tenant, domains, now)
	if err != nil {
		return err
	}
	tx.OnCommit(func() { h.noted(tenant, fresh, domains, saved, now) })
	return nil
}

// noLedger is that of a tenant without history.
var noLedger = ledger{}

func (h *History) ledgerOrNone(tenant string) *ledger {
	if l := h.tenants[tenant]; l != nil {
		return l
	}
	return &noLedger
}

func (e entry) plus(o entry) entry {
	return entry{min(e.first, o.first), max(e.last, o.last), add(e.sent, o.sent), add(e.got, o.got)}
}

func add(a, b uint32) uint32 { return uint32(min(uint64(a)+uint64(b), math.MaxInt32)) }

// saveDomains writes the counts of domains that changed much: the first
// messages one by one, then every sixteenth. It returns what it wrote.
func (h *History) saveDomains(tx *store.Tx, tenant string, more map[string]int, now uint32) (map[string]int, error) {
	saved := map[string]int{}
	h.mu.RLock()
	l := h.ledgerOrNone(tenant)
	for name, n := range more {
		known, unsaved := 0, n
		if d := l.domains[name]; d != nil {
			known, unsaved = d.sent, d.unsaved+n
		}
		if known < oftenSent || unsaved >= 16 {
			saved[name] = unsaved
		}
	}
	h.mu.RUnlock()
	for name, n := range saved {
		if err := putDomain(tx, tenant, name, n, now); err != nil {
			return nil, err
		}
	}
	return saved, nil
}

// noted brings memory up to what was committed.
func (h *History) noted(tenant string, fresh map[pair]entry, domains, saved map[string]int, now uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.ledger(tenant)
	for p, e := range fresh {
		if old, known := l.pairs[p]; known {
			e = old.plus(e)
		}
		l.pairs[p] = e
	}
	for name, n := range domains {
		d := l.domains[name]
		if d == nil {
			d = &domain{}
			l.domains[name] = d
		}
		if d.sent < oftenSent && d.sent+n >= oftenSent {
			l.alike.add(name)
		}
		d.sent, d.unsaved, d.last = d.sent+n, d.unsaved+n-saved[name], now
	}
}

// Forget removes what is older than a time, and the oldest of what is too
// much, up to few rows. It returns how many rows it removed: as many as few when
// there may be more.
func (h *History) Forget(tx *store.Tx, tenant string, before time.Time, few int) (int, error) {
	h.mu.RLock()
	l := h.ledgerOrNone(tenant)
	pairs, names := l.over(seconds(before), h.most.pairs, h.most.domains, few)
	h.mu.RUnlock()
	if err := h.drop(tx, tenant, pairs); err != nil {
		return 0, err
	}
	for _, name := range names {
		if err := dropDomain(tx, tenant, name); err != nil {
			return 0, err
		}
	}
	if len(names) > 0 {
		tx.OnCommit(func() { h.forgetDomains(tenant, names) })
	}
	return len(pairs) + len(names), nil
}

// over lists up to few pairs, and domains, whose time is over or that are too
// many.
func (l *ledger) over(before uint32, mostPairs, mostDomains, few int) (pairs []pair, names []string) {
	for p, e := range l.pairs {
		if e.last < before && len(pairs) < few {
			pairs = append(pairs, p)
		}
	}
	if n := len(l.pairs) - mostPairs; n > 0 && len(pairs) == 0 {
		pairs = l.oldest(min(n, few))
	}
	for name, d := range l.domains {
		if d.last < before && len(names) < few {
			names = append(names, name)
		}
	}
	if n := len(l.domains) - mostDomains; n > 0 && len(names) == 0 {
		for name := range l.domains {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int {
			x, y := l.domains[a], l.domains[b]
			return cmp.Or(cmp.Compare(x.sent, y.sent), cmp.Compare(x.last, y.last))
		})
		names = names[:min(n, few)]
	}
	return pairs, names
}

// oldest are the n pairs that are worth least: those the mailbox never wrote
// to first, then the oldest.
func (l *ledger) oldest(n int) []pair {
	least := make(worst, 0, n)
	for p, e := range l.pairs {
		a := aged{p, uint64(e.last)}
		if e.sent > 0 {
			a.worth += 1 << 32
		}
		switch {
		case len(least) < n:
			heap.Push(&least, a)
		case a.worth < least[0].worth:
			least[0] = a
			heap.Fix(&least, 0)
		}
	}
	out := make([]pair, len(least))
	for i, a := range least {
		out[i] = a.pair
	}
	return out
}

// aged is a pair and what it is worth.
type aged struct {
	pair
	worth uint64
}

// worst is a heap with the pair on top that is worth most.
type worst []aged

func (w worst) Len() int           { return len(w) }
func (w worst) Less(i, j int) bool { return w[i].worth > w[j].worth }
func (w worst) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }

// Push implements heap.Interface.
func (w *worst) Push(x any) { *w = append(*w, x.(aged)) }

// Pop implements heap.Interface.
func (w *worst) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}

func (h *History) drop(tx *store.Tx, tenant string, pairs []pair) error {
	for _, p := range pairs {
		if err := dropPair(tx, tenant, p); err != nil {
			return err
		}
	}
	if len(pairs) > 0 {
		tx.OnCommit(func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, p := range pairs {
				delete(h.ledger(tenant).pairs, p)
			}
		})
	}
	return nil
}

func (h *History) forgetDomains(tenant string, names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.ledger(tenant)
	for _, name := range names {
		delete(l.domains, name)
		l.alike.remove(name)
	}
}

// Erase removes everything about an address, as a mailbox and as somebody
// outside. It returns how many pairs that were.
func (h *History) Erase(tx *store.Tx, tenant string, a mail.Address) (int, error) {
	var gone []pair
	h.mu.RLock()
	for _, k := range h.keys {
		who := k.of(tenant, a.Key())
		for p := range h.ledgerOrNone(tenant).pairs {
			if p.mailbox == who || p.outside == who {
				gone = append(gone, p)
			}
		}
	}
	h.mu.RUnlock()
	return len(gone), h.drop(tx, tenant, gone)
}

// EraseTenant removes everything about a tenant.
func (h *History) EraseTenant(tx *store.Tx, tenant string) error {
	if err := dropTenant(tx, tenant); err != nil {
		return err
	}
	tx.OnCommit(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.tenants, tenant)
	})
	return nil
}

// Tenants lists the tenants that have a history.
func (h *History) Tenants() (ids []string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for id := range h.tenants {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Size is how many pairs and domains are kept of a tenant.
func (h *History) Size(tenant string) (pairs, domains int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	l := h.ledgerOrNone(tenant)
	return len(l.pairs), len(l.domains)
}
