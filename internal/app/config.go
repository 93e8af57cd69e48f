package app

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"postern.dev/postern/internal/deliver"
	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/ocr"
	"postern.dev/postern/internal/receive"
	"postern.dev/postern/internal/settings"
)

// Config is postern.yaml.
type Config struct {
	// Hostname is what this installation calls itself in SMTP, in trace
	// fields and in reports. Required.
	Hostname string `yaml:"hostname"`
	// Data is the folder of the embedded store and of the body files.
	// Default: ./data.
	Data string `yaml:"data"`
	// Keys is the file (file:…), the variable (env:…), or the program
	// (command:/path/to/program ARGUMENTS) with the keys that wrap the
	// per-message keys. A missing file is made at the first start. A program
	// is run without a shell, has 10 seconds, and prints the keys; what it
	// prints is never logged.
	// Default: file:./postern.key.
	Keys string `yaml:"keys"`
	// RoleKeys are keys of their own for those who read held mail and
	// evidence. Without them these roles use keys derived from Keys: they are
	// then told apart by the program, not by who has which key.
	RoleKeys RoleKeys `yaml:"role_keys"`
	// Store is a PostgreSQL URL instead of the embedded store.
	Store string `yaml:"store"`
	// SMTP is the front door.
	SMTP receive.Config `yaml:"smtp"`
	// Bodies is the folder of the body files. Object storage is not part of
	// this version, and another folder neither: they lie in the data folder.
	// Default: the folder bodies of data.
	Bodies string `yaml:"bodies"`
	// Console is for administrators.
	Console Console `yaml:"console"`
	// Roles say who sees held mail and decides about it, besides those whom a
	// policy asks. Default: the user of the gateway, and root, have the rights
	// metadata, decide, malware and emergency: none reads mail alone.
	Roles []Role `yaml:"roles"`
	// Public is for the pages of people who decide about held mail. Without
	// the section nothing listens.
	Public Public `yaml:"public"`
	// Metrics serves /metrics.
	Metrics Listener `yaml:"metrics"`
	// Apply lists the files and folders with tenants and policies that are
	// read at start when they changed.
	Apply []string `yaml:"apply"`
	// Patience is how long judging may keep the client waiting; then the
	// message is taken into custody and judged there.
	// Default: 20s.
	Patience time.Duration `yaml:"patience"`
	// Retry is the schedule of the back door.
	Retry Retry `yaml:"retry"`
	// Limits bound what one message may cost.
	Limits Limits `yaml:"limits"`
	// OCR reads the letters in pictures with tesseract: those that are
	// attached, those inside documents and archives, and the scanned pages of
	// PDF documents. It runs with the rights of the gateway's user, within
	// limits.
	OCR ocr.Config `yaml:"ocr"`
	// Deliver is the back door.
	Deliver deliver.Limits `yaml:"deliver"`
	// DNS says whom to ask.
	DNS dns.Config `yaml:"dns"`
	// Roots is a PEM file with the roots that next hops and client
	// certificates are verified against.
	// Default: those of the system.
	Roots string `yaml:"roots"`
	// Microsoft is the list of Exchange Online's addresses.
	Microsoft Microsoft `yaml:"microsoft"`
	// Retention is how long things are kept where a tenant's file does not say
	// otherwise.
	Retention Retention `yaml:"retention"`
	// Log is "text" or "json". Default: text.
	Log string `yaml:"log"`

	dir string // of the file, for relative paths
}

// RoleKeys is role_keys.
type RoleKeys struct {
	// Reading is for those who decide about a held message and look at it.
	Reading RoleKey `yaml:"reading"`
	// Emergency is for two persons who agree that a message must be read.
	Emergency RoleKey `yaml:"emergency"`
	// Evidence is for the copies that a policy keeps.
	Evidence RoleKey `yaml:"evidence"`
}

// RoleKey is a key of a role's own.
type RoleKey struct {
	// Public is the public key ("age1…", as age-keygen makes it).
	Public string `yaml:"public"`
	// Key is where its private half is fetched when somebody reads: file:…,
	// env:… or command:…. It is used once and not kept. Empty: it is not on
	// this machine, so nobody can read in this role here.
	Key string `yaml:"key"`
}

// Listener is the address of an HTTP server; "" turns it off.
type Listener struct {
	Listen string `yaml:"listen"`
}

// Console is the listener for administrators.
type Console struct {
	// Listen is refused on an address that is not loopback, until sign-in is
	// configured. Default: "127.0.0.1:8025"; "off" turns it off.
	Listen string `yaml:"listen"`
	// Socket is where verbs reach the running gateway. Users of roles who are
	// neither the gateway's nor root need one in a folder that they can enter.
	// Default: admin.sock in the data folder, which only the gateway's user can.
	Socket string `yaml:"socket"`
}

// Public is the listener for people without an account here.
type Public struct {
	// Listen is the address, e.g. ":8443".
	Listen string `yaml:"listen"`
	// Name is the host name in the links that people get. No other is
	// answered.
	Name string `yaml:"name"`
	// TLS is the listener's certificate. It may be left out on a loopback
	// address only, behind a server of your own that speaks TLS.
	TLS PublicTLS `yaml:"tls"`
}

// PublicTLS is public.tls.
type PublicTLS struct {
	// Cert is the file with the certificate chain, in PEM.
	Cert string `yaml:"cert"`
	// Key is the file with its private key, in PEM.
	Key string `yaml:"key"`
}

// Retry is the schedule of attempts to hand mail on.
type Retry struct {
	// Schedule are the pauses between attempts; the last one repeats.
	// Default: [1m, 5m, 15m, 1h].
	Schedule []time.Duration `yaml:"schedule"`
	// GiveUp is when the sender is told. Default: 24h.
	GiveUp time.Duration `yaml:"give_up"`
	// Workers is how many attempts run at a time. Default: 64.
	Workers int `yaml:"workers"`
}

// Limits bound one message.
type Limits struct {
	// Message is the largest message. Default: 200MiB.
	Message settings.Bytes `yaml:"message"`
	// MemoryPerMessage is how much of a body is kept in memory; the rest goes
	// to an encrypted, unlinked file. Default: 1536KiB, which holds a file of
	// 1 MiB as mail carries it.
	MemoryPerMessage settings.Bytes `yaml:"memory_per_message"`
	// Depth is how deep the parts of a message may lie in each other.
	// Default: 50.
	Depth int `yaml:"depth"`
	// Parts is how many parts a message may have. Default: 10000.
	Parts int `yaml:"parts"`
	// Judge is how long looking and deciding may take at all. Default: 60s.
	Judge time.Duration `yaml:"judge"`
	// Lookers is how many processes look into messages. Default: one per
	// processor.
	Lookers int `yaml:"lookers"`
}

// Retention is three clocks of their own.
type Retention struct {
	// Bytes is the longest that a message waits in custody for somebody to
	// decide, whatever its policy says: then it is refused, and its sender is
	// told. What is pinned stays. Copies that a policy keeps have times of
	// their own. Default: 720h (30 days).
	Bytes time.Duration `yaml:"bytes"`
	// Metadata is how long the personal part of a record stays: addresses,
	// subject, samples. Default: 2160h (90 days).
	Metadata time.Duration `yaml:"metadata"`
	// Audit is how long the audit chain and the rest of the records stay.
	// Default: 87600h (ten years).
	Audit time.Duration `yaml:"audit"`
}

// Microsoft says how the list of Exchange Online's addresses is kept fresh.
type Microsoft struct {
	// Refresh asks Microsoft's endpoints service once a day.
	// Default: false: the bundled list.
	Refresh bool `yaml:"refresh"`
}

// ReadConfig reads postern.yaml and says everything that is wrong with it.
// Without a Config the file could not be read as YAML at all.
func ReadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w; write one, or try postern demo", err)
	}
	docs, bad := settings.Split(path, text)
	if len(docs) > 1 {
		bad = append(bad, settings.Mistake{File: path, Line: docs[1].Line(), Column: 1, Text: "a second document stands in this file"})
	}
	if len(bad) > 0 {
		return nil, bad
	}
	c := &Config{dir: filepath.Dir(path)}
	c.numbers() // first: what is written as 0 is then told from what is not written
	if len(docs) == 1 {
		bad = docs[0].Decode(c)
	}
	c.words()
	told := map[string]bool{}
	for _, m := range bad {
		key, _, _ := strings.Cut(m.Text, ": ")
		told[key] = true
	}
	for _, err := range flatten(c.Check()) {
		if key, _, _ := strings.Cut(err.Error(), ": "); !told[key] {
			bad = append(bad, settings.Mistake{File: path, Text: err.Error()})
		}
	}
	c.derive()
	return c, bad.Err()
}

// defaults fills in what is not said.
func (c *Config) defaults() {
	c.numbers()
	c.words()
	c.derive()
}

func (c *Config) words() {
	c.Data = cmp.Or(c.Data, "./data")
	c.Keys = cmp.Or(c.Keys, "file:./postern.key")
	c.SMTP.Listen = cmp.Or(c.SMTP.Listen, ":25")
	c.Console.Listen = cmp.Or(c.Console.Listen, "127.0.0.1:8025")
	c.Log = cmp.Or(c.Log, "text")
}

func (c *Config) numbers() {
	c.Limits.Message = cmp.Or(c.Limits.Message, 200<<20)
	c.Limits.MemoryPerMessage = cmp.Or(c.Limits.MemoryPerMessage, 1536<<10)
	c.Limits.Depth = cmp.Or(c.Limits.Depth, 50)
	c.Limits.Parts = cmp.Or(c.Limits.Parts, 10_000)
	c.Limits.Judge = cmp.Or(c.Limits.Judge, time.Minute)
	c.Patience = cmp.Or(c.Patience, 20*time.Second)
	c.Retry.Workers = cmp.Or(c.Retry.Workers, 64)
	c.Retry.GiveUp = cmp.Or(c.Retry.GiveUp, 24*time.Hour)
	c.Retention.Bytes = cmp.Or(c.Retention.Bytes, 30*24*time.Hour)
	c.Retention.Metadata = cmp.Or(c.Retention.Metadata, 90*24*time.Hour)
	c.Retention.Audit = cmp.Or(c.Retention.Audit, 10*365*24*time.Hour)
}

// derive makes what follows from other keys.
func (c *Config) derive() {
	c.SMTP.Name = c.Hostname
	if c.SMTP.MaxSize == 0 {
		c.SMTP.MaxSize = int64(c.Limits.Message)
	}
	c.Data = settings.Path(c.Data, c.dir)
	for i, p := range c.Apply {
		c.Apply[i] = settings.Path(p, c.dir)
	}
}

func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var list []error
		for _, e := range many.Unwrap() {
			list = append(list, flatten(e)...)
		}
		return list
	}
	return []error{err}
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// resolve turns a path of the file into one that can be opened.
func (c *Config) resolve(path string) string { return settings.Path(path, c.dir) }

// adminSocket is where verbs reach a running gateway.
func (c *Config) adminSocket() string {
	if c.Console.Socket != "" {
		return c.resolve(c.Console.Socket)
	}
	return strings.TrimSuffix(c.Data, "/") + "/admin.sock"
}
