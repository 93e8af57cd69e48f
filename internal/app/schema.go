package app

import (
	"reflect"
	"strings"
	"time"

	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

// EditorSchema is the JSON Schema of all documents that stand in the folders
// under apply: those of policies, and tenants.
func EditorSchema() []byte { return EditorSchemaOf(tenant.Keys()) }

// EditorSchemaOf is EditorSchema with these meanings of a tenant's keys.
func EditorSchemaOf(means map[string]string) []byte {
	body := schemaOf(reflect.TypeFor[tenant.Config]())
	describe(body, "", means)
	body["title"], body["description"] = "tenant", "A customer whose mail is handled here."
	return policy.EditorSchema(map[string]map[string]any{"tenant": body})
}

// describe puts to each key what it means. A key is named by its path, with
// dots.
func describe(schema map[string]any, path string, means map[string]string) {
	if text := means[path]; text != "" {
		schema["description"] = text
	}
	if items, ok := schema["items"].(map[string]any); ok {
		describe(items, path+"[]", means)
	}
	properties, _ := schema["properties"].(map[string]any)
	for key, one := range properties {
		describe(one.(map[string]any), strings.TrimPrefix(path+"."+key, "."), means)
	}
}

// schemaOf is the schema of settings: their keys, and the forms that plain
// types have. What has a form of its own may be anything here.
func schemaOf(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "string"}
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem())
	}
	if _, own := reflect.PointerTo(t).MethodByName("UnmarshalYAML"); own {
		return map[string]any{}
	}
	if _, own := reflect.PointerTo(t).MethodByName("UnmarshalText"); own {
		return map[string]any{"type": []string{"string", "number", "boolean"}}
	}
	switch t.Kind() {
	case reflect.Struct:
		properties := map[string]any{}
		for i := range t.NumField() {
			f := t.Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if f.IsExported() && key != "" && key != "-" {
				properties[key] = schemaOf(f.Type)
			}
		}
		if len(properties) == 0 {
			return map[string]any{}
		}
		return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": []string{"string", "number", "boolean"}}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": []string{"integer", "string"}}
	}
	return map[string]any{}
}
