package policy

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"postern.dev/postern/internal/mail"
)

// errUnknown is the answer "cannot know". In CEL an error does not survive a
// definite other side (false && unknown is false, true || unknown is true),
// which is exactly the three-valued logic that is needed.
var errUnknown = errors.New("cannot be known")

func unknownValue(what string) ref.Val {
	return types.WrapErr(fmt.Errorf("%s %w", what, errUnknown))
}

// The names of the object types in error messages.
const (
	typeParty      = "address"
	typeFindings   = "findings"
	typeCounts     = "counts"
	typeLabel      = "label"
	typeAttachment = "attachment"
	typeUnseen     = "unseen"
	typeTLS        = "tls"
)

// field is one field of an object type: its type and how to read it from the
// Go value.
type field struct {
	typ *types.Type
	get func(v any) ref.Val
}

// objectTypes are the object types that do not depend on a set.
func objectTypes() map[string]map[string]field {
	str := func(get func(any) string) field {
		return field{types.StringType, func(v any) ref.Val { return types.String(get(v)) }}
	}
	flag := func(get func(any) bool) field {
		return field{types.BoolType, func(v any) ref.Val { return types.Bool(get(v)) }}
	}
	num := func(get func(any) int64) field {
		return field{types.IntType, func(v any) ref.Val { return types.Int(get(v)) }}
	}
	return map[string]map[string]field{
		typeParty: {
			"address": str(func(v any) string { return v.(Party).Address.Fold() }),
			"domain":  str(func(v any) string { return domainForm(v.(Party).Address.Domain()) }),
			"local":   str(func(v any) string { return strings.ToLower(v.(Party).Address.Local()) }),
			"inside":  flag(func(v any) bool { return v.(Party).Inside }),
			"outside": flag(func(v any) bool { return !v.(Party).Inside }),
		},
		typeCounts: {
			"high":   num(func(v any) int64 { return v.(counts).high }),
			"medium": num(func(v any) int64 { return v.(counts).medium }),
			"low":    num(func(v any) int64 { return v.(counts).low }),
			"total":  num(func(v any) int64 { return v.(counts).low }),
		},
		typeLabel: {
			"scheme": str(func(v any) string { return v.(Label).Scheme }),
			"id":     str(func(v any) string { return v.(Label).ID }),
			"site":   str(func(v any) string { return v.(Label).Site }),
			"name":   str(func(v any) string { return v.(Label).Name }),
			"part":   str(func(v any) string { return v.(Label).Part }),
		},
		typeAttachment: {
			"name":      str(func(v any) string { return v.(Attachment).Name }),
			"type":      str(func(v any) string { return strings.ToLower(v.(Attachment).Type) }),
			"size":      num(func(v any) int64 { return v.(Attachment).Size }),
			"extension": str(func(v any) string { return v.(Attachment).extension() }),
			"encrypted": flag(func(v any) bool { return v.(Attachment).Encrypted }),
		},
		typeUnseen: {
			"part":   str(func(v any) string { return v.(mail.Unseen).Part }),
			"name":   str(func(v any) string { return v.(mail.Unseen).Name }),
			"reason": str(func(v any) string { return string(v.(mail.Unseen).Reason) }),
		},
		typeTLS: {
			"used":     flag(func(v any) bool { return v.(TLS).Used }),
			"version":  str(func(v any) string { return v.(TLS).Version }),
			"verified": flag(func(v any) bool { return v.(TLS).Verified }),
			"name":     str(func(v any) string { return v.(TLS).Name }),
		},
	}
}

// counts are how many of a type were found with at least this confidence.
type counts struct{ low, medium, high int64 }

// add counts n with exactly this confidence. A confidence that is not known
// counts as high: a mistake must not make a rule weaker.
func (c *counts) add(n int, confidence string) {
	c.low += int64(n)
	if confidence == "low" {
		return
	}
	c.medium += int64(n)
	if confidence != "medium" {
		c.high += int64(n)
	}
}

// object is a Go value seen by CEL.
type object struct {
	name string
	v    any
}

func (o object) ConvertToNative(t reflect.Type) (any, error) {
	if reflect.TypeOf(o.v).AssignableTo(t) {
		return o.v, nil
	}
	return nil, fmt.Errorf("policy: %s is not a %v", o.name, t)
}

func (o object) ConvertToType(t ref.Type) ref.Val {
	if t.TypeName() == o.name {
		return o
	}
	return types.NewErr("%s cannot become %s", o.name, t.TypeName())
}

func (o object) Equal(other ref.Val) ref.Val {
	p, ok := other.(object)
	return types.Bool(ok && o.name == p.name && reflect.DeepEqual(o.v, p.v))
}

func (o object) Type() ref.Type { return types.NewObjectType(o.name) }
func (o object) Value() any     { return o.v }

func objects[T any](name string, list []T) ref.Val {
	vals := make([]ref.Val, len(list))
	for i, v := range list {
		vals[i] = object{name, v}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals)
}

// provider tells CEL's checker which object types and fields exist.
type provider struct {
	*types.Registry
	objects map[string]map[string]field
}

func newProvider(detectors []string) (*provider, error) {
	reg, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	p := &provider{Registry: reg, objects: objectTypes()}
	p.objects[typeFindings] = map[string]field{}
	for _, d := range detectors {
		p.objects[typeFindings][d] = field{types.NewObjectType(typeCounts), func(v any) ref.Val {
			return v.(*moment).counts(d)
		}}
	}
	return p, nil
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.objects[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	fields, ok := p.objects[name]
	if !ok {
		return p.Registry.FindStructFieldNames(name)
	}
	names := make([]string, 0, len(fields))
	for f := range fields {
		names = append(names, f)
	}
	return names, true
}

func (p *provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	fields, ok := p.objects[name]
	if !ok {
		return p.Registry.FindStructFieldType(name, fieldName)
	}
	f, ok := fields[fieldName]
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type:  f.typ,
		IsSet: func(any) bool { return true },
		GetFrom: func(v any) (any, error) {
			val := f.get(v)
			if e, bad := val.(*types.Err); bad {
				return nil, e
			}
			return val, nil
		},
	}, true
}

func (p *provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if _, ok := p.objects[name]; ok {
		return types.NewErr("a condition cannot make a new %s", name)
	}
	return p.Registry.NewValue(name, fields)
}

// moment is one evaluation: the facts and the recipient for whom they are
// evaluated. It is the activation of CEL.
type moment struct {
	facts     *Facts
	unknown   map[string]bool
	found     map[string]counts
	looked    map[string]bool // nil: for everything
	cache     map[string]ref.Val
	recipient ref.Val
}

func newMoment(f *Facts, profiles ...Profile) *moment {
	m := &moment{
		facts: f, unknown: map[string]bool{}, found: map[string]counts{},
		cache: map[string]ref.Val{}, recipient: unknownValue("recipient"),
	}
	for _, k := range f.Unknown {
		m.unknown[k] = true
	}
	for _, one := range f.Findings {
		for _, name := range names(one) {
			c := m.found[name]
			c.add(one.Count, one.Confidence)
			m.found[name] = c
		}
	}
	if f.Detectors != nil {
		m.looked = map[string]bool{}
		for _, d := range f.Detectors {
			m.looked[celName(d)] = true
		}
	}
	for _, p := range profiles {
		p.count(m)
	}
	return m
}

// names are the names under which a finding counts: its type and, when it is
// another one, its detector.
func names(f Finding) []string {
	a, b := celName(f.Type), celName(f.Detector)
	switch {
	case a == b || b == "":
		return []string{a}
	case a == "":
		return []string{b}
	}
	return []string{a, b}
}

// celName turns CREDIT_CARD and credit-card into credit_card.
func celName(id string) string {
	return strings.ReplaceAll(strings.ToLower(id), "-", "_")
}

func (m *moment) counts(name string) ref.Val {
	c, found := m.found[name]
	if !found && (m.unknown["findings"] || m.unknown["detectors"] || (m.looked != nil && !m.looked[name])) {
		return unknownValue("findings." + name)
	}
	return object{typeCounts, c}
}

// ResolveName gives a variable of a condition.
func (m *moment) ResolveName(name string) (any, bool) {
	switch name {
	case "recipient":
		return m.recipient, true
	case varFacts:
		return object{typeFindings, m}, true
	}
	if v, ok := m.cache[name]; ok {
		return v, true
	}
	for _, v := range variables() {
		if v.name != name {
			continue
		}
		val := unknownValue(name)
		if !m.unknown[v.key] {
			val = v.get(m)
		}
		m.cache[name] = val
		return val, true
	}
	return nil, false
}

// Parent is part of CEL's interface.
func (m *moment) Parent() activation { return nil }

func (m *moment) header(name string) ref.Val {
	values, looked := m.facts.Headers[strings.ToLower(name)]
	if !looked {
		return unknownValue("header " + name)
	}
	return types.NewStringList(types.DefaultTypeAdapter, values)
}

func (m *moment) firstHeader(name string) ref.Val {
	values, looked := m.facts.Headers[strings.ToLower(name)]
	switch {
	case !looked:
		return unknownValue("header " + name)
	case len(values) == 0:
		return types.String("")
	}
	return types.String(values[0])
}

// variable is a name that a condition may use, besides recipient.
type variable struct {
	name string
	key  string // the key of Facts; when that is unknown, so is the variable
	typ  *types.Type
	get  func(m *moment) ref.Val
	doc  string
}

func variables() []variable {
	obj := types.NewObjectType
	list := func(name string) *types.Type { return types.NewListType(obj(name)) }
	text := func(get func(f *Facts) string) func(m *moment) ref.Val {
		return func(m *moment) ref.Val { return types.String(get(m.facts)) }
	}
	flag := func(get func(f *Facts) bool) func(m *moment) ref.Val {
		return func(m *moment) ref.Val { return types.Bool(get(m.facts)) }
	}
	num := func(get func(f *Facts) int64) func(m *moment) ref.Val {
		return func(m *moment) ref.Val { return types.Int(get(m.facts)) }
	}
	s, b, n := types.StringType, types.BoolType, types.IntType
	return []variable{
		{"direction", "direction", s, text(func(f *Facts) string { return string(f.Direction) }),
			"outbound, inbound or internal"},
		{"tenant", "tenant", s, text(func(f *Facts) string { return f.Tenant }), "the tenant's id"},
		{"kind", "kind", s, text(func(f *Facts) string { return f.Kind }), "the kind of arrival"},
		{"monitor", "monitor", b, flag(func(f *Facts) bool { return f.Monitor }), "the message is only watched"},
		{"sender", "sender", obj(typeParty), func(m *moment) ref.Val { return object{typeParty, m.facts.Sender} },
			"the sender of the envelope"},
		{"from", "from", list(typeParty), func(m *moment) ref.Val { return objects(typeParty, m.facts.From) },
			"the authors in the header"},
		{"recipients", "recipients", list(typeParty), func(m *moment) ref.Val {
			return objects(typeParty, m.facts.Recipients)
		}, "all recipients of the envelope"},
		{"subject", "subject", s, text(func(f *Facts) string { return f.Subject }), "the subject, decoded"},
		{"size", "size", n, num(func(f *Facts) int64 { return f.Size }), "octets of the message"},
		{"automatic", "automatic", b, flag(func(f *Facts) bool { return f.Automatic }), "a machine sent it"},
		{"null_sender", "null_sender", b, flag(func(f *Facts) bool { return f.NullSender }), "the sender is <>"},
		{"calendar", "calendar", b, flag(func(f *Facts) bool { return f.Calendar }), "a meeting message"},
		{"ooo", "ooo", b, flag(func(f *Facts) bool { return f.OOO }), "an out-of-office reply"},
		{"findings", "", obj(typeFindings), func(m *moment) ref.Val { return object{typeFindings, m} },
			"what was found: findings.<detector>.high, .medium, .low or .total, each counting this confidence or better"},
		{"labels", "labels", list(typeLabel), func(m *moment) ref.Val { return objects(typeLabel, m.facts.Labels) },
			"sensitivity labels"},
		{"attachments", "attachments", list(typeAttachment), func(m *moment) ref.Val {
			return objects(typeAttachment, m.facts.Attachments)
		}, "the files"},
		{"unseen", "unseen", list(typeUnseen), func(m *moment) ref.Val { return objects(typeUnseen, m.facts.Unseen) },
			"what was not looked at"},
		{"inspected", "inspected", s, text((*Facts).inspected), "full, partial or none"},
		{"tls", "tls", obj(typeTLS), func(m *moment) ref.Val { return object{typeTLS, m.facts.TLS} },
			"what the arriving connection proved"},
		{"passes", "passes", n, num(func(f *Facts) int64 { return int64(f.Passes) }), "how often it came by before"},
		{"deferrals", "deferrals", n, num(func(f *Facts) int64 { return int64(f.Deferrals) }), "how often it was deferred"},
		{"now", "now", types.TimestampType, func(m *moment) ref.Val {
			return types.Timestamp{Time: m.facts.Now.UTC().Round(time.Millisecond)}
		}, "when it was judged"},
	}
}
