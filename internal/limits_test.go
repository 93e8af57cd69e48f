package house_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// limit is a row of docs/reference/limits.md. Its value is read from the
// code: of is "room.constant" or a key of the configuration, or a value as it
// stands when neither is there.
type limit struct {
	what, of, hit, tests string
}

// limits are all limits of the product. A constant that bounds something, or
// a setting that does, without a row here fails the test; so does a row whose
// test is gone.
func limits() []struct {
	title, text string
	rows        []limit
} {
	type section = struct {
		title, text string
		rows        []limit
	}
	return []section{
		{"Connections and commands", "What a client meets. The replies: [replies](replies.md).", receiveLimits()},
		{"Header and MIME", "What is not read is in the record and in the facts as `unseen` with a reason, and the " +
			"tenant's gate for that reason decides ([what fail open costs](../explanation/what-fail-open-costs.md)).", mailLimits()},
		{"Looking into a message", "The process that looks is killed when it uses more than it may; the step that " +
			"did is left out of the next attempt, and said.", lookLimits()},
		{"Documents of Office before 2007", "In the process that looks.", officeLimits()},
		{"Pictures", "Only where `ocr.program` is set.", pictureLimits()},
		{"PDF documents", "A document that meets one is read up to there, and the cause is said.", pdfLimits()},
		{"Archives and office documents", "Files in others are counted above; these bound the container itself.", packedLimits()},
		{"Sender authentication", "What could not be verified never passes.", authLimits()},
		{"Policies, dictionaries and tenants", "A file over a limit is a mistake that `postern check` names; the last good files stay in force.", policyLimits()},
		{"Directories and earlier contact", "A directory file over a limit is broken: the last good one stays in force, and P120 is logged.", directoryLimits()},
		{"Handing on", "Towards the next hop.", deliverLimits()},
		{"Custody, queue and store", "", queueLimits()},
		{"Reports, notices and journal reports", "", reportLimits()},
		{"Records and search", "", recordLimits()},
		{"What is kept for drafts", "", pastLimits()},
		{"Held mail", "", heldLimits()},
		{"Keys", "", vaultLimits()},
		{"Console and API", "", webLimits()},
		{"Pages for people", "The `public` listener.", publicLimits()},
		{"Inner bounds", "They bound memory; nothing is lost or left out of what is looked at.", innerLimits()},
	}
}

func limitsPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString(`# Limits

Every limit of Postern: its value, the setting that changes it, what happens when it is hit, and the test that shows
it. A limit without a setting is a constant of the code. What is not taken is answered with a reply, what is not looked
at is in the record with its cause, what is not kept is counted; the one exception is the recipients of a copy
([what we promise](../explanation/what-we-promise.md)).

`)
	values := limitValues(t)
	keys := map[string]bool{}
	for _, k := range keysThatBound(t) {
		keys[k.key] = true
	}
	for _, s := range limits() {
		fmt.Fprintf(&b, "## %s\n\n", s.title)
		if s.text != "" {
			b.WriteString(s.text + "\n\n")
		}
		b.WriteString("| Limit | Value | Setting | When it is hit | Shown by |\n|---|---|---|---|---|\n")
		for _, r := range s.rows {
			value, setting := r.of, ""
			if v, found := values[r.of]; found {
				value = v
			}
			if keys[r.of] {
				setting = "`" + r.of + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", plain(r.what), plain(value), setting, plain(r.hit), named(r.tests))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// constantName is "room.constant"; keys of the configuration have underscores.
var constantName = regexp.MustCompile(`^[a-z/]+\.[a-zA-Z]*[A-Z][a-zA-Z]*$`)

// named puts the names of tests and stories into backticks.
func named(tests string) string {
	var list []string
	for _, name := range strings.Fields(tests) {
		list = append(list, "`"+name+"`")
	}
	return strings.Join(list, ", ")
}

// limitValues are the constants of the rooms and the defaults of the settings.
func limitValues(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		for name, e := range constants(f.ast) {
			values[f.pkg+"."+name] = figure(e)
		}
	}
	for _, s := range keysThatBound(t) {
		values[s.key] = s.fallback
	}
	return values
}

// constants lists the constants of a file's top level.
func constants(f *ast.File) map[string]ast.Expr {
	list := map[string]ast.Expr{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, name := range v.Names {
				if i < len(v.Values) {
					list[name.Name] = v.Values[i]
				}
			}
		}
	}
	return list
}

// figure writes a constant as a person does: 1 MiB, 30 days, 10,000.
func figure(e ast.Expr) string {
	n, span := number(e)
	switch {
	case n < 0:
		return exprString(e)
	case span:
		return timeSpan(time.Duration(n))
	}
	shifted, ok := e.(*ast.BinaryExpr)
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if size := int64(1) << (10 * (i + 1)); ok && shifted.Op == token.SHL && n >= size && n < size<<10 && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + " " + unit
		}
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func timeSpan(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "days"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if d >= unit.of && d%unit.of == 0 && (unit.name != "days" || d > unit.of) {
			return fmt.Sprintf("%d %s", d/unit.of, unit.name)
		}
	}
	return d.String()
}

// number computes a constant of integers and spans; -1 when it is neither.
func number(e ast.Expr) (n int64, span bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if n, err := strconv.ParseInt(strings.ReplaceAll(e.Value, "_", ""), 0, 64); err == nil && e.Kind == token.INT {
			return n, false
		}
	case *ast.SelectorExpr:
		units := map[string]time.Duration{"time.Hour": time.Hour, "time.Minute": time.Minute, "time.Second": time.Second, "time.Millisecond": time.Millisecond}
		if u, ok := units[exprString(e)]; ok {
			return int64(u), true
		}
	case *ast.BinaryExpr:
		x, spanX := number(e.X)
		y, spanY := number(e.Y)
		switch {
		case x < 0 || y < 0:
		case e.Op == token.MUL:
			return x * y, spanX || spanY
		case e.Op == token.SHL:
			return x << y, false
		case e.Op == token.ADD:
			return x + y, spanX || spanY
		}
	}
	return -1, false
}

func TestEveryLimitHasARowAndEveryRowATest(t *testing.T) {
	values := limitValues(t)
	rows := map[string]bool{}
	for _, s := range limits() {
		for _, r := range s.rows {
			rows[r.of] = true
			if _, found := values[r.of]; !found && (constantName.MatchString(r.of) || strings.Contains(r.of, "_")) {
				t.Errorf("%s: there is no %s", r.what, r.of)
			}
			if r.tests == "" || r.hit == "" {
				t.Errorf("%s: nothing shows what happens", r.what)
			}
			for _, name := range strings.Fields(r.tests) {
				if !regexp.MustCompile(`^((Test|Fuzz)[A-Z]\w{3,}|[a-z0-9-]+\.txtar)$`).MatchString(name) {
					t.Errorf("%s: %q is neither a test nor a story", r.what, name)
				}
			}
		}
	}
	bound := regexp.MustCompile(`\.((max|Max|most|keep)[A-Z]\w*)$`)
	for name := range values {
		if bound.MatchString(name) && !strings.HasPrefix(name, "fakeexchange.") && !rows[name] {
			t.Errorf("%s bounds something and has no row in internal/limits_test.go", name)
		}
	}
	for _, s := range keysThatBound(t) {
		if !rows[s.key] {
			t.Errorf("the setting %s bounds something and has no row in internal/limits_test.go", s.key)
		}
	}
}

// keysThatBound are the settings that are numbers, sizes and spans of time.
func keysThatBound(t *testing.T) (list []setting) {
	for _, s := range append(settingsOf(t, "app", "Config", ""), settingsOf(t, "tenant", "Config", "")...) {
		if slices.Contains([]string{"number", "size", "time span"}, s.kind) || s.key == "retry.schedule" {
			list = append(list, s)
		}
	}
	return list
}
