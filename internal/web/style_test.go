package web

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// palette reads the custom properties of one block of the style sheet.
func palette(t *testing.T, block string) map[string]string {
	t.Helper()
	colors := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{6});`).FindAllStringSubmatch(block, -1) {
		colors[m[1]] = m[2]
	}
	if len(colors) < 15 {
		t.Fatalf("only %d colors found", len(colors))
	}
	return colors
}

// luminance and contrast are those of WCAG 2.2.
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 32)
	if err != nil {
		t.Fatalf("color %q", color)
	}
	linear := func(v uint64) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestContrastIsEnoughInBothThemes(t *testing.T) {
	if got := contrast(t, "#ffffff", "#000000"); math.Abs(got-21) > 0.01 {
		t.Fatalf("white on black is %.2f", got)
	}
	css := string(style)
	light, rest, ok := strings.Cut(css, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no dark theme")
	}
	dark, _, _ := strings.Cut(rest, "\n}\n")
	type pair struct {
		front, back string
		least       float64
	}
	var pairs []pair
	for _, back := range []string{"ground", "raised"} {
		for _, front := range []string{"ink", "soft", "link", "good", "warn", "bad", "busy"} {
			pairs = append(pairs, pair{front, back, 4.5})
		}
		pairs = append(pairs, pair{"edge", back, 3}) // the border of a field, WCAG 2.2 1.4.11
	}
	for _, tone := range []string{"good", "warn", "bad", "busy", "mark"} {
		pairs = append(pairs, pair{tone, tone + "-ground", 4.5})
	}
	pairs = append(pairs, pair{"on-link", "link", 4.5}, pair{"ink", "bad-ground", 4.5})
	for theme, colors := range map[string]map[string]string{"light": palette(t, light), "dark": palette(t, dark)} {
		for _, p := range pairs {
			if got := contrast(t, colors[p.front], colors[p.back]); got < p.least {
				t.Errorf("%s: %s on %s is %.2f, want %.1f", theme, p.front, p.back, got, p.least)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^.*(#[0-9a-fA-F]{3,8}|rgb|hsl).*$`).FindAllString(css, -1) {
		if !strings.Contains(m, "--") {
			t.Errorf("a color outside the palette, which nothing checks: %s", m)
		}
	}
}

func TestStyleSheetReachesNothingElse(t *testing.T) {
	if m := regexp.MustCompile(`(?i)url\(|@import|expression|//[a-z]`).FindString(string(style)); m != "" {
		t.Errorf("the style sheet has %q", m)
	}
}

func TestPagesCanBeUsedByEverybody(t *testing.T) {
	pages := map[string]string{}
	inBubble(t, three, func(h *house) {
		pages = map[string]string{
			"list": h.page("/", 200), "message": h.page("/m/K7TQ-0024", 200), "why": h.page("/m/K7TQ-0024/why", 200),
			"why not": h.page("/m/K7TQ-0024/why?rule=iban", 200), "mistake": h.page("/?q=form:x", 400),
			"not found": h.page("/m/none", 404),
		}
		h.cookie = nil
		pages["locked"] = h.page("/", 401)
	})
	inHeldBubble(t, func(h *house) {
		for name, target := range map[string]string{
			"held mail": "/held", "held mail that is over": "/held?state=over", "a held message": "/held/" + heldID,
			"a decision": "/held/" + heldID + "/reject", "handing on": "/held/" + heldID + "/hand-on", "many": "/held/bulk/new?do=approve",
			"decisions about many": "/held/bulk",
		} {
			pages[name] = h.page(target, 200)
		}
		pages["a filter that is none"] = h.page("/held?sender=x", 400)
	})
	for name, text := range pages {
		t.Run(name, func(t *testing.T) {
			for what, pattern := range map[string]string{
				"a language": `<html lang="en">`, "a title": `<title>[^<]+ · Postern</title>`, "a main": `<main id="main"`,
				"a way past the bar": `<body>\s*<a class="skip" href="#main">`, "a banner": `<header`, "a foot": `<footer`,
				"a viewport that may be enlarged": `content="width=device-width, initial-scale=1"`, "a first heading": `<h1`,
			} {
				if n := len(regexp.MustCompile(pattern).FindAllString(text, -1)); n != 1 {
					t.Errorf("%d times %s", n, what)
				}
			}
			checkLabels(t, text)
			checkTables(t, text)
		})
	}
}

// checkLabels: every field has a label, every picture is one that is not
// read out, every id stands once, every reference has its id.
func checkLabels(t *testing.T, text string) {
	t.Helper()
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		ids[m[1]]++
		if ids[m[1]] > 1 {
			t.Errorf("id %s stands twice", m[1])
		}
	}
	reference := regexp.MustCompile(` (?:for|aria-labelledby|aria-describedby)="([^"]+)"`)
	for _, m := range reference.FindAllStringSubmatch(text, -1) {
		if ids[m[1]] == 0 {
			t.Errorf("there is no id %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`<input id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(text, fmt.Sprintf(`<label for=%q>`, m[1])) {
			t.Errorf("field %s has no label", m[1])
		}
	}
	if n := strings.Count(text, "<svg"); n != strings.Count(text, `aria-hidden="true" focusable="false"`) {
		t.Error("a picture is read out beside its word")
	}
	// A badge is never color alone.
	badge := regexp.MustCompile(`<(?:span|a) class="badge [^>]*>(?:<svg.*?</svg>)?([^<]*)<`)
	for _, m := range badge.FindAllStringSubmatch(text, -1) {
		if strings.TrimSpace(m[1]) == "" {
			t.Errorf("a badge without a word: %s", m[0])
		}
	}
	if strings.Contains(text, ` style="`) {
		t.Error("an inline style, which the content policy forbids")
	}
}

// checkTables: headers are headers, and every cell says which it belongs to
// where the table is shown as cards.
func checkTables(t *testing.T, text string) {
	t.Helper()
	for _, table := range regexp.MustCompile(`(?s)<table.*?</table>`).FindAllString(text, -1) {
		heads := strings.Count(table, `<th scope="col" role="columnheader"`)
		if heads == 0 || heads != strings.Count(table, "<th ") {
			t.Errorf("%d headers have a scope", heads)
		}
		rows := strings.Count(table, `<tr role="row">`) - 1
		cells := len(regexp.MustCompile(`<td role="cell"[^>]* data-label="[^"]+"`).FindAllString(table, -1))
		if cells != strings.Count(table, "<td") || cells != rows*heads {
			t.Errorf("%d labeled cells in %d rows of %d columns", cells, rows, heads)
		}
	}
}
