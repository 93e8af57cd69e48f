package explain

import (
	"reflect"
	"slices"
	"strings"

	"postern.dev/postern/internal/policy"
)

// ref is a fact that a condition names: a count of findings, a header field,
// the length of a list, or a field of Facts.
type ref struct {
	count, level string
	// of is the attachment whose findings are counted; nil: of the message.
	of     []step
	header string
	length string
	// path are the JSON keys from Facts on; an element of a list has its index
	// behind the key of the list.
	path []step
}

type step struct {
	key   string
	index int // -1: not an element of a list
}

// me is the index that stands for the recipient for whom a rule is evaluated.
const me = -2

func celName(id string) string { return strings.ReplaceAll(strings.ToLower(id), "-", "_") }

// refsOf lists the facts that an expression names.
func refsOf(e *policy.Expr, scope []policy.Bound) (list []ref) {
	if e == nil {
		return nil
	}
	if r, ok := refOf(e, scope); ok {
		return []ref{r}
	}
	args := e.Args
	if e.Quantifier() != "" {
		args = args[:1] // the element is not a fact of its own
	}
	for _, a := range args {
		list = append(list, refsOf(a, scope)...)
	}
	return list
}

// refOf is the fact that an expression is.
func refOf(e *policy.Expr, scope []policy.Bound) (ref, bool) {
	switch e.Kind {
	case policy.ExprCall:
		if (e.Name == "header" || e.Name == "headers") && len(e.Args) == 1 {
			name, ok := e.Args[0].Value.(string)
			return ref{header: strings.ToLower(name)}, ok
		}
		if e.Name == "size" && len(e.Args) == 1 && e.Args[0].Kind == policy.ExprName && isList(e.Args[0].Name) {
			return ref{length: e.Args[0].Name}, true
		}
	case policy.ExprField:
		if inner := e.Args[0]; inner.Kind == policy.ExprField && inner.Args[0].Kind == policy.ExprName &&
			inner.Args[0].Name == "findings" {
			return ref{count: inner.Name, level: e.Name}, true
		}
		if r, ok := countOf(e, scope); ok {
			return r, true
		}
		r, ok := refOf(e.Args[0], scope)
		if !ok || len(r.path) == 0 {
			return ref{}, false
		}
		r.path = append(slices.Clone(r.path), step{e.Name, -1})
		return r, true
	case policy.ExprName:
		return nameRef(e.Name, scope)
	}
	return ref{}, false
}

// countOf is a count of what was found in an attachment:
// a.findings.credit_card.high.
func countOf(e *policy.Expr, scope []policy.Bound) (ref, bool) {
	typ := e.Args[0]
	if typ.Kind != policy.ExprField || typ.Args[0].Kind != policy.ExprField || typ.Args[0].Name != "findings" {
		return ref{}, false
	}
	a, ok := refOf(typ.Args[0].Args[0], scope)
	if !ok || len(a.path) != 1 || a.path[0].key != "attachments" {
		return ref{}, false
	}
	return ref{count: typ.Name, level: e.Name, of: a.path}, true
}

func nameRef(name string, scope []policy.Bound) (ref, bool) {
	for i := len(scope) - 1; i >= 0; i-- {
		b := scope[i]
		if b.Name != name {
			continue
		}
		outer, ok := refOf(b.List, scope[:i])
		if !ok || len(outer.path) == 0 {
			return ref{}, false
		}
		r := ref{path: slices.Clone(outer.path)}
		r.path[len(r.path)-1].index = b.Index
		return r, true
	}
	switch name {
	case "findings":
		return ref{}, false
	case "recipient":
		return ref{path: []step{{"recipients", me}}}, true
	}
	return ref{path: []step{{name, -1}}}, true
}

func isList(name string) bool {
	f, ok := fieldOf(reflect.TypeFor[policy.Facts](), name)
	return ok && f.Type.Kind() == reflect.Slice
}

// fieldOf finds a field by its JSON key.
func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == key {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

// get finds the value at a path; ok is false when there is none. To write
// there, everything that f may share with others is copied on the way.
func get(f *policy.Facts, path []step, who int, write bool) (v reflect.Value, ok bool) {
	v = reflect.ValueOf(f).Elem()
	for _, s := range path {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			if write {
				c := reflect.New(v.Type().Elem())
				c.Elem().Set(v.Elem())
				v.Set(c)
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return v, false
		}
		field, known := fieldOf(v.Type(), s.key)
		if !known {
			return v, false
		}
		v = v.FieldByIndex(field.Index)
		if s.index == -1 {
			continue
		}
		i := s.index
		if i == me {
			i = who
		}
		if v.Kind() != reflect.Slice || i >= v.Len() {
			return v, false
		}
		if write {
			c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(c, v)
			v.Set(c)
		}
		v = v.Index(i)
	}
	return v, true
}

// set writes a value at a path and leaves everything that f shares with
// others as it was.
func set(f *policy.Facts, path []step, who int, value any) bool {
	v, ok := get(f, path, who, true)
	if !ok || !v.CanSet() {
		return false
	}
	want := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer {
		if !want.CanConvert(v.Type().Elem()) || !alike(want.Kind(), v.Type().Elem().Kind()) {
			return false
		}
		p := reflect.New(v.Type().Elem())
		p.Elem().Set(want.Convert(v.Type().Elem()))
		v.Set(p)
		return true
	}
	if !want.CanConvert(v.Type()) || !alike(want.Kind(), v.Kind()) {
		return false
	}
	v.Set(want.Convert(v.Type()))
	return true
}

// alike keeps a number from becoming a text.
func alike(a, b reflect.Kind) bool {
	number := func(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Float64 }
	return a == b || number(a) && number(b)
}
