package power

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"strings"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// Row is a message in custody, as it was found after a cut.
type Row struct {
	Token, ID string
	File      string // the name of its body file
	State     spool.State
	Gone      bool
	Sum       string // of the octets that came out of the body file
	Waiting   int    // recipients on hold
	Outcomes  []task.Record
}

// Inventory is what the code of "serve" finds on a disk, after it has swept
// and listed what a crash left.
type Inventory struct {
	// Wrong lists everything that may be on no disk at all, whatever was
	// promised.
	Wrong []string
	// Rows are by id, Records (of every message, cut-through included) by
	// token.
	Rows    map[string]Row
	Records map[string]audit.Message
}

func tokenOf(messageID string) string {
	return regexp.MustCompile(`tok[0-9a-f]{16}`).FindString(messageID)
}

// open opens what lies in dir as "serve" does, without listeners and
// workers.
func open(ctx context.Context, dir, config string) (*app.App, error) {
	c, err := app.ReadConfig(config)
	if err != nil {
		return nil, err
	}
	c.Data, c.Keys = filepath.Join(dir, "data"), "file:"+filepath.Join(dir, "postern.key")
	return app.Open(ctx, c, app.World{
		InProcess: true, Log: slog.New(slog.DiscardHandler),
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network here") },
	})
}

// TakeInventory opens what lies in dir with the configuration of the
// recording.
func TakeInventory(ctx context.Context, dir, config string) *Inventory {
	inv := &Inventory{Rows: map[string]Row{}, Records: map[string]audit.Message{}}
	a, err := open(ctx, dir, config)
	if err != nil {
		inv.wrong("does not open: %v", err)
		return inv
	}
	defer func() {
		if err := a.Close(); err != nil {
			inv.wrong("does not close: %v", err)
		}
	}()
	if err := a.Recover(ctx); err != nil {
		inv.wrong("does not recover: %v", err)
		return inv
	}
	if missing := a.Spool.Swept().Missing; len(missing) > 0 {
		inv.wrong("rows without a body file: %s", strings.Join(missing, ", "))
	}
	inv.checkDatabase(ctx, a)
	inv.readRows(ctx, a)
	inv.readRecords(ctx, a)
	return inv
}

func (i *Inventory) wrong(format string, args ...any) {
	i.Wrong = append(i.Wrong, fmt.Sprintf(format, args...))
}

// checkDatabase lets the engine, the balance and the chain say whether all is
// well.
func (i *Inventory) checkDatabase(ctx context.Context, a *app.App) {
	var verdict string
	err := a.DB.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRow("PRAGMA integrity_check(1)").Scan(&verdict)
	})
	if err != nil || verdict != "ok" {
		i.wrong("the database is damaged: %s %v", verdict, err)
	}
	_, lines, err := a.Balance(ctx)
	if err != nil {
		i.wrong("no balance: %v", err)
	}
	for _, line := range lines {
		i.wrong("balance: %s", line)
	}
	tenants, err := a.Audit.Tenants(ctx)
	if err != nil {
		i.wrong("no chains: %v", err)
	}
	for _, t := range tenants {
		if r, err := a.Audit.Verify(ctx, t); err != nil || !r.Ok() {
			i.wrong("chain of %s: %s %s %v", t, r.Problem, r.Why, err)
		}
	}
}

func (i *Inventory) readRows(ctx context.Context, a *app.App) {
	for _, gone := range []bool{false, true} {
		var list []spool.Message
		waiting, outcomes := map[string]int{}, map[string][]task.Record{}
		err := a.DB.View(ctx, func(tx *store.Tx) (err error) {
			if list, err = spool.List(tx, spool.Filter{Gone: gone, Limit: 100_000}); err != nil {
				return err
			}
			for _, m := range list {
				pending, err := spool.PendingOf(tx, m.ID)
				if err != nil {
					return err
				}
				waiting[m.ID] = len(pending)
				if outcomes[m.ID], err = task.Outcomes(tx, m.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			i.wrong("no list of messages: %v", err)
			return
		}
		for _, m := range list {
			r := Row{
				Token: tokenOf(m.MessageID), ID: m.ID, File: m.File, State: m.State, Gone: m.BytesGone,
				Waiting: waiting[m.ID], Outcomes: outcomes[m.ID],
			}
			if !m.BytesGone {
				if r.Sum, err = sumOf(ctx, a.Spool, m.ID); err != nil {
					i.wrong("body of %s (%s): %v", r.Token, m.ID, err)
				}
			}
			i.Rows[m.ID] = r
		}
	}
}

// sumOf decrypts a body and hashes what comes out.
func sumOf(ctx context.Context, s *spool.Spool, id string) (string, error) {
	b, err := s.Open(ctx, id)
	if err != nil {
		return "", err
	}
	defer b.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(b, 0, b.Size())); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (i *Inventory) readRecords(ctx context.Context, a *app.App) {
	list, err := a.Audit.Search(ctx, audit.Query{Limit: 100_000})
	if err != nil {
		i.wrong("no records: %v", err)
	}
	for _, m := range list {
		i.Records[tokenOf(m.MessageID)] = m
	}
}

// Check compares what was found with what the outside was told. sums are the
// hashes of the messages as they were sent, by token.
func (i *Inventory) Check(o *Outside, sums map[string]string) (wrong []string) {
	say := func(class, format string, args ...any) {
		wrong = append(wrong, class+": "+fmt.Sprintf(format, args...))
	}
	for _, w := range i.Wrong {
		say("broken", "%s", w)
	}
	for id, token := range o.Promised {
		if row, there := i.Rows[id]; !there {
			say("lost", "%s was answered 250 as %s, and is not there", token, id)
		} else if row.Gone && len(row.Outcomes) == 0 {
			say("lost", "%s (%s) is erased without an outcome", token, id)
		}
		if _, there := i.Records[token]; !there {
			say("lost", "%s (%s) has no record", token, id)
		}
	}
	for id, row := range i.Rows {
		if !row.Gone && row.Sum != "" && row.Sum != sums[row.Token] {
			say("damaged", "%s (%s) has other octets", row.Token, id)
		}
		for _, out := range row.Outcomes {
			if out.Fate == task.Delivered && !o.Taken[row.Token+" "+string(out.Recipient)] {
				say("ghost", "%s %s to %s is called delivered, and the next hop never said so", row.Token, out.Kind, out.Recipient)
			}
		}
		if o.Refused[row.Token] {
			say("ghost", "%s (%s) was refused to the client, and is in custody", row.Token, id)
		}
	}
	for _, set := range []map[string]bool{o.Relayed, o.Onward} {
		for token := range set {
			if _, there := i.Records[token]; !there {
				say("lost", "%s went to the next hop, and there is no record of it", token)
			}
		}
	}
	for token, m := range i.Records {
		for _, r := range m.Recipients {
			if r.Delivery == audit.Delivered && !o.Taken[token+" "+string(r.Address)] {
				say("ghost", "the record of %s says delivered, and the next hop never said so", token)
			}
		}
	}
	for id := range o.Decided {
		if row, there := i.Rows[id]; there && row.Waiting > 0 {
			say("lost", "the decision about %s, which was confirmed", id)
		}
	}
	return wrong
}
