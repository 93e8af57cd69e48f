package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/senderauth"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
	"postern.dev/postern/internal/vault"
)

// Level says how bad a Remark is.
type Level string

// The levels. Mistakes keep the gateway from starting or lose what was
// promised; a red test keeps policies from being applied.
const (
	LevelMistake Level = "mistake"
	LevelRed     Level = "red"
	LevelWarning Level = "warning"
	LevelNote    Level = "note"
)

// Remark is one thing that check has to say.
type Remark struct {
	Level Level `json:"level"`
	// Place is a file with its line, or a key of the configuration.
	Place      string `json:"place"`
	Text       string `json:"text"`
	Suggestion string `json:"suggestion,omitempty"`
}

// soon is how long before its end a certificate is warned about.
const soon = 30 * 24 * time.Hour

// longestSocket is the length of sun_path in unix(7) without its end.
const longestSocket = 107

// CheckOptions say how much is checked.
type CheckOptions struct {
	// DNS asks for the hosts to which mail goes back.
	DNS bool
	// InProcess looks into the messages of tests in this process.
	InProcess bool
	Now       time.Time
}

// Check reads everything that a gateway needs and says all that is wrong at
// once. It changes nothing and takes no lock, so it may run beside a gateway.
func Check(ctx context.Context, path string, o CheckOptions) []Remark {
	k := &checking{options: o, path: path}
	c, err := LoadConfig(path)
	if err != nil {
		k.err(path, err)
	}
	if c == nil {
		return k.list
	}
	k.c = c
	if text, err := os.ReadFile(path); err == nil {
		k.docs, _ = settings.Split(path, text)
	}
	k.certificate("smtp.tls", c.SMTP.TLS.Cert, c.SMTP.TLS.Key, c.Hostname)
	if c.Public.TLS.Cert != "" { // Config.Check says when it lacks
		k.certificate("public.tls", c.Public.TLS.Cert, c.Public.TLS.Key, c.Public.Name)
	}
	if c.Roots != "" {
		if _, err := loadRoots(c.rootsPath()); err != nil {
			k.key(LevelMistake, "roots", err.Error(), "name a PEM file, or leave the key out for the system's roots")
		}
	}
	kept := k.store(ctx)
	k.keys(ctx, kept != nil)
	k.tenants(ctx, kept)
	return k.list
}

type checking struct {
	path    string
	docs    []settings.Document
	c       *Config
	options CheckOptions
	set     *policy.Set
	list    []Remark
}

func (k *checking) add(l Level, place, text, suggestion string) {
	k.list = append(k.list, Remark{l, place, text, suggestion})
}

// key says something about a key of the configuration, with its line.
func (k *checking) key(l Level, key, text, suggestion string) {
	if len(k.docs) != 1 {
		k.add(l, k.path, key+": "+text, suggestion)
		return
	}
	at := k.docs[0].Place(text, "", settings.KeyPath(key)...)
	k.add(l, fmt.Sprintf("%s:%d:%d", k.path, at.Line, at.Column), key+": "+text, suggestion)
}

// err takes an error that may be many, each with its place.
func (k *checking) err(place string, err error) {
	var bad settings.Mistakes
	var policies policy.Mistakes
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			k.err(place, e)
		}
		return
	}
	switch {
	case errors.As(err, &bad):
		for _, m := range bad {
			at := m.File
			if m.Line > 0 {
				at = fmt.Sprintf("%s:%d:%d", m.File, m.Line, m.Column)
			}
			k.add(LevelMistake, at, m.Text, m.Suggestion)
		}
	case errors.As(err, &policies):
		for _, m := range policies {
			text, suggestion, _ := strings.Cut(m.Text, "; ")
			k.add(LevelMistake, fmt.Sprintf("%s:%d:%d", m.File, m.Line, m.Column), text, suggestion)
		}
	case errors.Is(err, fs.ErrNotExist):
		k.add(LevelMistake, place, "does not exist", "write it, or correct the path")
	default:
		k.add(LevelMistake, place, err.Error(), "")
	}
}

// certificate looks at the certificate of the front door.
func (k *checking) certificate(key, certFile, keyFile, name string) {
	if certFile == "" {
		if !loopback(strings.TrimSpace(strings.Split(k.c.SMTP.Listen, ",")[0])) {
			k.key(LevelMistake, key, "there is no certificate, so no client can use TLS",
				"name one with cert and key: Exchange Online's connector insists on TLS")
		}
		return
	}
	if keyFile == "" {
		return // Config.Check has said so
	}
	cert, err := tls.LoadX509KeyPair(k.c.resolve(certFile), k.c.resolve(keyFile))
	if err != nil {
		k.key(LevelMistake, key, err.Error(), "cert is the chain in PEM, leaf first; key is its private key in PEM")
		return
	}
	k.readers(key+".key", k.c.resolve(keyFile), LevelWarning)
	k.expiry(k.key, key+".cert", cert.Leaf)
	if err := cert.Leaf.VerifyHostname(name); err != nil {
		k.key(LevelWarning, key+".cert", err.Error(), "clients compare the name that they know: Exchange Online that of its connector")
	}
}

func (k *checking) expiry(add func(l Level, place, text, suggestion string), place string, leaf *x509.Certificate) {
	left := leaf.NotAfter.Sub(k.options.Now)
	until := leaf.NotAfter.UTC().Format(time.RFC3339)
	switch {
	case k.options.Now.Before(leaf.NotBefore):
		add(LevelMistake, place, "is not valid before "+leaf.NotBefore.UTC().Format(time.RFC3339), "compare the clocks")
	case left <= 0:
		add(LevelMistake, place, "ended on "+until, "renew it; the files are read again while the gateway runs")
	case left < soon:
		add(LevelWarning, place, fmt.Sprintf("ends in %d days, on %s", int(left.Hours()/24), until),
			"renew it; the files are read again while the gateway runs")
	}
}

// readers complains about a secret file that others can read.
func (k *checking) readers(key, path string, l Level) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		k.key(l, key, fmt.Sprintf("%s can be read by others (mode %04o)", path, info.Mode().Perm()), "chmod 600 "+path)
	}
}

// keys looks at the keys that open body files.
func (k *checking) keys(ctx context.Context, storeExists bool) {
	path, isFile := k.c.keySource().File()
	if isFile {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if storeExists {
				k.key(LevelMistake, "keys", path+" is missing, but there is a store that it belongs to",
					"put the key file back: without it no held message can be read")
				return
			}
			k.key(LevelNote, "keys", path+" will be made at the first start", "keep a copy of it then")
			return
		}
		k.readers("keys", path, LevelMistake)
	}
	if _, err := k.c.keySource().Keys(ctx); err != nil {
		k.key(LevelMistake, "keys", err.Error(), "one AGE-SECRET-KEY-1… a line")
	}
	k.roleKeys(ctx)
}

// roleKeys looks at the keys of those who read.
func (k *checking) roleKeys(ctx context.Context) {
	for role, own := range k.c.RoleKeys.all() {
		if own == (RoleKey{}) {
			continue
		}
		key := "role_keys." + string(role)
		lock, err := vault.NewLock(own.Public, own.Key, k.c.dir)
		if err != nil { // Config.Check has said so
			continue
		}
		source := vault.Source{Text: own.Key, Dir: k.c.dir}
		if path, isFile := source.File(); isFile {
			k.readers(key, path, LevelMistake)
		}
		if own.Key == "" {
			continue
		}
		keys, err := source.Keys(ctx)
		switch {
		case err != nil:
			k.key(LevelMistake, key+".key", err.Error(), "one AGE-SECRET-KEY-1… a line")
		case !slices.Contains(keys.IDs(), lock.ID()):
			k.key(LevelMistake, key+".key", "is not the private key of "+own.Public, "write the public key that belongs to it")
		}
	}
}

// store opens the store for reading, when there is one.
func (k *checking) store(ctx context.Context) files {
	if info, err := os.Stat(k.c.Data); err == nil && !info.IsDir() {
		k.key(LevelMistake, "data", k.c.Data+" is a file", "name a folder")
		return nil
	} else if err != nil {
		k.key(LevelNote, "data", k.c.Data+" will be made at the first start", "")
	}
	if path := k.c.adminSocket(); len(path) > longestSocket {
		k.key(LevelMistake, "data", fmt.Sprintf("%s is longer than the %d octets that a socket's path may have", path, longestSocket),
			"write a shorter path, or one relative to "+filepath.Dir(k.path))
	}
	if k.c.Store != "" {
		if err := k.reach(ctx); err != nil {
			k.key(LevelMistake, "store", err.Error(), "postgres://user:password@host/database; is the server up?")
			return nil
		}
	}
	r, err := OpenReader(ctx, k.c)
	if errors.Is(err, ErrNoStore) {
		return nil
	}
	if err != nil {
		if !errors.Is(err, vault.ErrKeys) && !errors.Is(err, fs.ErrNotExist) {
			k.key(LevelMistake, "store", err.Error(), "")
		}
		return files{}
	}
	defer r.Close()
	state, err := r.applied(ctx)
	if err != nil {
		k.key(LevelMistake, "store", err.Error(), "")
	}
	return state.files
}

// reachable is how long a database may take to answer.
const reachable = 3 * time.Second

// reach opens the database that the file names.
func (k *checking) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachable)
	defer cancel()
	conf, err := k.c.storeConfig()
	if err != nil {
		return err
	}
	if err := conf.Check(); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "store.url: "))
	}
	db, err := store.Open(ctx, conf)
	if err != nil {
		var lines []string // a driver may tell the same of every address
		for _, l := range strings.Split(err.Error(), "\n") {
			if l = strings.TrimSpace(l); !slices.Contains(lines, l) {
				lines = append(lines, l)
			}
		}
		return errors.New("cannot be reached: " + strings.TrimPrefix(strings.Join(lines, " "), "store: "))
	}
	return db.Close()
}

// tenants builds what a start would put in force, and runs its tests.
func (k *checking) tenants(ctx context.Context, kept files) {
	fresh := files{}
	for i, path := range k.c.Apply {
		f, err := readFiles([]string{path})
		if err != nil {
			k.key(LevelMistake, fmt.Sprintf("apply[%d]", i), err.Error(), "correct the path, or make the folder")
			continue
		}
		for name, text := range f {
			fresh[name] = text
		}
	}
	for name, text := range kept.without(k.c.Apply) {
		fresh[name] = text
	}
	state, err := build(k.c.registry(), fresh)
	if err != nil {
		k.err("apply", err)
		return
	}
	if len(state.tenants.Tenants()) == 0 {
		k.key(LevelWarning, "apply", "there is no tenant, so all mail is refused", "make one with: postern tenant add")
	}
	k.set = state.set
	for _, t := range state.tenants.Tenants() {
		k.tenant(ctx, t)
	}
	k.people(state)
	k.roles(state.tenants)
	for _, u := range state.undefined() {
		k.add(LevelWarning, u.Place, u.Text, u.Suggestion)
	}
	b := &Bench{state: state, looker: newBenchLooker(k.options.InProcess)}
	defer b.Close()
	result, err := b.Test(ctx)
	if err != nil {
		k.err("apply", err)
	}
	for _, c := range result.Cases {
		if !c.Pass {
			k.add(LevelRed, c.Place, fmt.Sprintf("test of policy %s with %s: expected %s, got %s (%s)",
				c.Policy, c.Mail, c.Want, c.Got, c.Because), "correct the policy or its test")
		}
	}
}

// people reads the directories as a start would. A broken file keeps a gateway
// from starting only where there is no directory of the tenant from before.
func (k *checking) people(state *inForce) {
	for _, t := range state.read(keptDirectories(k.c)) {
		level, what := LevelMistake, ""
		if state.people.Of(t.ID) != nil {
			level, what = LevelWarning, "; the last good directory stays in force"
		}
		for _, m := range t.bad {
			place, text := fmt.Sprintf("%s:%d:%d", m.File, m.Line, m.Column), m.Text+what
			if m.Line == 0 {
				place, text = t.People.Place, "directory: "+m.File+": "+text
			}
			k.add(level, place, text, m.Suggestion)
		}
	}
	for _, t := range state.tenants.Tenants() {
		if who := state.people.Of(t.ID); who != nil && who.Stale(k.options.Now) {
			k.add(LevelWarning, t.People.Place, fmt.Sprintf("directory: what it says is of %s, older than the %s of directory_stale",
				who.Generated.UTC().Format(time.RFC3339), t.People.Stale), "export it again: postern directory import")
		}
	}
}

func (k *checking) tenant(ctx context.Context, t *tenant.Tenant) {
	place := "tenant " + t.ID
	k.retention(place, t)
	if t.Certificate != nil {
		if leaf, err := x509.ParseCertificate(t.Certificate.Certificate[0]); err == nil {
			k.expiry(k.add, place+": return.client_cert", leaf)
		}
	}
	if t.Disabled {
		k.add(LevelWarning, place, "is switched off: its mail waits in Exchange", "remove disabled: true")
	}
	if t.Detectors != nil {
		k.add(LevelNote, place+": looking.detectors", fmt.Sprintf("%d of %d built-in detectors run", len(t.Detectors), len(look.Entries())),
			"what the others would find is not looked for; leave the key out for all of them")
	}
	if k.options.DNS {
		k.dns(ctx, place, t)
	}
}

// dns asks for the hosts to which a tenant's mail goes back.
func (k *checking) dns(ctx context.Context, place string, t *tenant.Tenant) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	resolver, err := dns.New(k.c.DNS)
	if err != nil {
		k.key(LevelMistake, "dns", err.Error(), "")
		return
	}
	k.signer(ctx, place+": seal", t.Sealer, resolver)
	k.signer(ctx, place+": notices.sign", t.Signer, resolver)
	host := t.Return.Host
	if host != "" && host != "mx" {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if net.ParseIP(host) != nil {
			return
		}
		if _, _, err := resolver.Hosts(ctx, host); err != nil {
			k.add(LevelMistake, place+": return.host", err.Error(), "name a host that the DNS knows")
		}
		return
	}
	for _, domain := range t.Domains {
		mx, _, err := resolver.MX(ctx, domain)
		if err != nil || len(mx) == 0 {
			why := "has no MX record"
			if err != nil {
				why = err.Error()
			}
			k.add(LevelWarning, place+": "+domain, why, "mail of this domain goes back by the initial domain, or set return.host")
		}
	}
}

// signer looks whether the key that a tenant's seals or signatures need is in
// the DNS.
func (k *checking) signer(ctx context.Context, place string, s *senderauth.Signer, r Resolver) {
	if s == nil {
		return
	}
	list, _, err := r.TXT(ctx, s.Name())
	if slices.ContainsFunc(list, s.Published) {
		return
	}
	why := "the key is not in the DNS, so nobody can verify what it signs"
	var found *dns.Error
	switch {
	case errors.As(err, &found) && !found.NotFound():
		why = "nobody knows whether the key is in the DNS: " + err.Error()
	case len(list) > 0:
		why = "the DNS holds another key, so nobody can verify what it signs"
	}
	k.add(LevelWarning, place, why, fmt.Sprintf("publish %s TXT %q", s.Name(), s.Record()))
}

// Relative makes the places of remarks relative to a folder, for people.
func Relative(list []Remark, dir string) []Remark {
	prefix := filepath.Clean(dir) + "/"
	for i := range list {
		list[i].Place = strings.TrimPrefix(list[i].Place, prefix)
	}
	return list
}
