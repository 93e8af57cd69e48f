package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/vault"
)

// KeyUse is what a key is used for. It tells nothing of the key.
type KeyUse struct {
	Role vault.Role `json:"role"`
	// ID names the key; "" stands for bodies that an earlier version wrote,
	// whose keys lie in their files.
	ID string `json:"id"`
	// Current is the one that wraps now. Own is set for a key of the role's
	// own, Here when its private half can be fetched from this machine.
	Current bool `json:"current"`
	Own     bool `json:"own"`
	Here    bool `json:"here"`
	// Bodies is how many bodies it opens.
	Bodies int `json:"bodies"`
	// From is where it comes from: file, env or command.
	From string `json:"from,omitempty"`
}

// installation is the chain of what belongs to no tenant.
const installation = "-"

// keysVerb carries out a verb about keys.
func (a *App) keysVerb(ctx context.Context, verb, actor string) (ans Answer, err error) {
	switch verb {
	case "keys-list":
		err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
			ans.Keys, err = a.keyUses(tx)
			return err
		})
		return ans, err
	case "keys-rotate":
		err = a.rotateKeys(ctx, actor)
	case "keys-rewrap":
		ans.Lines, err = a.rewrapKeys(ctx, actor)
	case "keys-retire":
		ans.Number, err = a.retireKeys(ctx, actor)
	}
	return ans, err
}

// inUse counts the wrappings in all rooms.
func (a *App) inUse(tx *store.Tx) (map[vault.Role]map[string]int, error) {
	use, err := spool.InUse(tx)
	if err != nil {
		return nil, err
	}
	copies, err := evidence.InUse(tx)
	if len(copies) > 0 {
		use[vault.Evidence] = copies
	}
	return use, err
}

func (a *App) keyUses(tx *store.Tx) (list []KeyUse, err error) {
	use, err := a.inUse(tx)
	if err != nil {
		return nil, err
	}
	own := maps.Collect(a.Config.RoleKeys.all())
	for _, role := range append([]vault.Role{vault.Delivery}, vault.Roles()...) {
		current, isOwn := a.Ring.Current(role)
		source := a.Config.Keys
		if isOwn {
			source = own[role].Key
		}
		from, _, _ := strings.Cut(source, ":")
		ids := []string{current}
		if role == vault.Delivery {
			ids = a.Ring.Keys().IDs()
		}
		for _, id := range slices.Sorted(maps.Keys(use[role])) {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		for _, id := range ids {
			here := slices.Contains(a.Ring.Keys().IDs(), id) || id == ""
			k := KeyUse{Role: role, ID: id, Current: id == current, Own: isOwn && !here, Here: here, Bodies: use[role][id], From: from}
			if id == current {
				k.Here = a.Ring.Here(role)
			}
			list = append(list, k)
		}
	}
	return list, nil
}

// reloadKeys fetches the delivery keys anew and puts them in force, when they
// still have every key that opens a body.
func (a *App) reloadKeys(ctx context.Context) error {
	keys, err := a.Config.keySource().Keys(ctx)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	ids := keys.IDs()
	return a.DB.View(ctx, func(tx *store.Tx) error {
		use, err := a.inUse(tx)
		if err != nil {
			return err
		}
		for role, by := range use {
			for id, n := range by {
				known := slices.Contains(a.Ring.Keys().IDs(), id)
				if known && !slices.Contains(ids, id) {
					return fmt.Errorf("app: the key %s is missing now, and %d bodies need it (%s): put it back, below the current one", id, n, role)
				}
			}
		}
		a.Ring.Replace(keys)
		return nil
	})
}

// rotateKeys makes a fresh key in front of the others. Only a file can be
// written.
func (a *App) rotateKeys(ctx context.Context, actor string) error {
	a.keying.Lock()
	defer a.keying.Unlock()
	path, isFile := a.Config.keySource().File()
	if !isFile {
		kind, _, _ := strings.Cut(a.Config.Keys, ":")
		return fmt.Errorf("app: the keys come from %s: put a new one in front of the others there, then run keys rewrap", kind)
	}
	if err := a.reloadKeys(ctx); err != nil {
		return err
	}
	fresh, err := a.Ring.Keys().Rotate()
	if err != nil {
		return err
	}
	if err := fresh.Save(path); err != nil {
		return err
	}
	a.Ring.Replace(fresh)
	a.Log.Warn("a new key was made; keep a copy of it: without it no held message can be read",
		telemetry.KeyCode, problem.NewKey, telemetry.KeyPath, path)
	return a.noteKeys(ctx, "keys rotated", actor, map[string]any{"key": fresh.IDs()[0], "keys": len(fresh.IDs())})
}

// rewrapKeys wraps the keys of all bodies anew.
func (a *App) rewrapKeys(ctx context.Context, actor string) (lines []string, err error) {
	a.keying.Lock()
	defer a.keying.Unlock()
	if err := a.reloadKeys(ctx); err != nil {
		return nil, err
	}
	sum, err := a.Spool.Rewrap(ctx)
	lines = append(lines, fmt.Sprintf("custody: %d bodies looked at, %d wrapped anew, %d cannot be opened",
		sum.Looked, sum.Changed, sum.Failed))
	if err != nil {
		return lines, err
	}
	copies, err := a.Evidence.Rewrap(ctx)
	lines = append(lines, fmt.Sprintf("evidence: %d copies looked at, %d wrapped anew, %d cannot be opened",
		copies.Looked, copies.Changed, copies.Failed))
	if failed := sum.Failed + copies.Failed; err == nil && failed > 0 {
		err = fmt.Errorf("app: %d bodies could not be wrapped anew; keep the old keys", failed)
	}
	id, _ := a.Ring.Current(vault.Delivery)
	public := map[string]any{"key": id, "bodies": sum.Changed, "copies": copies.Changed, "failed": sum.Failed + copies.Failed}
	return lines, errors.Join(err, a.noteKeys(ctx, "keys rewrapped", actor, public))
}

// retireKeys removes the keys that open nothing any more from the key file.
// What else was derived from them stays: the audit chain and hashes need it.
func (a *App) retireKeys(ctx context.Context, actor string) (n int64, err error) {
	a.keying.Lock()
	defer a.keying.Unlock()
	path, isFile := a.Config.keySource().File()
	if !isFile {
		return 0, errors.New("app: only a key file can be written; elsewhere keep old keys, since the audit chain and hashes need them too")
	}
	if err := a.reloadKeys(ctx); err != nil {
		return 0, err
	}
	needed := map[string]bool{}
	err = a.DB.View(ctx, func(tx *store.Tx) error {
		use, err := a.inUse(tx)
		for _, by := range use {
			for id := range by {
				needed[id] = true
			}
		}
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case needed[""]:
		return 0, errors.New("app: bodies of an earlier version have their keys in their files; run keys rewrap first")
	}
	rest, gone := a.Ring.Keys().Retire(func(id string) bool { return needed[id] }, purposes())
	if gone == 0 {
		return 0, nil
	}
	if err := rest.Save(path); err != nil {
		return 0, err
	}
	a.Ring.Replace(rest)
	return int64(gone), a.noteKeys(ctx, "keys retired", actor, map[string]any{"keys": gone})
}

// noteKeys writes into the chain what was done with keys.
func (a *App) noteKeys(ctx context.Context, kind, actor string, public map[string]any) error {
	text, err := json.Marshal(public)
	if err != nil {
		return err
	}
	return a.DB.Update(ctx, func(tx *store.Tx) error {
		return a.Audit.Append(tx, audit.Event{Tenant: installation, Kind: kind, Actor: actor, At: time.Now(), Public: text})
	})
}
