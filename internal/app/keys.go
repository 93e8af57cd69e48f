package app

import (
	"context"
	"iter"

	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/telemetry"
	"postern.dev/postern/internal/vault"
)

// What is derived from the keys besides. A purpose must never change: what was
// hashed or signed for it could not be known again.
const (
	passPurpose       = "pass"
	exceptionsPurpose = "exceptions"
	auditPurpose      = "audit head"
	contactPurpose    = "contact"
	peoplePurpose     = "held mail"
	publicPurpose     = "pages for people"
)

// purposes lists them.
func purposes() []string {
	return []string{passPurpose, exceptionsPurpose, auditPurpose, contactPurpose, peoplePurpose, publicPurpose}
}

// keys fetches the keys that wrap those of bodies.
func (a *App) keys(ctx context.Context) (*vault.Keys, error) {
	source := a.Config.keySource()
	keys, made, err := source.Load(ctx)
	if made {
		path, _ := source.File()
		a.Log.Warn("a new key was made; keep a copy of it: without it no held message can be read",
			telemetry.KeyCode, problem.NewKey, telemetry.KeyPath, path)
	}
	return keys, err
}

// all are the roles with what is configured for them.
func (k RoleKeys) all() iter.Seq2[vault.Role, RoleKey] {
	return func(yield func(vault.Role, RoleKey) bool) {
		own := map[vault.Role]RoleKey{vault.Reading: k.Reading, vault.Emergency: k.Emergency, vault.Evidence: k.Evidence}
		for _, role := range vault.Roles() {
			if !yield(role, own[role]) {
				return
			}
		}
	}
}

// ring is all keys that the configuration names.
func (c *Config) ring(keys *vault.Keys) (*vault.Ring, error) {
	locks := map[vault.Role]vault.Lock{}
	for role, own := range c.RoleKeys.all() {
		if own == (RoleKey{}) {
			continue
		}
		lock, err := vault.NewLock(own.Public, own.Key, c.dir)
		if err != nil {
			return nil, err
		}
		locks[role] = lock
	}
	return vault.NewRing(keys, locks), nil
}

// checkKeys looks at how keys are written.
func (c *Config) checkKeys(f *faults) {
	if err := c.keySource().Check(); err != nil {
		f.add("keys", err.Error())
	}
	for role, own := range c.RoleKeys.all() {
		key := "role_keys." + string(role)
		if own == (RoleKey{}) {
			continue
		}
		if _, err := vault.NewLock(own.Public, own.Key, c.dir); err != nil {
			f.add(key+".public", "is no public key; write what age-keygen shows: age1…")
		}
		if err := (vault.Source{Text: own.Key}).Check(); own.Key != "" && err != nil {
			f.add(key+".key", err.Error())
		}
	}
}
