package app

import (
	"reflect"

	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/policy"
)

// blotNames takes the names of files out of what a page of administrators says
// of held mail. into points to plain data.
func blotNames(f policy.Facts, into any) {
	blotIn(reflect.ValueOf(into).Elem(), gateway.NameBlotter(gateway.NamesOf(f)))
}

// blotIn changes every text within a value.
func blotIn(v reflect.Value, blot func(string) string) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(blot(v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			blotIn(v.Elem(), blot)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				blotIn(v.Field(i), blot)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			blotIn(v.Index(i), blot)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			blotIn(value, blot)
			v.SetMapIndex(key, value)
		}
	case reflect.Interface:
		if !v.IsNil() && v.CanSet() {
			value := reflect.New(v.Elem().Type()).Elem()
			value.Set(v.Elem())
			blotIn(value, blot)
			v.Set(value)
		}
	}
}
