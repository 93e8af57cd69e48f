package policy

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A replay reads the facts of a million messages, and encoding/json takes
// most of its time. What this program has written is read here in one pass;
// whatever looks different goes the slow way, which says what is missing.

// readFast reads facts as this program writes them; ok is false for others.
func readFast(data []byte) (f Facts, ok bool) {
	r := jsonReader{rest: string(data)} // every text of the facts is a piece of it
	if !utf8.ValidString(r.rest) {
		return f, false
	}
	fields := factsForm()
	r.object(fields, reflect.ValueOf(&f).Elem())
	r.space()
	return f, !r.bad && len(r.rest) == 0 && r.seen|fields.optional == fields.all && len(f.Unknown) == 0
}

// form is how values of a type are read.
type form struct {
	kind   reflect.Kind
	elem   *form
	fields map[string]member
	// all and optional are bits of the fields; a struct has fewer than 64.
	all, optional uint64
	special       bool // the type reads itself
	typ           reflect.Type
}

type member struct {
	index int
	form  *form
}

var factsForm = func() func() *form {
	return sync.OnceValue(func() *form { return formOf(reflect.TypeFor[Facts]()) })
}()

func formOf(t reflect.Type) *form {
	f := &form{kind: t.Kind(), typ: t}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[interface{ UnmarshalText([]byte) error }]()) {
		f.special = true
		return f
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		f.elem = formOf(t.Elem())
	case reflect.Struct:
		f.fields = map[string]member{}
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			f.fields[name] = member{i, formOf(t.Field(i).Type)}
			f.all |= 1 << i
			if options != "" {
				f.optional |= 1 << i
			}
		}
	}
	return f
}

// jsonReader takes JSON from the front. What it does not expect makes it bad.
type jsonReader struct {
	rest string
	bad  bool
	seen uint64 // fields of the outermost struct
}

func (r *jsonReader) fail() { r.bad, r.rest = true, "" }

func (r *jsonReader) space() {
	for len(r.rest) > 0 && (r.rest[0] == ' ' || r.rest[0] == '\n' || r.rest[0] == '\t' || r.rest[0] == '\r') {
		r.rest = r.rest[1:]
	}
}

// next takes c, when it comes next.
func (r *jsonReader) next(c byte) bool {
	r.space()
	if len(r.rest) == 0 || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *jsonReader) must(c byte) {
	if !r.next(c) {
		r.fail()
	}
}

func (r *jsonReader) word(w string) bool {
	if !strings.HasPrefix(r.rest, w) {
		return false
	}
	r.rest = r.rest[len(w):]
	return true
}

// raw is a string between its quotes; simple says that it has no escapes.
func (r *jsonReader) raw() (text string, simple bool) {
	r.must('"')
	simple = true
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '"':
			text, r.rest = r.rest[:i], r.rest[i+1:]
			return text, simple
		case c == '\\':
			simple = false
			i++
		case c < ' ':
			r.fail()
			return "", false
		}
	}
	r.fail()
	return "", false
}

func (r *jsonReader) text() string {
	text, simple := r.raw()
	if simple || r.bad {
		return text
	}
	var s string
	if json.Unmarshal([]byte(`"`+text+`"`), &s) != nil {
		r.fail()
	}
	return s
}

func (r *jsonReader) object(f *form, v reflect.Value) (seen uint64) {
	r.must('{')
	if r.next('}') {
		return 0
	}
	for !r.bad {
		name, simple := r.raw()
		m, known := f.fields[name]
		if r.must(':'); r.bad || !simple || !known || seen&(1<<m.index) != 0 {
			r.fail()
			return seen
		}
		seen |= 1 << m.index
		r.value(m.form, v.Field(m.index))
		if r.next('}') {
			break
		}
		r.must(',')
		r.space()
	}
	r.seen = seen
	return seen
}

func (r *jsonReader) value(f *form, v reflect.Value) {
	r.space()
	switch {
	case r.bad:
		return
	case f.special:
		r.special(f, v)
		return
	case r.word("null"):
		return
	}
	switch f.kind {
	case reflect.Bool:
		switch {
		case r.word("true"):
			v.SetBool(true)
		case !r.word("false"):
			r.fail()
		}
	case reflect.String:
		v.SetString(r.text())
	case reflect.Int, reflect.Int64:
		r.number(f, v)
	case reflect.Pointer:
		p := reflect.New(f.typ.Elem())
		r.value(f.elem, p.Elem())
		v.Set(p)
	case reflect.Slice:
		r.list(f, v)
	case reflect.Map:
		r.table(f, v)
	case reflect.Struct:
		r.object(f, v)
	default:
		r.fail()
	}
}

func (r *jsonReader) number(f *form, v reflect.Value) {
	end := 0
	for end < len(r.rest) && (r.rest[end] == '-' || '0' <= r.rest[end] && r.rest[end] <= '9') {
		end++
	}
	text := r.rest[:end]
	n, err := strconv.ParseInt(text, 10, f.typ.Bits())
	more := end < len(r.rest) && strings.IndexByte(".eE+", r.rest[end]) >= 0
	zeros := len(text) > 1 && (text[0] == '0' || text[0] == '-' && text[1] == '0')
	if err != nil || more || zeros {
		r.fail()
		return
	}
	r.rest = r.rest[end:]
	v.SetInt(n)
}

// texts is a list of strings, which is what most lists are.
func (r *jsonReader) texts() []string {
	r.must('[')
	if r.bad || r.next(']') {
		return []string{}
	}
	list := make([]string, 0, 1)
	for !r.bad {
		r.space()
		if r.word("null") {
			r.fail()
			break
		}
		list = append(list, r.text())
		if r.next(']') {
			break
		}
		r.must(',')
	}
	return list
}

// headers are lists of strings by name.
func (r *jsonReader) headers() map[string][]string {
	r.must('{')
	m := map[string][]string{}
	if r.bad || r.next('}') {
		return m
	}
	for !r.bad {
		r.space()
		name := r.text()
		r.must(':')
		r.space()
		if _, twice := m[name]; twice || r.word("null") {
			r.fail()
			break
		}
		m[name] = r.texts()
		if r.next('}') {
			break
		}
		r.must(',')
	}
	return m
}

func (r *jsonReader) list(f *form, v reflect.Value) {
	if into, ok := v.Addr().Interface().(*[]string); ok {
		*into = r.texts()
		return
	}
	r.must('[')
	v.Set(reflect.MakeSlice(f.typ, 0, 0))
	if r.bad || r.next(']') {
		return
	}
	for n := 0; !r.bad; n++ {
		if n == v.Cap() {
			v.Grow(max(2, n))
		}
		v.SetLen(n + 1)
		r.value(f.elem, v.Index(n))
		if r.next(']') {
			return
		}
		r.must(',')
	}
}

func (r *jsonReader) table(f *form, v reflect.Value) {
	if into, ok := v.Addr().Interface().(*map[string][]string); ok {
		*into = r.headers()
		return
	}
	r.must('{')
	v.Set(reflect.MakeMap(f.typ))
	if r.bad || r.next('}') {
		return
	}
	for !r.bad {
		key := reflect.New(f.typ.Key()).Elem()
		r.space()
		key.SetString(r.text())
		r.must(':')
		one := reflect.New(f.typ.Elem()).Elem()
		r.value(f.elem, one)
		if r.bad || v.MapIndex(key).IsValid() {
			r.fail()
			return
		}
		v.SetMapIndex(key, one)
		if r.next('}') {
			return
		}
		r.must(',')
	}
}

// special reads a type that reads itself: a time.
func (r *jsonReader) special(f *form, v reflect.Value) {
	text, simple := r.raw()
	t, isTime := v.Addr().Interface().(*time.Time)
	if r.bad || !simple || !isTime || t.UnmarshalText([]byte(text)) != nil {
		r.fail()
	}
}
