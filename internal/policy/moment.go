package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

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

func (o object) Type() ref.Type { return typesOnce()[o.name] }
func (o object) Value() any     { return o.v }

// typesOnce are the types of objects, made when one is first asked for.
var typesOnce = func() func() map[string]*types.Type {
	return sync.OnceValue(func() map[string]*types.Type {
		all := map[string]*types.Type{typeFindings: types.NewObjectType(typeFindings)}
		for name := range objectTypes() {
			all[name] = types.NewObjectType(name)
		}
		return all
	})
}()

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
			return v.(view).counts(d)
		}, ""}
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
	looked    map[string]bool // nil: for everything
	profiles  []Profile
	found     map[scope]map[string]counts
	whole     map[string]ref.Val // the counts of everything
	cache     map[string]ref.Val
	listed    map[membership]ref.Val
	recipient ref.Val
	strange   map[string]bool // detectors that were others then, or nobody
	subject   Subject         // whom the policy means by its sender
	evaluated int             // conditions, by CEL
	size      int8            // 0 not known, 1 usual, 2 large
}

func newMoment(f *Facts, profiles ...Profile) *moment {
	m := &moment{
		facts: f, unknown: map[string]bool{}, profiles: profiles, found: map[scope]map[string]counts{},
		whole: map[string]ref.Val{}, cache: map[string]ref.Val{}, listed: map[membership]ref.Val{}, recipient: unknownValue("recipient"),
	}
	for _, k := range f.Unknown {
		m.unknown[k] = true
	}
	if f.Detectors != nil {
		m.looked = map[string]bool{}
		for _, d := range f.Detectors {
			m.looked[celName(d)] = true
		}
	}
	for _, p := range profiles {
		p.looked(m.looked)
	}
	return m
}

// person is an address of a moment.
type person struct {
	*Party
	moment *moment
}

func (m *moment) person(name string, p Party) ref.Val { return object{name, person{&p, m}} }

// membership is an address and a list.
type membership struct {
	party *Party
	list  *List
}

// turn makes the moment that of a recipient.
func (m *moment) turn(p Party) {
	m.recipient = m.person(typeRecipient, p)
	if m.unknown["recipients"] {
		m.recipient = unknownValue("recipient")
	}
}

func (m *moment) people(name string, list []Party) ref.Val {
	all := make([]person, len(list))
	for i := range list {
		all[i] = person{&list[i], m}
	}
	return objects(name, all)
}

// outsideDomains counts the different domains of recipients outside.
func (m *moment) outsideDomains() int {
	seen := map[string]bool{}
	for _, p := range m.facts.Recipients {
		if !p.Inside {
			seen[domainForm(p.Address.Domain())] = true
		}
	}
	return len(seen)
}

// scope is a part of a message: all of it, its texts, or a file.
type scope struct {
	part string
	kept bool // false: nobody knows which part
	body bool
	all  bool
}

// everywhere and inBody are the scopes that are no files.
func everywhere() scope { return scope{all: true} }
func inBody() scope     { return scope{body: true, kept: true} }

// view is what was found in a scope.
type view struct {
	moment *moment
	scope  scope
}

func (m *moment) within(s scope) ref.Val { return object{typeFindings, view{m, s}} }

// inPart reports whether a part is another one, or lies inside it.
func inPart(part, outer string) bool {
	rest, ok := strings.CutPrefix(part, outer)
	return ok && (rest == "" || rest[0] == '.')
}

// holds reports whether a part belongs to the scope.
func (s scope) holds(part string, files []Attachment) bool {
	switch {
	case s.all:
		return true
	case !s.body:
		return inPart(part, s.part)
	}
	return part != "" && !slices.ContainsFunc(files, func(a Attachment) bool { return inPart(part, a.Part) })
}

// of counts by name what was found in a scope.
func (m *moment) of(s scope) map[string]counts {
	if f, ok := m.found[s]; ok {
		return f
	}
	found := map[string]counts{}
	for _, f := range m.facts.Findings {
		if !s.holds(f.Part, m.facts.Attachments) {
			continue
		}
		n := f.Count
		if !s.all {
			n = f.Here
		}
		for _, name := range names(f) {
			c := found[name]
			c.add(n, f.Confidence)
			found[name] = c
		}
	}
	for _, p := range m.profiles {
		p.count(found, m.facts, s)
	}
	m.found[s] = found
	return found
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

// counts are how many of a name were found there.
func (v view) counts(name string) ref.Val {
	m := v.moment
	if m.strange[name] || m.unknown["findings"] || m.unknown["detectors"] || m.looked != nil && !m.looked[name] && !v.seen(name) {
		return unknownValue("findings." + name)
	}
	if !v.scope.all && (!v.scope.kept || !m.facts.PerPart || m.unknown["per_part"] || m.unknown["attachments"]) {
		return unknownValue("findings." + name + " of a part")
	}
	if !v.scope.all {
		return object{typeCounts, m.of(v.scope)[name]}
	}
	n, ok := m.whole[name]
	if !ok {
		n = object{typeCounts, m.of(v.scope)[name]}
		m.whole[name] = n
	}
	return n
}

// seen reports whether something was found of a type of which nobody says
// that it was looked for: then all of it was. A profile needs more than one.
func (v view) seen(name string) bool {
	if slices.ContainsFunc(v.moment.profiles, func(p Profile) bool { return celName(p.ID) == name }) {
		return false
	}
	_, found := v.moment.of(v.scope)[name]
	return found
}

// ResolveName gives a variable of a condition.
func (m *moment) ResolveName(name string) (any, bool) {
	if val := m.variable(name); val != nil {
		return val, true
	}
	return nil, false
}

// variable is the value of a name; nil when there is none of that name.
func (m *moment) variable(name string) ref.Val {
	switch name {
	case "recipient":
		return m.recipient
	case "sender":
		return m.sender()
	case varFacts:
		name = typeFindings
	}
	if v, ok := m.cache[name]; ok {
		return v
	}
	v, ok := variable{}, false
	if name == "@sender" {
		v, ok = variableNamed("sender")
	} else {
		v, ok = variableNamed(name)
	}
	if !ok {
		return nil
	}
	val := unknownValue(v.name)
	if !m.unknown[v.key] {
		val = v.get(m)
	}
	m.cache[name] = val
	return val
}

// Parent is part of CEL's interface.
func (m *moment) Parent() activation { return nil }

func (m *moment) header(name string) ref.Val {
	values, looked := m.facts.values(name)
	if !looked {
		return unknownValue("header " + name)
	}
	return types.NewStringList(types.DefaultTypeAdapter, values)
}

func (m *moment) firstHeader(name string) ref.Val {
	values, looked := m.facts.values(name)
	switch {
	case !looked:
		return unknownValue("header " + name)
	case len(values) == 0:
		return types.String("")
	}
	return types.String(values[0])
}
