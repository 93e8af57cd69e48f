package policy

import (
	"encoding/json"
	"maps"
)

// EditorSchema is a JSON Schema (draft 2020-12) of the documents of policy
// files, by which editors complete and check what is written. It is made of
// the same tables as the reader; what only the reader can know (that a list
// exists, that a condition fits) it leaves to the reader. others are schemas
// of kinds of documents that are read elsewhere.
func EditorSchema(others map[string]map[string]any) []byte {
	var kinds []any
	names := documentKinds()
	for _, d := range Documents() {
		body := objectSchema(d.Keys)
		body["properties"].(map[string]any)["kind"] = map[string]any{"const": d.Kind}
		body["title"], body["description"] = d.Kind, d.Means
		kinds = append(kinds, onlyIf(d.Kind, body))
	}
	for _, kind := range keys(others) {
		kinds = append(kinds, onlyIf(kind, others[kind]))
	}
	// Plain data: it cannot fail.
	text, _ := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Policy files of Postern", "type": "object",
		"required": []string{"kind"}, "properties": map[string]any{"kind": map[string]any{"enum": names}}, "allOf": kinds,
	}, "", " ")
	return append(text, '\n')
}

// onlyIf applies a schema to documents of one kind, so that editors complain
// about that kind's keys and not about all kinds.
func onlyIf(kind string, body map[string]any) map[string]any {
	return map[string]any{
		"if":   map[string]any{"properties": map[string]any{"kind": map[string]any{"const": kind}}, "required": []string{"kind"}},
		"then": body,
	}
}

// objectSchema is that of a mapping whose keys are all known.
func objectSchema(list []Parameter) map[string]any {
	properties := map[string]any{}
	var needed []string
	for _, p := range list {
		s := maps.Clone(p.schema())
		s["description"] = p.Means
		properties[p.Key] = s
		if p.Need {
			needed = append(needed, p.Key)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(needed) > 0 {
		out["required"] = needed
	}
	return out
}

// scalar is anything that is read as a text: 0042 and yes stay what they are.
func scalar() map[string]any { return map[string]any{"type": []string{"string", "number", "boolean"}} }

func oneOrMore(one map[string]any) map[string]any {
	return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "items": one}}}
}

func mapOf(value map[string]any) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": value}
}

func wordsSchema(words []string) map[string]any { return map[string]any{"enum": words} }

// schema is that of a key's value.
func (p Parameter) schema() map[string]any {
	switch p.Form {
	case FormTexts, FormAddresses:
		return oneOrMore(scalar())
	case FormSpan:
		return spanSchema()
	case FormSpans:
		return oneOrMore(spanSchema())
	case FormSize:
		return map[string]any{"type": []string{"string", "integer"}, "pattern": `^[0-9]+ *(KiB|MiB|GiB|kB|MB|GB)?$`}
	case FormNumber:
		return map[string]any{"type": "integer"}
	case FormFlag:
		return map[string]any{"type": "boolean"}
	case FormWord:
		return wordsSchema(p.Words)
	case FormAction:
		return wordsSchema(append(actionNames(), "defer"))
	case FormActions:
		return mapOf(wordsSchema(append(actionNames(), "defer")))
	case FormFields:
		return mapOf(scalar())
	case FormThen:
		return thenSchema()
	case FormList:
		return map[string]any{"type": "array", "items": objectSchema(p.Keys)}
	case FormMap:
		if p.Short {
			return map[string]any{"anyOf": []any{scalar(), objectSchema(p.Keys)}}
		}
		return objectSchema(p.Keys)
	}
	return scalar()
}

func spanSchema() map[string]any {
	return map[string]any{"type": "string", "pattern": `^([0-9]+d|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$`}
}

func thenSchema() map[string]any {
	actions := map[string]any{}
	for _, a := range Actions() {
		body := objectSchema(Parameters(a))
		body["type"] = []string{"object", "null"}
		actions[string(a)] = body
	}
	return map[string]any{"anyOf": []any{
		wordsSchema(actionNames()),
		map[string]any{"type": "object", "properties": actions, "additionalProperties": false, "minProperties": 1},
	}}
}
