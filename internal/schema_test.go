package house_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/policy"
)

const schemaFile = "../docs/reference/policy.schema.json"

func TestTheSchemaForEditorsIsThatOfTheCode(t *testing.T) {
	means, lines := map[string]string{}, ""
	for _, s := range settingsOf(t, "tenant", "Config", "") {
		text := s.text
		if s.fallback != "" {
			text += " Default: " + s.fallback + "."
		}
		text = strings.Join(strings.Fields(text), " ")
		means[s.key] = text
		lines += s.key + "\t" + text + "\n"
	}
	schema := app.EditorSchemaOf(means)
	for path, want := range map[string]string{"tenant/keys.txt": lines, schemaFile: string(schema)} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s is not what the code says (%v); run: go test ./internal/ -run SchemaForEditors -update", path, err)
		}
	}
	if !*update && string(app.EditorSchema()) != string(schema) {
		t.Error("the program writes another schema than docs/reference has")
	}
}

// against checks a value against a JSON Schema, as far as ours use it. It
// returns the first thing that is wrong.
func against(schema map[string]any, v any, at string) string {
	for key, rule := range schema {
		if wrong := obeys(schema, key, rule, v, at); wrong != "" {
			return wrong
		}
	}
	return ""
}

func obeys(schema map[string]any, key string, rule, v any, at string) string {
	object, isObject := v.(map[string]any)
	list, isList := v.([]any)
	switch key {
	case "type":
		if !slices.ContainsFunc(oneOrMany(rule), func(name any) bool { return isOf(name.(string), v) }) {
			return fmt.Sprintf("%s: %v is not %v", at, v, rule)
		}
	case "const":
		if !reflect.DeepEqual(rule, v) {
			return fmt.Sprintf("%s: %v is not %v", at, v, rule)
		}
	case "enum":
		if !slices.Contains(rule.([]any), v) {
			return fmt.Sprintf("%s: %v is none of %v", at, v, rule)
		}
	case "pattern":
		if s, ok := v.(string); ok && !regexp.MustCompile(rule.(string)).MatchString(s) {
			return fmt.Sprintf("%s: %q does not match %s", at, s, rule)
		}
	case "required":
		for _, name := range rule.([]any) {
			if _, there := object[name.(string)]; isObject && !there {
				return fmt.Sprintf("%s: %v is missing", at, name)
			}
		}
	case "minProperties":
		if isObject && float64(len(object)) < rule.(float64) {
			return at + ": it is empty"
		}
	case "properties", "additionalProperties":
		return properties(schema, key, object, at)
	case "items":
		for i, one := range list {
			if wrong := against(rule.(map[string]any), one, fmt.Sprintf("%s[%d]", at, i)); isList && wrong != "" {
				return wrong
			}
		}
	case "anyOf":
		var all []string
		for _, one := range rule.([]any) {
			wrong := against(one.(map[string]any), v, at)
			if wrong == "" {
				return ""
			}
			all = append(all, wrong)
		}
		return strings.Join(all, " and ")
	case "allOf":
		for _, one := range rule.([]any) {
			if wrong := against(one.(map[string]any), v, at); wrong != "" {
				return wrong
			}
		}
	case "if":
		if against(rule.(map[string]any), v, at) == "" {
			return against(schema["then"].(map[string]any), v, at)
		}
	}
	return ""
}

func properties(schema map[string]any, key string, object map[string]any, at string) string {
	known, _ := schema["properties"].(map[string]any)
	for name, v := range object {
		one, isKnown := known[name].(map[string]any)
		wrong := ""
		switch {
		case key == "properties" && isKnown:
			wrong = against(one, v, at+"."+name)
		case key == "additionalProperties" && !isKnown && schema[key] == false:
			wrong = fmt.Sprintf("%s: there is no key %q", at, name)
		case key == "additionalProperties" && !isKnown:
			if other, ok := schema[key].(map[string]any); ok {
				wrong = against(other, v, at+"."+name)
			}
		}
		if wrong != "" {
			return wrong
		}
	}
	return ""
}

func oneOrMany(rule any) []any {
	if list, ok := rule.([]any); ok {
		return list
	}
	return []any{rule}
}

func isOf(name string, v any) bool {
	switch v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64, float32:
		return name == "number"
	case int, int64, uint64:
		return name == "number" || name == "integer"
	case []any:
		return name == "array"
	}
	return name == "object"
}

// documentsOf reads the documents of a YAML text that say their kind.
func documentsOf(t *testing.T, text string) (list []map[string]any) {
	t.Helper()
	for _, part := range strings.Split("\n"+text, "\n---") {
		var doc map[string]any
		if err := yaml.Unmarshal([]byte(part), &doc); err == nil && doc["kind"] != nil {
			list = append(list, doc)
		}
	}
	return list
}

func TestWhatTheReaderTakesTheSchemaTakes(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(app.EditorSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	check := func(where, text string) {
		for _, doc := range documentsOf(t, text) {
			seen[fmt.Sprint(doc["kind"])]++
			if wrong := against(schema, doc, where); wrong != "" {
				t.Errorf("%s\n%v", wrong, doc)
			}
		}
	}
	for path, text := range pages(t) {
		for _, m := range yamlBlock.FindAllStringSubmatch(text, -1) {
			check(path, m[1])
		}
	}
	files, err := filepath.Glob("../packs/policies/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		check(f, string(text))
	}
	for _, d := range policy.Documents() {
		if seen[d.Kind] == 0 {
			t.Errorf("no page shows a document of kind %s", d.Kind)
		}
	}
}

// TestEveryKeyOfTheSchemaIsReadAndNoOther writes each key of the tables, and
// each one with a letter changed.
func TestEveryKeyOfTheSchemaIsReadAndNoOther(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(app.EditorSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	mistakes := func(kind string, path []string) string {
		text, indent := "kind: "+kind+"\n", ""
		for _, key := range path {
			text += indent + key + ":\n"
			indent = strings.ReplaceAll(indent, "-", " ") + "  "
			if key == "tests" || key == "exceptions" {
				indent += "- "
			}
		}
		_, err := policy.Load([]policy.File{{Name: "x", Data: []byte(text)}}, policy.Options{})
		return fmt.Sprint(err)
	}
	keys := 0
	var each func(kind string, path []string, list []policy.Parameter)
	each = func(kind string, path []string, list []policy.Parameter) {
		for _, p := range list {
			if len(path) == 0 && p.Key == "kind" {
				continue
			}
			keys++
			right, wrong := append(slices.Clone(path), p.Key), append(slices.Clone(path), p.Key+"x")
			if got := mistakes(kind, right); strings.Contains(got, fmt.Sprintf("no key %q", p.Key)) {
				t.Errorf("%s %v is not read: %s", kind, right, got)
			}
			if got := mistakes(kind, wrong); !strings.Contains(got, fmt.Sprintf("no key %q", p.Key+"x")) || !strings.Contains(got, "did you mean") {
				t.Errorf("%s %v is read: %s", kind, wrong, got)
			}
			each(kind, right, p.Keys)
			if p.Form == policy.FormThen && len(path) == 0 {
				for _, a := range policy.Actions() {
					each(kind, append(slices.Clone(right), string(a)), policy.Parameters(a))
				}
			}
		}
	}
	for _, d := range policy.Documents() {
		each(d.Kind, nil, d.Keys)
		if wrong := against(schema, map[string]any{"kind": d.Kind, "id": "a", "nonsense": "x"}, d.Kind); wrong == "" {
			t.Errorf("the schema takes any key of a %s", d.Kind)
		}
	}
	t.Logf("%d keys", keys)
}
