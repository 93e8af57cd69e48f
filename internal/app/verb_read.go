package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/balance"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
	"postern.dev/postern/internal/tenant"
	"postern.dev/postern/internal/vault"
)

// ErrNoStore says that no gateway has kept anything here yet.
var ErrNoStore = errors.New("there is no store yet")

// Reader reads what a gateway has kept, while it runs or not. It takes no
// lock and changes nothing.
type Reader struct {
	Config *Config
	DB     *store.DB
	Audit  *audit.Log
}

// OpenReader opens the store of a configuration for reading.
func OpenReader(ctx context.Context, c *Config) (r *Reader, err error) {
	conf, err := c.storeConfig()
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(conf.Path); conf.URL == "" && (err != nil || info.Size() == 0) {
		return nil, fmt.Errorf("%w: %s; start the gateway once with: postern serve", ErrNoStore, conf.Path)
	}
	keys, err := c.readKeys(ctx)
	if err != nil {
		return nil, err
	}
	r = &Reader{Config: c}
	if r.DB, err = store.Open(ctx, conf); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.DB.Close()
		}
	}()
	var made int
	err = r.DB.View(ctx, func(tx *store.Tx) error {
		return tx.QueryRow("SELECT count(*) FROM schema_step WHERE room IN ('app', 'audit')").Scan(&made)
	})
	if err != nil || made < 2 {
		return nil, fmt.Errorf("%w: its tables are missing; start the gateway once with: postern serve", ErrNoStore)
	}
	r.Audit, err = audit.Read(r.DB, keys.Derive(auditPurpose)...)
	return r, err
}

// Close closes the store.
func (r *Reader) Close() error { return r.DB.Close() }

func (c *Config) storeConfig() (store.Config, error) {
	if c.Store == "" {
		return store.Config{Path: strings.TrimSuffix(c.Data, "/") + "/postern.db"}, nil
	}
	url, err := settings.Resolve(c.Store, c.dir)
	return store.Config{URL: url}, err
}

// readKeys reads the keys and never makes any.
func (c *Config) readKeys(ctx context.Context) (*vault.Keys, error) {
	keys, err := c.keySource().Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return keys, nil
}

func (c *Config) keySource() vault.Source { return vault.Source{Text: c.Keys, Dir: c.dir} }

// Held lists who waits for a person: of one message, of one tenant, or all.
func (r *Reader) Held(ctx context.Context, tenantID, message string) (list []spool.Pending, err error) {
	err = r.DB.View(ctx, func(tx *store.Tx) (err error) {
		if message != "" {
			list, err = spool.PendingOf(tx, message)
			return err
		}
		list, err = spool.ListPending(tx, tenantID, 10_000)
		return err
	})
	return list, err
}

// Queue lists what waits to leave.
func (r *Reader) Queue(ctx context.Context, tenantID string) (list []task.Task, err error) {
	err = r.DB.View(ctx, func(tx *store.Tx) (err error) {
		list, err = task.List(tx, task.Filter{Tenant: tenantID, Limit: 10_000})
		return err
	})
	return list, err
}

// Balance holds all books against each other.
func (r *Reader) Balance(ctx context.Context) (balance.Sheet, error) { return books(ctx, r.DB) }

func books(ctx context.Context, db *store.DB) (sheet balance.Sheet, err error) {
	err = db.View(ctx, func(tx *store.Tx) (err error) {
		sheet, err = balance.Check(tx, time.Now().Add(-keepRows))
		return err
	})
	return sheet, err
}

// Find is the record of the message that a person means: by our id or its
// beginning, by the reference in a report, or by the Message-ID field.
func (r *Reader) Find(ctx context.Context, name string) (audit.Message, error) {
	for _, key := range []string{"id", "ref", "message-id"} {
		q := audit.Query{Terms: []audit.Term{{Key: key, Value: term(key, name)}}, Limit: 2}
		list, err := r.Audit.Search(ctx, q)
		switch {
		case err != nil:
			return audit.Message{}, err
		case len(list) == 1:
			return list[0], nil
		case len(list) > 1:
			return audit.Message{}, fmt.Errorf("%q is not one message: %s and others; give our id", name, list[0].ID)
		}
	}
	return audit.Message{}, fmt.Errorf("%w: %q is neither our id, nor a reference, nor a Message-ID; "+
		"look for it with: postern audit search", audit.ErrNotFound, name)
}

// term brings a value into the form that a query has.
func term(key, name string) string {
	if key == "ref" {
		q, err := audit.ParseQuery(`ref:"`+strings.ReplaceAll(name, `"`, "")+`"`, time.Time{})
		if err == nil && len(q.Terms) == 1 {
			return q.Terms[0].Value
		}
	}
	return name
}

// State is what tenants and policies are in force.
type State struct {
	Tenants  *tenant.Snapshot
	Policies *policy.Set
}

// InForce builds the state that was applied last.
func (r *Reader) InForce(ctx context.Context) (Version, State, error) {
	k, err := r.applied(ctx)
	if err != nil {
		return k.Version, State{}, err
	}
	state, err := buildWith(tenant.NewRegistry(tenant.NewPublished()), k.files, k.beside, nil)
	if err != nil {
		return k.Version, State{}, err
	}
	return k.Version, State{state.tenants, state.set}, nil
}
