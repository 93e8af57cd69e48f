package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"postern.dev/postern/internal/deliver"
	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/mail"
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
	// Keys is the file (file:…), or the variable (env:…), with the keys that
	// wrap the per-message keys. A missing file is made at the first start.
	// Default: file:./postern.key.
	Keys string `yaml:"keys"`
	// Store is a PostgreSQL URL instead of the embedded store.
	Store string `yaml:"store"`
	// SMTP is the front door.
	SMTP receive.Config `yaml:"smtp"`
	// Console is for administrators.
	Console Console `yaml:"console"`
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
	// Log is "text" or "json". Default: text.
	Log string `yaml:"log"`

	dir string // of the file, for relative paths
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
}

// Retry is the schedule of attempts to hand mail on.
type Retry struct {
	// Schedule are the pauses between attempts; the last one repeats.
	// Default: [1m, 5m, 15m, 1h].
	Schedule []time.Duration `yaml:"schedule"`
	// GiveUp is when the sender is told. Default: 24h.
	GiveUp time.Duration `yaml:"give_up"`
	// Workers is how many attempts run at a time. Default: 20.
	Workers int `yaml:"workers"`
}

// Limits bound one message.
type Limits struct {
	// Message is the largest message. Default: 200MiB.
	Message settings.Bytes `yaml:"message"`
	// MemoryPerMessage is how much of a body is kept in memory; the rest goes
	// to an encrypted, unlinked file. Default: 1MiB.
	MemoryPerMessage settings.Bytes `yaml:"memory_per_message"`
	// Depth and Parts bound MIME. Defaults: 50 and 10000.
	Depth int `yaml:"depth"`
	Parts int `yaml:"parts"`
	// Judge is how long looking and deciding may take at all. Default: 60s.
	Judge time.Duration `yaml:"judge"`
	// Lookers is how many processes look into messages. Default: one per
	// processor.
	Lookers int `yaml:"lookers"`
}

// Microsoft says how the list of Exchange Online's addresses is kept fresh.
type Microsoft struct {
	// Refresh asks Microsoft's endpoints service once a day.
	// Default: false: the bundled list.
	Refresh bool `yaml:"refresh"`
}

// ReadConfig reads postern.yaml and says everything that is wrong with it.
func ReadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w; write one, or try postern demo", err)
	}
	c := &Config{dir: filepath.Dir(path)}
	bad := settings.Read(path, text, c)
	c.defaults()
	for _, err := range flatten(c.Check()) {
		bad = append(bad, settings.Mistake{File: path, Text: err.Error()})
	}
	return c, bad.Err()
}

func (c *Config) defaults() {
	or := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	or(&c.Data, "./data")
	or(&c.Keys, "file:./postern.key")
	or(&c.SMTP.Listen, ":25")
	or(&c.Console.Listen, "127.0.0.1:8025")
	or(&c.Log, "text")
	if c.Limits.Message == 0 {
		c.Limits.Message = 200 << 20
	}
	if c.Limits.MemoryPerMessage == 0 {
		c.Limits.MemoryPerMessage = 1 << 20
	}
	if c.Limits.Judge == 0 {
		c.Limits.Judge = time.Minute
	}
	if c.Patience == 0 {
		c.Patience = 20 * time.Second
	}
	if c.Retry.Workers == 0 {
		c.Retry.Workers = 20
	}
	c.SMTP.Name = c.Hostname
	if c.SMTP.MaxSize == 0 {
		c.SMTP.MaxSize = int64(c.Limits.Message)
	}
	c.Data = settings.Path(c.Data, c.dir)
	for i, p := range c.Apply {
		c.Apply[i] = settings.Path(p, c.dir)
	}
}

// Check returns every mistake in c at once.
func (c *Config) Check() error {
	var errs []error
	add := func(key, text string) { errs = append(errs, fmt.Errorf("%s: %s", key, text)) }
	if _, err := mail.ParseAddress("postmaster@" + c.Hostname); err != nil || c.Hostname == "" {
		add("hostname", fmt.Sprintf("%q is not a host name; write the name that the DNS knows, e.g. gw.postern.example", c.Hostname))
	}
	if c.Console.Listen != "off" && !loopback(c.Console.Listen) {
		add("console.listen", "is not on loopback; sign-in is not part of this version, so use 127.0.0.1 and a tunnel")
	}
	if c.Metrics.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Metrics.Listen); err != nil {
			add("metrics.listen", err.Error())
		}
	}
	if c.Log != "text" && c.Log != "json" {
		add("log", fmt.Sprintf("%q is unknown; write text or json", c.Log))
	}
	for _, d := range c.Retry.Schedule {
		if d <= 0 {
			add("retry.schedule", "a pause must be longer than nothing")
		}
	}
	errs = append(errs, flatten(c.SMTP.Check())...)
	errs = append(errs, flatten(c.Deliver.Check())...)
	errs = append(errs, flatten(c.DNS.Check())...)
	return errors.Join(errs...)
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
func (c *Config) adminSocket() string { return strings.TrimSuffix(c.Data, "/") + "/admin.sock" }
