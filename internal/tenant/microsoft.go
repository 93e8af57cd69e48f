package tenant

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

// bundled is the list of Exchange Online's SMTP addresses as published by
// Microsoft's endpoints service (entries with TCP port 25). It serves
// installations without internet until the first refresh.
//
//go:embed microsoft.txt
var bundled string

// Published is Microsoft's list of addresses from which Exchange Online
// sends. It is never empty: a refresh that brings nothing keeps the last
// good list.
type Published struct {
	list atomic.Pointer[publishedList]
}

type publishedList struct {
	prefixes []netip.Prefix
	from     string
	at       time.Time
}

// NewPublished returns the bundled list.
func NewPublished() *Published {
	p := &Published{}
	l := &publishedList{from: "bundled"}
	for _, line := range strings.Split(bundled, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		l.prefixes = append(l.prefixes, netip.MustParsePrefix(line))
	}
	p.list.Store(l)
	return p
}

// Has reports whether an address is in the list.
func (p *Published) Has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, n := range p.list.Load().prefixes {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// Source says where the list came from, its size and when it was taken.
func (p *Published) Source() (from string, size int, at time.Time) {
	l := p.list.Load()
	return l.from, len(l.prefixes), l.at
}

// ErrEmptyList is returned for a published list without a usable entry: an
// empty list must never mean "all", nor "nobody".
var ErrEmptyList = errors.New("tenant: the published list has no address for SMTP")

// ErrForeignList is returned for a published list that has nothing in common
// with the one in force: Microsoft changes a few entries at a time.
var ErrForeignList = errors.New("tenant: the published list has nothing in common with the last one")

// Refresh takes a new list in the JSON form of the endpoints service. On any
// error the old list stays.
func (p *Published) Refresh(text []byte, now time.Time) error {
	prefixes, err := parseEndpoints(text)
	if err != nil {
		return err
	}
	if !common(p.list.Load().prefixes, prefixes) {
		return ErrForeignList
	}
	p.list.Store(&publishedList{prefixes: prefixes, from: "refreshed", at: now})
	return nil
}

// maxPrefixes bounds a list that somebody else writes.
const maxPrefixes = 10000

func parseEndpoints(text []byte) ([]netip.Prefix, error) {
	var entries []struct {
		ServiceArea string   `json:"serviceArea"`
		IPs         []string `json:"ips"`
		TCPPorts    string   `json:"tcpPorts"`
	}
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("tenant: published list: %w", err)
	}
	var list []netip.Prefix
	for _, e := range entries {
		if e.ServiceArea != "Exchange" || !hasPort(e.TCPPorts, "25") {
			continue
		}
		for _, s := range e.IPs {
			n, err := netip.ParsePrefix(s)
			if err != nil {
				return nil, fmt.Errorf("tenant: published list: %w", err)
			}
			if !plausible(n) || len(list) >= maxPrefixes { // "0.0.0.0/0" would open the door
				return nil, fmt.Errorf("tenant: published list: implausible entry %s", s)
			}
			list = append(list, n.Masked())
		}
	}
	if len(list) == 0 {
		return nil, ErrEmptyList
	}
	return list, nil
}

// plausible reports whether a prefix can be Microsoft's.
func plausible(n netip.Prefix) bool {
	a := n.Addr()
	return !tooWide(n) && !a.Is4In6() && a.IsGlobalUnicast() && !a.IsPrivate()
}

func common(a, b []netip.Prefix) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Overlaps(y) {
				return true
			}
		}
	}
	return false
}

func hasPort(ports, want string) bool {
	for _, p := range strings.Split(ports, ",") {
		if strings.TrimSpace(p) == want {
			return true
		}
	}
	return false
}
