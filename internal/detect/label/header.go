package label

import (
	"fmt"
	"regexp"
	"strings"

	"postern.dev/postern/internal/detect"
)

// Rule is a header rule that is ready to be used.
type Rule struct {
	id, kind, name string
	pattern        *regexp.Regexp
	level          detect.Confidence
}

// Rules compiles a tenant's header rules. RE2 expressions take time linear to
// the value.
func Rules(list []detect.HeaderRule) ([]Rule, error) {
	rules := make([]Rule, 0, len(list))
	for _, r := range list {
		pattern, err := regexp.Compile(r.Pattern)
		if err != nil {
			return nil, fmt.Errorf("label: header rule %s: %w", r.ID, err)
		}
		rules = append(rules, Rule{r.ID, detect.TypeOf(r.ID), r.Name, pattern, r.Level()})
	}
	return rules, nil
}

// ID is the rule's id, which is the detector in its findings.
func (r Rule) ID() string { return r.id }

// Find counts the fields that the rule describes; ok is false for none. The
// sample is the name of the field: its value may be anything.
func (r Rule) Find(fields []Field) (f detect.Finding, ok bool) {
	values := map[string]bool{}
	for _, field := range fields {
		if strings.EqualFold(field.Name, r.name) && r.pattern.MatchString(field.Value) {
			values[field.Value] = true
		}
	}
	return detect.Finding{
		Type: r.kind, Detector: r.id, Kind: detect.Header, Count: len(values), Confidence: r.level,
		Sample: r.name, Why: []string{"header field"},
	}, len(values) > 0
}
