package mailflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Strings is a multi-valued property. PowerShell prints a list of one as a
// bare value and recipients as objects, so both are read.
type Strings []string

// UnmarshalJSON reads a list, a single value, or null.
func (s *Strings) UnmarshalJSON(data []byte) error {
	*s = nil
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		list = []json.RawMessage{data}
	}
	for _, item := range list {
		text, err := scalar(item)
		if err != nil {
			return err
		}
		if text != "" {
			*s = append(*s, text)
		}
	}
	return nil
}

// scalar reads a string, a number, or an object that names itself.
func scalar(data json.RawMessage) (string, error) {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return "", err
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case map[string]any:
		for _, name := range []string{"PrimarySmtpAddress", "Address", "Name"} {
			if text, ok := v[name].(string); ok && text != "" {
				return text, nil
			}
		}
	}
	return "", fmt.Errorf("mailflow: want a text, have %s", clip(data))
}

// Int is a number that may be printed as a text ("-1").
type Int int

// UnmarshalJSON reads a number or a text that holds one.
func (i *Int) UnmarshalJSON(data []byte) error {
	text, err := scalar(data)
	if err != nil {
		return err
	}
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("mailflow: want a number, have %s", clip(data))
	}
	*i = Int(n)
	return nil
}

// Size is a number of octets, printed as "10MB" or "10 MB (10,485,760 bytes)".
type Size int64

// UnmarshalJSON reads a number of octets or a text with a unit.
func (s *Size) UnmarshalJSON(data []byte) error {
	text, err := scalar(data)
	if err != nil || text == "" {
		return err
	}
	n, err := ParseSize(text)
	*s = n
	return err
}

// ParseSize reads "10485760", "10MB", "10 MB" or "10 MB (10,485,760 bytes)".
func ParseSize(text string) (Size, error) {
	exact := text
	if _, in, ok := strings.Cut(text, "("); ok {
		exact, _, _ = strings.Cut(in, " bytes")
	}
	exact = strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(exact), ",", ""))
	unit := int64(1)
	for _, u := range []struct {
		name string
		n    int64
	}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"B", 1}} {
		if cut, ok := strings.CutSuffix(exact, u.name); ok {
			exact, unit = strings.TrimSpace(cut), u.n
			break
		}
	}
	n, err := strconv.ParseInt(exact, 10, 64)
	if err != nil || n < 0 || n > 1<<40/unit {
		return 0, fmt.Errorf("mailflow: %q is not a size", text)
	}
	return Size(n * unit), nil
}

// Date is a point in time in one of the forms that PowerShell prints.
type Date struct{ time.Time }

// UnmarshalJSON reads a date with or without zone; without one it is UTC.
func (d *Date) UnmarshalJSON(data []byte) error {
	text, err := scalar(data)
	if err != nil || text == "" {
		return err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			d.Time = t
			return nil
		}
	}
	return fmt.Errorf("mailflow: %q is not a date", text)
}

// object reads one JSON object.
func object(data []byte) (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("mailflow: want an object: %w", err)
	}
	return all, nil
}

// fill reads the properties that into knows, without regard to others.
func fill(all map[string]json.RawMessage, into any) error {
	v := reflect.ValueOf(into).Elem()
	for i := range v.NumField() {
		name := tag(v.Type().Field(i))
		raw, ok := all[name]
		if !ok || name == "" || string(raw) == "null" {
			continue
		}
		if err := json.Unmarshal(raw, v.Field(i).Addr().Interface()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func flat(from any) (map[string]json.RawMessage, error) {
	data, err := json.Marshal(from)
	if err != nil {
		return nil, err
	}
	return object(data)
}

// names lists the JSON names of the fields of structs.
func names(structs ...any) []string {
	var list []string
	for _, s := range structs {
		t := reflect.TypeOf(s)
		for i := range t.NumField() {
			if name := tag(t.Field(i)); name != "" {
				list = append(list, name)
			}
		}
	}
	return list
}

func tag(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// unknown lists the properties that say something and are in neither list.
// A name that begins with "//" is a comment.
func unknown(all map[string]json.RawMessage, known, notes []string) []string {
	var list []string
	for name, raw := range all {
		if strings.HasPrefix(name, "//") || strings.Contains(name, "@") || !says(raw) {
			continue
		}
		if !slices.Contains(known, name) && !slices.Contains(notes, name) {
			list = append(list, name)
		}
	}
	sort.Strings(list)
	return list
}

// says reports whether a value differs from what an unset property prints.
func says(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "null", "false", `""`, "[]", "{}", "0":
		return false
	}
	return true
}

func clip(data []byte) string {
	if len(data) > 40 {
		return string(data[:40]) + "…"
	}
	return string(data)
}

func fieldsOf(pointer any) []string {
	return names(reflect.ValueOf(pointer).Elem().Interface())
}

// lineOf is the line of a JSON mistake, 1 when it is not known.
func lineOf(data []byte, err error) int {
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	at := int64(0)
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &typed):
		at = typed.Offset
	}
	return 1 + bytes.Count(data[:min(int(at), len(data))], []byte("\n"))
}
