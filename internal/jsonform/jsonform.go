package jsonform

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Form is how values of T are written. The zero Form is ready; the first use
// works it out. It panics when T holds embedded fields, or asks for numbers in
// quotes.
type Form[T any] struct {
	once sync.Once
	how  writer
}

// Append writes v behind b.
func (f *Form[T]) Append(b []byte, v *T) ([]byte, error) {
	f.once.Do(func() { f.how = writerOf(reflect.TypeFor[T]()) })
	return f.how(b, reflect.ValueOf(v).Elem())
}

// writer appends a value, which can be addressed.
type writer func(b []byte, v reflect.Value) ([]byte, error)

func writerOf(t reflect.Type) writer {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return writeTime
	case implements[json.Marshaler](t) || implements[encoding.TextMarshaler](t):
		return marshal
	}
	switch t.Kind() {
	case reflect.String:
		return func(b []byte, v reflect.Value) ([]byte, error) { return AppendString(b, v.String()), nil }
	case reflect.Bool:
		return func(b []byte, v reflect.Value) ([]byte, error) { return strconv.AppendBool(b, v.Bool()), nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(b []byte, v reflect.Value) ([]byte, error) { return strconv.AppendInt(b, v.Int(), 10), nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(b []byte, v reflect.Value) ([]byte, error) { return strconv.AppendUint(b, v.Uint(), 10), nil }
	case reflect.Struct:
		return structOf(t)
	case reflect.Pointer:
		return pointerTo(writerOf(t.Elem()))
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 { // these are base64
			return sliceOf(writerOf(t.Elem()))
		}
	case reflect.Map:
		switch t {
		case reflect.TypeFor[map[string]string]():
			return mapOf(func(b []byte, s string) []byte { return AppendString(b, s) })
		case reflect.TypeFor[map[string][]string]():
			return mapOf(appendStrings)
		}
	}
	return marshal
}

func implements[I any](t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[I]())
}

// marshal leaves a value to encoding/json.
func marshal(b []byte, v reflect.Value) ([]byte, error) {
	text, err := json.Marshal(v.Interface())
	return append(b, text...), err
}

func writeTime(b []byte, v reflect.Value) ([]byte, error) {
	b, err := v.Addr().Interface().(*time.Time).AppendText(append(b, '"')) // strict, as its MarshalJSON is
	return append(b, '"'), err
}

// field is a field of a struct.
type field struct {
	index int
	key   string // with quotes and colon
	write writer
	left  func(v reflect.Value) bool // out of the JSON; nil is never
}

func structOf(t reflect.Type) writer {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			panic(fmt.Sprintf("jsonform: %s has an embedded field", t))
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" && options == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields = append(fields, field{i, string(AppendString(nil, name)) + ":", writerOf(f.Type), leaver(t, f.Type, options)})
	}
	return func(b []byte, v reflect.Value) (_ []byte, err error) {
		b = append(b, '{')
		first := true
		for i := range fields {
			f := &fields[i]
			value := v.Field(f.index)
			if f.left != nil && f.left(value) {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			if b, err = f.write(append(b, f.key...), value); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	}
}

// leaver says when a field is left out.
func leaver(of, t reflect.Type, options string) func(reflect.Value) bool {
	switch options {
	case "":
		return nil
	case "omitempty":
		return emptiness(t)
	case "omitzero":
		switch {
		case t == reflect.TypeFor[time.Time]():
			return func(v reflect.Value) bool { return v.Addr().Interface().(*time.Time).IsZero() }
		case !implements[interface{ IsZero() bool }](t):
			return reflect.Value.IsZero
		}
	}
	panic(fmt.Sprintf("jsonform: %s asks for %q", of, options))
}

// emptiness says which values encoding/json takes for empty.
func emptiness(t reflect.Type) func(reflect.Value) bool {
	switch t.Kind() {
	case reflect.String, reflect.Slice, reflect.Map, reflect.Array:
		return func(v reflect.Value) bool { return v.Len() == 0 }
	case reflect.Struct:
		return nil
	}
	return reflect.Value.IsZero
}

func pointerTo(elem writer) writer {
	return func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return elem(b, v.Elem())
	}
}

func sliceOf(elem writer) writer {
	return func(b []byte, v reflect.Value) (_ []byte, err error) {
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = elem(b, v.Index(i)); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	}
}

// mapOf writes the keys in order.
func mapOf[E any](elem func([]byte, E) []byte) writer {
	return func(b []byte, v reflect.Value) ([]byte, error) {
		m := *v.Addr().Interface().(*map[string]E)
		if m == nil {
			return append(b, "null"...), nil
		}
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		b = append(b, '{')
		for i, k := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = elem(append(AppendString(b, k), ':'), m[k])
		}
		return append(b, '}'), nil
	}
}

func appendStrings(b []byte, list []string) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, s)
	}
	return append(b, ']')
}
