package app

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// faults collects mistakes, each with its key as it is written in the file.
type faults []error

func (f *faults) add(key, text string) { *f = append(*f, fmt.Errorf("%s: %s", key, text)) }

// within insists on a whole number in a range.
func (f *faults) within(key string, n, least, most int) {
	if n < least || n > most {
		f.add(key, fmt.Sprintf("%d is not from %d to %d", n, least, most))
	}
}

func (f *faults) size(key string, n, least, most settings.Bytes, form string) {
	if n < least || n > most {
		f.add(key, fmt.Sprintf("%d octets are out of range; write from %s", n, form))
	}
}

func (f *faults) span(key string, d, least, most time.Duration) {
	switch {
	case d <= 0:
		f.add(key, "must be longer than nothing; write for example 20s")
	case d < least || d > most:
		f.add(key, fmt.Sprintf("%s is out of range; write from %s to %s", d, least, most))
	}
}

// Check returns every mistake in c at once, each with its key.
func (c *Config) Check() error {
	var f faults
	if _, err := mail.ParseAddress("postmaster@" + c.Hostname); err != nil || c.Hostname == "" {
		f.add("hostname", fmt.Sprintf("%q is not a host name; write the name that the DNS knows, e.g. gw.postern.example", c.Hostname))
	}
	if c.Console.Listen != "off" && !loopback(c.Console.Listen) {
		f.add("console.listen", "is not on loopback; sign-in is not part of this version, so use 127.0.0.1 and a tunnel")
	}
	if c.Metrics.Listen != "" {
		f.address("metrics.listen", c.Metrics.Listen)
	}
	if c.Log != "text" && c.Log != "json" {
		f.add("log", fmt.Sprintf("%q is unknown; write text or json", c.Log))
	}
	c.checkPublic(&f)
	c.checkBodies(&f)
	c.checkRoles(&f)
	c.checkKeys(&f)
	for _, text := range (Clocks{Bytes: c.Retention.Bytes, Metadata: c.Retention.Metadata, Audit: c.Retention.Audit}).nonsense() {
		f.add("retention", text)
	}
	c.checkLimits(&f)
	c.checkRetry(&f)
	f = append(f, flatten(c.SMTP.Check())...)
	f = append(f, dotted("deliver", c.Deliver.Check())...)
	f = append(f, dotted("dns", c.DNS.Check())...)
	return errors.Join(f...)
}

func (f *faults) address(key, address string) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		f.add(key, fmt.Sprintf("%q is not host:port; write for example 127.0.0.1:9090", address))
	}
}

// dotted writes "deliver: idle: …" as the key stands in the file:
// "deliver.idle: …".
func dotted(section string, err error) (list []error) {
	for _, e := range flatten(err) {
		text := strings.TrimPrefix(e.Error(), section+": ")
		if key, _, ok := strings.Cut(text, ": "); ok && !strings.ContainsAny(key, " \"") {
			list = append(list, fmt.Errorf("%s.%s", section, text))
			continue
		}
		list = append(list, fmt.Errorf("%s: %s", section, text))
	}
	slices.SortStableFunc(list, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return list
}

// checkPublic looks at the listener for people.
func (c *Config) checkPublic(f *faults) {
	p := c.Public
	if p == (Public{}) {
		return
	}
	if p.Listen == "" {
		f.add("public.listen", "is missing; write for example \":8443\", or leave the section out")
	} else {
		f.address("public.listen", p.Listen)
	}
	if _, err := mail.ParseAddress("postmaster@" + p.Name); err != nil {
		f.add("public.name", fmt.Sprintf("%q is not a host name; write the name in the links, e.g. mail.contoso.example", p.Name))
	}
	switch {
	case (p.TLS.Cert == "") != (p.TLS.Key == ""):
		f.add("public.tls", "cert and key belong together")
	case p.TLS.Cert == "" && p.Listen != "" && !loopback(p.Listen):
		f.add("public.tls", "is missing; only behind a server of your own on this machine (listen on loopback) it may be left out")
	}
}

// registry is one for the tenants of this installation.
func (c *Config) registry() *tenant.Registry {
	r := tenant.NewRegistry(tenant.NewPublished())
	r.Console, r.Detectors = c.Public.Name, look.Choosable()
	return r
}

// checkBodies refuses every place for body files but that of this version.
func (c *Config) checkBodies(f *faults) {
	scheme, _, hasScheme := strings.Cut(c.Bodies, "://")
	switch {
	case c.Bodies == "":
	case hasScheme:
		f.add("bodies", scheme+":// is not part of this version: body files lie in the data folder; leave the key out")
	case filepath.Clean(settings.Path(c.Bodies, c.dir)) != filepath.Join(settings.Path(c.Data, c.dir), "bodies"):
		f.add("bodies", fmt.Sprintf("another folder than %s is not part of this version; leave the key out, or move data",
			filepath.Join(c.Data, "bodies")))
	}
}

func (c *Config) checkLimits(f *faults) {
	const least = 64 << 10 // RFC 5321 §4.5.3.1.7
	f.size("limits.message", c.Limits.Message, least, 2<<30, "64KiB to 2GiB")
	f.size("limits.memory_per_message", c.Limits.MemoryPerMessage, 4<<10, 1<<30, "4KiB to 1GiB")
	f.within("limits.depth", c.Limits.Depth, 1, 1000)
	f.within("limits.parts", c.Limits.Parts, 1, 1_000_000)
	f.within("limits.lookers", c.Limits.Lookers, 0, 1024)
	f.span("limits.judge", c.Limits.Judge, time.Second, time.Hour)
	// RFC 5321 §4.5.3.2.6: a client waits ten minutes for the answer.
	f.span("patience", c.Patience, 100*time.Millisecond, 9*time.Minute)
}

func (c *Config) checkRetry(f *faults) {
	for i, d := range c.Retry.Schedule {
		f.span(fmt.Sprintf("retry.schedule[%d]", i), d, time.Second, 7*24*time.Hour)
	}
	f.span("retry.give_up", c.Retry.GiveUp, time.Second, 30*24*time.Hour)
	f.within("retry.workers", c.Retry.Workers, 1, 10_000)
	first := time.Minute // of the default schedule
	if len(c.Retry.Schedule) > 0 {
		first = c.Retry.Schedule[0]
	}
	if c.Retry.GiveUp > 0 && c.Retry.GiveUp < first {
		f.add("retry.give_up", fmt.Sprintf("%s is shorter than the first pause of %s, so nothing would be tried again; write for example 24h",
			c.Retry.GiveUp, first))
	}
}
