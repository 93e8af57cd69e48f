package web

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
)

func TestAPIAnswersAsTheDescriptionSays(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(openapi, &doc); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, target string
		status       int
		path         string
		enter        bool
	}{
		{"a list", "/api/v1/messages", 200, "/api/v1/messages", true},
		{"a list with an end", "/api/v1/messages?limit=3", 200, "/api/v1/messages", true},
		{"an empty list", "/api/v1/messages?q=zzz", 200, "/api/v1/messages", true},
		{"a query that cannot be read", "/api/v1/messages?q=x+form:y", 400, "/api/v1/messages", true},
		{"a limit that is none", "/api/v1/messages?limit=many", 400, "/api/v1/messages", true},
		{"a limit that is too much", "/api/v1/messages?limit=501", 400, "/api/v1/messages", true},
		{"a list without a session", "/api/v1/messages", 401, "/api/v1/messages", false},
		{"a full record", "/api/v1/messages/01kay3m7ew0000000000000024", 200, "/api/v1/messages/{id}", true},
		{"a record by its reference", "/api/v1/messages/k7tq-0009", 200, "/api/v1/messages/{id}", true},
		{"a record that is not there", "/api/v1/messages/none", 404, "/api/v1/messages/{id}", true},
		{"a reference of two records", "/api/v1/messages/TWIN-2345", 409, "/api/v1/messages/{id}", true},
		{"a record without a session", "/api/v1/messages/K7TQ-0009", 401, "/api/v1/messages/{id}", false},
		{"an explanation", "/api/v1/messages/K7TQ-0024/why", 200, "/api/v1/messages/{id}/why", true},
		{"an explanation of a policy", "/api/v1/messages/K7TQ-0024/why?rule=cards-leave&to=bob@fabrikam.example", 200, "/api/v1/messages/{id}/why", true},
		{"an explanation of no policy", "/api/v1/messages/K7TQ-0024/why?rule=none", 400, "/api/v1/messages/{id}/why", true},
		{"an explanation of nobody", "/api/v1/messages/K7TQ-0024/why?to=x@y.example", 400, "/api/v1/messages/{id}/why", true},
		{"an explanation of a message that is not there", "/api/v1/messages/none/why", 404, "/api/v1/messages/{id}/why", true},
		{"an explanation of two records", "/api/v1/messages/TWIN-2345/why", 409, "/api/v1/messages/{id}/why", true},
		{"an explanation without a session", "/api/v1/messages/K7TQ-0024/why", 401, "/api/v1/messages/{id}/why", false},
		{"the description", "/api/v1/openapi.json", 200, "/api/v1/openapi.json", false},
	}
	records := func(now time.Time) []audit.Message {
		list := samples(now)
		for i := range 2 {
			m := list[i]
			m.ID, m.Ref = fmt.Sprintf("01twin%d", i), "TWIN-2345"
			list = append(list, m)
		}
		bare := audit.Message{ID: "01bare", Tenant: "-", Received: now}
		return append(list, bare)
	}
	inBubble(t, records, func(h *house) {
		cookie := h.cookie
		for _, tt := range tests {
			h.cookie = nil
			if tt.enter {
				h.cookie = cookie
			}
			res := h.do("GET", tt.target)
			text := body(t, res)
			if res.StatusCode != tt.status || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d %s: %s", tt.name, res.StatusCode, res.Header.Get("Content-Type"), text)
				continue
			}
			schema, ok := dig(doc, "paths", tt.path, "get", "responses", fmt.Sprint(tt.status), "content",
				"application/json", "schema")
			if !ok {
				t.Errorf("%s: the description has no answer %d", tt.name, tt.status)
				continue
			}
			var got any
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			for _, e := range mismatch(doc, schema, got, "answer") {
				t.Errorf("%s: %s", tt.name, e)
			}
		}
	})
}

func TestAPIPagesHoldEveryMessageOnce(t *testing.T) {
	inBubble(t, samples, func(h *house) {
		var ids []string
		pages := 0
		for next := "/api/v1/messages?q=" + url.QueryEscape("after:2d") + "&limit=7"; next != ""; pages++ {
			var p apiMessages
			if err := json.Unmarshal([]byte(h.page(next, 200)), &p); err != nil {
				t.Fatal(err)
			}
			for _, m := range p.Messages {
				ids = append(ids, m.ID)
			}
			next = p.Next
		}
		sorted := slices.Clone(ids)
		slices.Sort(sorted)
		slices.Reverse(sorted)
		if pages != 4 || len(slices.Compact(sorted)) != 25 || !slices.Equal(ids, sorted) {
			t.Errorf("%d pages, %d messages: %v", pages, len(ids), ids)
		}
	})
}

// TestTheDescriptionIsWhole finds a field that a record has and the document
// has not, without having to fill it.
func TestTheDescriptionIsWhole(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(openapi, &doc); err != nil {
		t.Fatal(err)
	}
	has := func(schema, property string, values []string) {
		t.Helper()
		list, _ := dig(doc, "components", "schemas", schema, "properties", property, "enum")
		known, _ := list.([]any)
		for _, v := range values {
			if !slices.Contains(known, any(v)) {
				t.Errorf("%s.%s does not list %q", schema, property, v)
			}
		}
	}
	var deliveries, causes []string
	for _, d := range audit.Deliveries() {
		deliveries = append(deliveries, string(d))
	}
	for _, c := range mail.Causes() {
		causes = append(causes, string(c))
	}
	has("Recipient", "delivery", deliveries)
	has("Recipient", "verdict", verdicts())
	has("Unseen", "reason", causes)
	got, _ := dig(doc, "paths")
	routes := []string{"GET /api/v1/messages", "GET /api/v1/messages/{id}", "GET /api/v1/messages/{id}/why", "GET /api/v1/openapi.json"}
	for pattern := range (&Console{}).heldRoutes() {
		routes = append(routes, pattern)
	}
	var documented []string
	for path, methods := range got.(map[string]any) {
		for method := range methods.(map[string]any) {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(routes)
	slices.Sort(documented)
	if !slices.Equal(routes, documented) {
		t.Errorf("the description has %q, the console %q", documented, routes)
	}
	fields := map[string]any{
		"Message": audit.Message{}, "Step": audit.Step{}, "Recipient": audit.Recipient{}, "Part": audit.Part{},
		"Finding": detect.Finding{}, "Label": detect.Label{}, "Unseen": mail.Unseen{}, "Reply": mail.Reply{},
		"Messages": apiMessages{}, "Fault": apiFault{},
		"HeldList": apiHeldList{}, "Held": quarantine.Row{}, "Vote": quarantine.Vote{}, "Question": quarantine.Question{},
		"Reason": quarantine.Reason{}, "Pin": quarantine.Pin{}, "Ending": quarantine.Ending{}, "HeldMessage": apiHeldFile{},
		"Look": Look{}, "Decision": apiDecision{}, "Decided": apiDecided{}, "Left": apiLeft{}, "Deed": apiAct{}, "Done": apiDone{},
		"HeldFilter": choice{}, "BulkCall": apiBulkCall{}, "BulkPreview": apiBulkPreview{}, "Numbers": quarantine.Numbers{},
		"BulkList": apiBulkList{}, "Bulk": quarantine.Bulk{},
	}
	for name, v := range fields {
		properties, _ := dig(doc, "components", "schemas", name, "properties")
		var described, real []string
		for p := range properties.(map[string]any) {
			described = append(described, p)
		}
		for i := range reflect.TypeOf(v).NumField() {
			tag, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
			if tag != "-" {
				real = append(real, tag)
			}
		}
		slices.Sort(described)
		slices.Sort(real)
		if !slices.Equal(described, real) {
			t.Errorf("%s is described with %v, and has %v", name, described, real)
		}
	}
}

func dig(v any, path ...string) (any, bool) {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[p]; !ok {
			return nil, false
		}
	}
	return v, true
}

// mismatch checks a value against the part of JSON Schema that the document
// uses.
func mismatch(doc map[string]any, schema, v any, at string) []string {
	s, ok := schema.(map[string]any)
	if !ok {
		return []string{at + ": no schema"}
	}
	if ref, ok := s["$ref"].(string); ok {
		target, found := dig(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		if !found {
			return []string{at + ": no " + ref}
		}
		return mismatch(doc, target, v, at)
	}
	if !typeFits(s["type"], v) {
		return []string{fmt.Sprintf("%s: %T is not %v", at, v, s["type"])}
	}
	var errs []string
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, v) {
		errs = append(errs, fmt.Sprintf("%s: %v is none of %v", at, v, enum))
	}
	if text, ok := v.(string); ok && s["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			errs = append(errs, fmt.Sprintf("%s: %v", at, err))
		}
	}
	switch v := v.(type) {
	case []any:
		for i, x := range v {
			errs = append(errs, mismatch(doc, s["items"], x, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		properties, known := s["properties"].(map[string]any)
		for name, x := range v {
			if p, ok := properties[name]; ok {
				errs = append(errs, mismatch(doc, p, x, at+"."+name)...)
			} else if known {
				errs = append(errs, at+": undescribed "+name)
			}
		}
		required, _ := s["required"].([]any)
		for _, r := range required {
			if _, ok := v[r.(string)]; !ok {
				errs = append(errs, fmt.Sprintf("%s: lacks %v", at, r))
			}
		}
	}
	return errs
}

func typeFits(want, v any) bool {
	if list, ok := want.([]any); ok {
		return slices.ContainsFunc(list, func(w any) bool { return typeFits(w, v) })
	}
	switch v := v.(type) {
	case nil:
		return want == "null"
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case float64:
		return want == "number" || want == "integer" && v == float64(int64(v))
	case []any:
		return want == "array"
	case map[string]any:
		return want == "object"
	}
	return false
}
