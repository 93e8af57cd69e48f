package public

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern.dev/postern/internal/quarantine"
)

func braces(s string) []string {
	list := regexp.MustCompile(`\{[a-z]+\}`).FindAllString(s, -1)
	slices.Sort(list)
	return list
}

func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	all := mustSpeeches()
	en := all[0]
	for _, l := range all[1:] {
		for key, text := range en.words {
			other, found := l.words[key]
			if !found {
				t.Errorf("%s lacks %s", l.name, key)
				continue
			}
			if fmt.Sprint(braces(text)) != fmt.Sprint(braces(other)) {
				t.Errorf("%s: %s has %v, not %v", l.name, key, braces(other), braces(text))
			}
		}
		for key := range l.words {
			if _, found := en.words[key]; !found {
				t.Errorf("%s has %s, which English lacks", l.name, key)
			}
		}
		for _, key := range []string{"weekdays", "months"} {
			if len(strings.Fields(l.words[key])) != len(strings.Fields(en.words[key])) {
				t.Errorf("%s: %s", l.name, key)
			}
		}
	}
}

// TestEveryTextThatIsAskedForIsThere reads the names out of templates and code.
func TestEveryTextThatIsAskedForIsThere(t *testing.T) {
	files, err := filepath.Glob("templates/*.html")
	must(t, err)
	code, err := filepath.Glob("*.go")
	must(t, err)
	en := mustSpeeches()[0]
	used := map[string]bool{}
	for _, name := range append(files, code...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		must(t, err)
		for _, m := range regexp.MustCompile(`\.T "([a-z_-]+)"|\b(?:say|many|door|page|answer|fault)\([^"\n]*"([a-z]+_[a-z_-]+)"|text: "([a-z_]+)"|"((?:note|said|is|title|door|fault)_[a-z_]+)"`).
			FindAllStringSubmatch(string(text), -1) {
			for _, key := range m[1:] {
				if key != "" {
					used[key] = true
				}
			}
		}
	}
	for key := range used {
		if !en.has(key) && !en.has(key+"_n") && !strings.HasSuffix(key, "_") {
			t.Errorf("no text %q", key)
		}
	}
	for _, a := range acts() {
		if !en.has("did_" + string(a)) {
			t.Errorf("nothing is said after %s", a)
		}
	}
	for _, why := range []quarantine.Why{
		quarantine.NotIdentified, quarantine.NotYours, quarantine.OwnMail, quarantine.OverAlready, quarantine.SaidAlready,
		quarantine.IsPinned, quarantine.NeedsRight, quarantine.NeedsReason, quarantine.NotPossible, quarantine.WasAltered,
	} {
		if !en.has("no_" + string(why)) {
			t.Errorf("nothing is said of %s", why)
		}
	}
	for _, how := range []quarantine.How{
		quarantine.Released, quarantine.Sent, quarantine.Rejected, quarantine.Expired, quarantine.TimedOut, quarantine.Cancelled, quarantine.Removed,
	} {
		if !en.has("is_" + string(how)) {
			t.Errorf("nothing is said of %s", how)
		}
	}
}

func TestThePagesSpeakFourLanguages(t *testing.T) {
	x := newHouse(t)
	x.hold("m1", nil)
	b := x.known(x.link("m1", boss), boss)
	for language, want := range map[string]string{
		"de": "Darf diese Mail hinaus?", "fr": "Ce message peut-il partir ?", "nl": "Mag deze mail weg?", "en": "May this mail leave?",
	} {
		b.get(b.at, "Accept-Language", language).sees(want)
		if !strings.Contains(b.page, `<html lang="`+language+`">`) || strings.Contains(b.page, "[") && strings.Contains(b.page, "_") && regexp.MustCompile(`\[[a-z]+_[a-z]+\]`).MatchString(b.page) {
			t.Errorf("%s: %s", language, b.page)
		}
	}
	tenant := x.site.Tenant("contoso")
	tenant.Languages = []string{"xx", "nl"}
	b.get(b.at).sees("Mag deze mail weg?")
}

// palette reads the custom properties of one block of the style sheet.
func palette(block string) map[string]string {
	colors := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{6});`).FindAllStringSubmatch(block, -1) {
		colors[m[1]] = m[2]
	}
	return colors
}

// luminance is that of WCAG 2.2.
func luminance(color string) float64 {
	n, _ := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 32)
	linear := func(v uint64) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}

func TestContrastIsEnoughInBothThemes(t *testing.T) {
	css := string(style)
	light, rest, _ := strings.Cut(css, "@media (prefers-color-scheme: dark)")
	dark, _, _ := strings.Cut(rest, "\n}\n")
	for theme, c := range map[string]map[string]string{"light": palette(light), "dark": palette(dark)} {
		for pair, least := range map[string]float64{
			"ink ground": 4.5, "ink raised": 4.5, "soft ground": 4.5, "soft raised": 4.5, "link ground": 4.5, "link raised": 4.5,
			"on-link link": 4.5, "on-good good": 4.5, "good ground": 4.5, "bad ground": 4.5, "warn ground": 4.5, "good good-ground": 4.5,
			"bad bad-ground": 4.5, "warn warn-ground": 4.5, "mark mark-ground": 4.5, "edge ground": 3, "edge raised": 3,
		} {
			front, back, _ := strings.Cut(pair, " ")
			a, b := luminance(c[front]), luminance(c[back])
			if got := (max(a, b) + 0.05) / (min(a, b) + 0.05); c[front] == "" || c[back] == "" || got < least {
				t.Errorf("%s: %s is %.2f, want %.1f", theme, pair, got, least)
			}
		}
	}
	if m := regexp.MustCompile(`(?i)url\(|@import|//[a-z]`).FindString(css); m != "" {
		t.Errorf("the style sheet has %q", m)
	}
}
