package fakeexchange

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/telemetry"
)

// Delivered is a message where it ended, octet for octet.
type Delivered struct {
	Raw  []byte
	From string // reverse-path
	To   string
	At   time.Time
	// Folder is Inbox or Junk Email; "" outside of mailboxes.
	Folder string
	Tenant string
	// Kind is mail, or report, journal and approval for what the service
	// wrote itself.
	Kind string
}

// Event is a line of the service's log.
type Event struct {
	At      time.Time
	Tenant  string
	Message string
	// Step is what happened: submitted, received, rules, queued, sent,
	// delayed, delivered, internet, ndr …
	Step      string
	Recipient string
	Detail    string
}

// Mailbox lists what an address has got, oldest first.
func (x *Exchange) Mailbox(address string) []Delivered {
	if t := x.owner(domainOf(address)); t != nil {
		address = t.primary(address)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.boxes[strings.ToLower(address)])
}

// Internet lists what left for the internet, one entry per recipient.
func (x *Exchange) Internet() []Delivered {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.internet)
}

// Taken lists what the inbound half answered 2xx for, as it came over the
// wire, one entry per recipient.
func (x *Exchange) Taken() []Delivered {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.taken)
}

// NDRs lists the reports that the service wrote, and those that it could not
// send to anybody.
func (x *Exchange) NDRs() []NDR {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.ndrs)
}

// Log lists everything that happened, in order.
func (x *Exchange) Log() []Event {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.events)
}

// Idle waits until nothing moves: no message is in work, though some may wait
// for a retry or a moderator.
func (x *Exchange) Idle(ctx context.Context) error {
	for {
		x.mu.Lock()
		still, moving := x.still, x.moving
		x.mu.Unlock()
		if moving == 0 {
			return nil
		}
		select {
		case <-still:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (x *Exchange) note(m *message, step, recipient, detail string) {
	e := Event{At: time.Now(), Tenant: m.tenant.name(), Message: m.id, Step: step, Recipient: recipient, Detail: detail}
	x.mu.Lock()
	x.events = append(x.events, e)
	x.mu.Unlock()
	x.config.Log.Info("pretend exchange: "+step, telemetry.KeyTenant, e.Tenant, telemetry.KeyMessage, m.id)
}
