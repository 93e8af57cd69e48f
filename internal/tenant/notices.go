package tenant

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/notice"
)

// ownTexts bounds the texts that a tenant writes itself.
const ownTexts = 500

// notices reads how Postern writes to the tenant's people. Every text is
// looked at as a reader would.
func (b *builder) notices(t *Tenant, c Config) {
	t.Notices, t.Languages, t.Zone = notice.Default(), c.Notices.Languages, time.UTC
	if zone := c.Notices.TimeZone; zone != "" {
		at, err := time.LoadLocation(zone)
		if err != nil || zone == "Local" {
			b.add(fmt.Sprintf("%q is no time zone", zone), "write for example Europe/Berlin", "notices", "time_zone")
		} else {
			t.Zone = at
		}
	}
	if len(c.Notices.Texts) > ownTexts {
		b.add(fmt.Sprintf("there are more than %d texts", ownTexts), "", "notices", "texts")
		return
	}
	for i, x := range c.Notices.Texts {
		at := strconv.Itoa(i)
		if !languageTag(x.Language) {
			b.add(fmt.Sprintf("%q is no language", x.Language), "write for example de", "notices", "texts", at, "language")
			continue
		}
		s := notice.Source{Subject: x.Subject, Text: x.Text}
		wrong := t.Notices.Lint(notice.Kind(x.Kind), x.Language, s)
		for _, w := range wrong {
			b.add("the text "+strconv.Quote(x.Kind)+": "+w, "", "notices", "texts", at)
		}
		if len(wrong) > 0 {
			continue
		}
		if made, err := t.Notices.With(notice.Kind(x.Kind), x.Language, s); err == nil {
			t.Notices = made
		}
	}
	for i, l := range t.Languages {
		if !languageTag(l) {
			b.add(fmt.Sprintf("%q is no language", l), "write for example de", "notices", "languages", strconv.Itoa(i))
		}
	}
}

// languageTag reports whether s is one as texts are called: "de", "pt-br".
func languageTag(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c != '-' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 12 && !strings.Contains(s, "--")
}
