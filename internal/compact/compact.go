package compact

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Form is how values of T are written.
type Form[T any] struct{ how codec }

// Of works out the form of T. It panics when T holds something else than
// booleans, numbers, strings, slices, maps with strings as keys, pointers and
// structs of these with at most 64 fields; unexported ones are left out.
func Of[T any]() Form[T] { return Form[T]{codecOf(reflect.TypeFor[T]())} }

// Append writes v behind b.
func (f Form[T]) Append(b []byte, v *T) []byte {
	return f.how.write(b, reflect.ValueOf(v).Elem())
}

// ErrNonsense is the failure of octets that no Append has written.
var ErrNonsense = errors.New("compact: the octets are nonsense")

// Read reads into v, which must be zero.
func (f Form[T]) Read(b []byte, v *T) error {
	r := reader{rest: b}
	f.how.read(&r, reflect.ValueOf(v).Elem())
	if r.bad || len(r.rest) > 0 {
		return ErrNonsense
	}
	return nil
}

// reader takes octets from the front. After a failure it gives zeros.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) fail() {
	r.rest, r.bad = nil, true
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// octets are the next n, in place.
func (r *reader) octets(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) text() string {
	b := r.octets(r.uint())
	if !utf8.Valid(b) {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(b)
}

// count is the number of elements of a list; ok is false for none at all.
// Each takes an octet at least.
func (r *reader) count() (n int, ok bool) {
	c := r.uint()
	if c == 0 {
		return 0, false
	}
	if c--; c > uint64(len(r.rest)) {
		r.fail()
		return 0, false
	}
	return int(c), true
}

// codec writes and reads the values of one type.
type codec interface {
	write(b []byte, v reflect.Value) []byte
	read(r *reader, v reflect.Value)
}

func codecOf(t reflect.Type) codec {
	switch t.Kind() {
	case reflect.Bool:
		return booleans{}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return integers{}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return naturals{}
	case reflect.String:
		return texts{}
	case reflect.Pointer:
		return pointers{codecOf(t.Elem())}
	case reflect.Slice:
		return slices{codecOf(t.Elem())}
	case reflect.Map:
		if t == reflect.TypeFor[map[string]string]() {
			return textMaps{}
		}
		if t.Key().Kind() == reflect.String {
			return maps{codecOf(t.Elem())}
		}
	case reflect.Struct:
		s := structs{}
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				s = append(s, field{i, codecOf(t.Field(i).Type)})
			}
		}
		if 0 < len(s) && len(s) <= 64 {
			return s
		}
	}
	panic(fmt.Sprintf("compact: a %s has no form", t))
}

type booleans struct{}

func (booleans) write(b []byte, v reflect.Value) []byte {
	if v.Bool() {
		return append(b, 1)
	}
	return append(b, 0)
}

func (booleans) read(r *reader, v reflect.Value) {
	if b := r.octets(1); len(b) == 1 {
		v.SetBool(b[0] == 1)
	}
}

type integers struct{}

func (integers) write(b []byte, v reflect.Value) []byte { return binary.AppendVarint(b, v.Int()) }

func (integers) read(r *reader, v reflect.Value) {
	n := r.int()
	if v.OverflowInt(n) {
		r.fail()
		return
	}
	v.SetInt(n)
}

type naturals struct{}

func (naturals) write(b []byte, v reflect.Value) []byte { return binary.AppendUvarint(b, v.Uint()) }

func (naturals) read(r *reader, v reflect.Value) {
	n := r.uint()
	if v.OverflowUint(n) {
		r.fail()
		return
	}
	v.SetUint(n)
}

type texts struct{}

func (texts) write(b []byte, v reflect.Value) []byte {
	s := v.String()
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (texts) read(r *reader, v reflect.Value) { v.SetString(r.text()) }

type pointers struct{ to codec }

func (p pointers) write(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, 0)
	}
	return p.to.write(append(b, 1), v.Elem())
}

func (p pointers) read(r *reader, v reflect.Value) {
	if b := r.octets(1); len(b) == 1 && b[0] == 1 {
		v.Set(reflect.New(v.Type().Elem()))
		p.to.read(r, v.Elem())
	}
}

type slices struct{ of codec }

func (s slices) write(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(v.Len())+1)
	for i := range v.Len() {
		b = s.of.write(b, v.Index(i))
	}
	return b
}

// firstRoom bounds what is made for a list before its elements have come.
const firstRoom = 64

func (s slices) read(r *reader, v reflect.Value) {
	n, ok := r.count()
	if !ok {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, min(n, firstRoom)))
	for i := 0; i < n && !r.bad; i++ {
		if i == v.Cap() {
			v.Grow(1)
		}
		v.SetLen(i + 1)
		s.of.read(r, v.Index(i))
	}
}

type maps struct{ of codec }

func (m maps) write(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(v.Len())+1)
	for it := v.MapRange(); it.Next(); {
		key := it.Key().String()
		b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
		b = m.of.write(b, it.Value())
	}
	return b
}

func (m maps) read(r *reader, v reflect.Value) {
	n, ok := r.count()
	if !ok {
		return
	}
	made := reflect.MakeMapWithSize(v.Type(), min(n, firstRoom))
	for i := 0; i < n && !r.bad; i++ {
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString(r.text())
		value := reflect.New(v.Type().Elem()).Elem()
		m.of.read(r, value)
		made.SetMapIndex(key, value)
	}
	v.Set(made)
}

// textMaps are the most common maps, written like all others.
type textMaps struct{}

func (textMaps) write(b []byte, v reflect.Value) []byte {
	m, ok := v.Interface().(map[string]string)
	if !ok || m == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(m))+1)
	for key, value := range m {
		b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
		b = append(binary.AppendUvarint(b, uint64(len(value))), value...)
	}
	return b
}

func (textMaps) read(r *reader, v reflect.Value) {
	n, ok := r.count()
	if !ok {
		return
	}
	m := make(map[string]string, min(n, firstRoom))
	for i := 0; i < n && !r.bad; i++ {
		key := r.text()
		m[key] = r.text()
	}
	v.Set(reflect.ValueOf(m))
}

// structs are written as a bit for each field, and those that are not zero.
type structs []field

type field struct {
	index int
	how   codec
}

func (s structs) write(b []byte, v reflect.Value) []byte {
	set := uint64(0)
	for i, f := range s {
		if !v.Field(f.index).IsZero() {
			set |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, set)
	for ; set != 0; set &= set - 1 {
		f := s[bits.TrailingZeros64(set)]
		b = f.how.write(b, v.Field(f.index))
	}
	return b
}

func (s structs) read(r *reader, v reflect.Value) {
	set := r.uint()
	if len(s) < 64 && set >= 1<<len(s) {
		r.fail()
		return
	}
	for ; set != 0 && !r.bad; set &= set - 1 {
		f := s[bits.TrailingZeros64(set)]
		f.how.read(r, v.Field(f.index))
	}
}
