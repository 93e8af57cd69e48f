package app

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/disguise"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// MadeCase is a test that was made out of a message.
type MadeCase struct {
	// Archive is the test in the form of policy.ReadArchive.
	Archive []byte `json:"-"`
	// Name is a name for its file: the policy that decided, or the action.
	Name     string         `json:"name"`
	Replaced map[string]int `json:"replaced"`
	StandIns []string       `json:"stand_ins,omitempty"`
	Weak     []string       `json:"weak,omitempty"`
	Kept     []string       `json:"kept,omitempty"`
	// Recipients are what is expected.
	Recipients []ExpectedRecipient `json:"recipients"`
	// Deferred says why the message is deferred: mostly something that a test
	// must say, because a file does not.
	Deferred []string `json:"deferred,omitempty"`
}

// ExpectedRecipient is what a made test expects of one recipient.
type ExpectedRecipient struct {
	Address mail.Address  `json:"address"`
	Action  policy.Action `json:"action"`
}

// ErrOtherVerdict says that a message with fakes in it gets another verdict.
var ErrOtherVerdict = errors.New("the message with fakes in it gets another verdict; nothing is written")

// MakeCase makes a test out of a message: nothing that was found in it is
// left, and its verdict is that of the message.
func (b *Bench) MakeCase(ctx context.Context, t *tenant.Tenant, body mail.Body) (*MadeCase, error) {
	before := b.Inspect(ctx, t, body)
	if len(before.Facts.Recipients) == 0 {
		return nil, errors.New("the message names no recipient in its header")
	}
	var seed [16]byte
	crand.Read(seed[:]) // never fails
	catalogue := gateway.CatalogueOf(b.state.set)
	catalogue.Regions = t.Looking.Regions
	named := namedBy(b.state.set)
	made, err := disguise.Message(body, disguise.Options{
		Detectors: look.Detectors(catalogue), Own: ownTypes(b.state.set), Inside: t.Owns, Keep: named.address, KeepDomain: named.domain,
		Fields: b.state.set.Headers(),
		Random: rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:]))),
	})
	if err != nil {
		return nil, err
	}
	c := &MadeCase{Replaced: made.Replaced, StandIns: made.StandIns, Weak: made.Weak, Kept: made.Kept}
	after := b.Inspect(ctx, t, mail.Bytes(made.Octets))
	if why := otherVerdict(before, after); why != "" {
		if len(made.StandIns) > 0 {
			why += "; of " + strings.Join(made.StandIns, ", ") + " only the text is there"
		}
		return nil, fmt.Errorf("%w: %s", ErrOtherVerdict, why)
	}
	for _, r := range after.Verdict.Recipients {
		does := r.Action
		if after.Verdict.Defer {
			does = "defer"
		}
		c.Recipients = append(c.Recipients, ExpectedRecipient{r.Address, does})
	}
	if after.Verdict.Defer {
		c.Deferred = closedBy(after.Verdict, after.Verdict.Recipients[0])
	}
	c.write(made.Octets, before, after, b.state.tenants.Find(t.ID) != nil, named.now)
	return c, b.checkCase(ctx, c)
}

// otherVerdict says in what two verdicts differ.
func otherVerdict(before, after gateway.Inspection) string {
	a, b := before.Verdict, after.Verdict
	if len(a.Recipients) != len(b.Recipients) {
		return fmt.Sprintf("it has %d recipients instead of %d", len(b.Recipients), len(a.Recipients))
	}
	if a.Defer != b.Defer {
		return "one is deferred, the other is not"
	}
	for i, x := range a.Recipients {
		y := b.Recipients[i]
		if x.Action != y.Action || !slices.Equal(x.Rules, y.Rules) {
			return fmt.Sprintf("recipient %d gets %s by %s instead of %s by %s", i+1, y.Action, ruleWords(y.Rules), x.Action, ruleWords(x.Rules))
		}
	}
	return ""
}

func ruleWords(rules []string) string {
	if len(rules) == 0 {
		return "no policy"
	}
	return strings.Join(rules, ", ")
}

// write puts the archive together.
func (c *MadeCase) write(message []byte, before, after gateway.Inspection, configured, asksTime bool) {
	strict := after.Verdict.Recipients[0]
	var list []string
	for _, r := range after.Verdict.Recipients {
		if r.Action.Strength() > strict.Action.Strength() {
			strict = r
		}
		list = append(list, fmt.Sprintf("%s: %s", strconv.Quote(r.Address.Fold()), r.Action))
	}
	c.Name = string(strict.Action)
	if len(strict.Rules) > 0 {
		c.Name = strings.ReplaceAll(strict.Rules[0], "/", "-") // of an exception
	}
	if after.Verdict.Defer {
		c.Name = "defer"
	}
	var b bytes.Buffer
	b.WriteString("Made out of a message by postern policy case: its numbers, names and addresses are nobody's.\n-- message.eml --\n")
	b.Write(bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n")))
	if !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
		b.WriteByte('\n')
	}
	b.WriteString("-- expect.yaml --\n- mail: message.eml\n")
	if configured {
		fmt.Fprintf(&b, "  tenant: %s\n", strconv.Quote(after.Facts.Tenant))
	}
	fmt.Fprintf(&b, "  direction: %s\n", after.Facts.Direction)
	if after.Verdict.Defer {
		b.WriteString("  expect: defer\n")
	} else {
		fmt.Fprintf(&b, "  recipients: { %s }\n", strings.Join(list, ", "))
		fmt.Fprintf(&b, "  rules: [%s]\n", strings.Join(strict.Rules, ", "))
	}
	if asksTime {
		fmt.Fprintf(&b, "  now: %q\n", before.Facts.Now.UTC().Format(time.RFC3339))
	}
	c.Archive = b.Bytes()
}

// checkCase runs the test as postern policy test will.
func (b *Bench) checkCase(ctx context.Context, c *MadeCase) error {
	cases, err := policy.ReadArchive("made.txtar", c.Archive)
	if err != nil {
		return err
	}
	for _, e := range policy.Examine(b.state.set, os.DirFS("/"), factsOf(ctx, b.looker, b.state), cases...) {
		if e.Case.Policy != "" {
			continue // of the policies themselves
		}
		if r := e.Judge(b.state.set, b.state.gatesOf(e.Facts.Tenant)); !r.Pass {
			return fmt.Errorf("%w: as a test it gets %s instead of %s (%s)", ErrOtherVerdict, r.Got, r.Want, r.Because)
		}
	}
	return nil
}

// Save writes a made test into a folder under a name that is free.
func (c *MadeCase) Save(dir string) (string, error) {
	for n := 1; n < 1000; n++ {
		path := fmt.Sprintf("%s/%s-%d.txtar", strings.TrimSuffix(dir, "/"), c.Name, n)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(c.Archive)
		return path, errors.Join(err, f.Close())
	}
	return "", fmt.Errorf("%s holds a thousand tests called %s", dir, c.Name)
}

// ownTypes are the types that policies define by a pattern or a table.
func ownTypes(s *policy.Set) (types []string) {
	for _, d := range s.Detectors() {
		if d.Text != "" || d.Table != "" {
			types = append(types, d.Type())
		}
	}
	return types
}

// names are what the policies name themselves.
type names struct {
	set  *policy.Set
	text string // of all conditions, in lower case
	now  bool
}

func namedBy(s *policy.Set) names {
	n := names{set: s}
	for _, r := range s.Rules() {
		n.text += strings.ToLower(r.When + "\n" + r.Unless + "\n")
		n.now = n.now || asks(r.When, "now") || asks(r.Unless, "now")
		for _, b := range r.Branches {
			n.text += strings.ToLower(b.When + "\n")
			n.now = n.now || asks(b.When, "now")
		}
	}
	return n
}

// asks reports whether a condition names a fact.
func asks(condition, fact string) bool {
	e, err := policy.Syntax(condition)
	if err != nil {
		return false
	}
	var in func(e *policy.Expr) bool
	in = func(e *policy.Expr) bool {
		return e.Kind == policy.ExprName && e.Name == fact || slices.ContainsFunc(e.Args, in)
	}
	return in(e)
}

func (n names) address(a mail.Address) bool {
	if strings.Contains(n.text, `"`+a.Fold()+`"`) {
		return true
	}
	for _, l := range n.set.Lists() {
		for _, m := range l.Members {
			if strings.EqualFold(strings.TrimSpace(m), string(a)) {
				return true
			}
		}
	}
	return false
}

func (n names) domain(d string) bool {
	if strings.Contains(n.text, `"`+strings.ToLower(d)+`"`) {
		return true
	}
	return slices.ContainsFunc(n.set.Lists(), func(l *policy.List) bool { return l.Has(mail.Address("nobody-at-all@" + d)) })
}
