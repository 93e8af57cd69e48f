package label

import (
	"fmt"
	"path"
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

// PropertyRule is a rule about properties of documents that is ready to be
// used.
type PropertyRule struct {
	Rule
	glob string
}

// PropertyRules compiles a tenant's rules about properties.
func PropertyRules(list []detect.PropertyRule) ([]PropertyRule, error) {
	rules := make([]PropertyRule, 0, len(list))
	for _, r := range list {
		pattern, err := regexp.Compile(r.Pattern)
		if err != nil {
			return nil, fmt.Errorf("label: property rule %s: %w", r.ID, err)
		}
		rules = append(rules, PropertyRule{Rule{r.ID, detect.TypeOf(r.ID), r.Name, pattern, r.Level()}, strings.ToLower(r.Name)})
	}
	return rules, nil
}

// Find counts the properties that the rule describes; ok is false for none.
// The name may leave out where the property stands ("custom:").
func (r PropertyRule) Find(properties map[string]string) (f detect.Finding, ok bool) {
	values := map[string]bool{}
	sample := ""
	for key, value := range properties {
		if r.names(strings.ToLower(key)) && r.pattern.MatchString(value) {
			values[value] = true
			if sample == "" || key < sample {
				sample = key
			}
		}
	}
	return detect.Finding{
		Type: r.kind, Detector: r.id, Kind: detect.Attachment, Count: len(values), Confidence: r.level,
		Sample: short(sample), Why: []string{"property of a document"},
	}, len(values) > 0
}

func (r PropertyRule) names(key string) bool {
	if ok, err := path.Match(r.glob, key); err == nil && ok {
		return true
	}
	_, bare, _ := strings.Cut(key, ":")
	ok, err := path.Match(r.glob, bare)
	return err == nil && ok && bare != ""
}
