package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shown is a value of a policy and where it comes from.
type Shown struct {
	Policy string `json:"policy"`
	Key    string `json:"key"`
	Value  string `json:"value"`
	// Origin is "file:line" of the policy or of the defaults, or "built in".
	Origin string `json:"origin"`
}

// Show lists what the policies say for a tenant, and for senders who belong
// to a group ("" for none), with the origin of each value.
func (s *Set) Show(tenant, group string) (list []Shown) {
	if s == nil {
		return nil
	}
	rules, defaults := s.rules, s.defaultsFor(tenant, nil)
	editions := s.editions[tenant]
	if editions == nil {
		editions = s.editions[""]
	}
	for _, e := range editions {
		if e.by == nil && rules != nil || e.by != nil && group != "" && e.by.Group == foldGroup(group) {
			rules, defaults = e.rules, s.defaultsFor(tenant, e.by)
		}
	}
	for _, r := range rules {
		if r.applies(tenant) || tenant == "" {
			list = append(list, r.shown(defaults)...)
		}
	}
	return list
}

func (r *Rule) shown(defaults []*Defaults) (list []Shown) {
	origin := func(own given, key string) string {
		if at, ok := own[key]; ok {
			return at
		}
		for _, d := range defaults {
			if at, ok := d.given[key]; ok {
				return at
			}
		}
		return "built in"
	}
	add := func(id string, own given, key, value string) {
		list = append(list, Shown{id, key, value, origin(own, key)})
	}
	add(r.ID, r.given, "mode", string(r.Mode))
	add(r.ID, r.given, "priority", strconv.Itoa(r.Priority))
	sender := r.Sender
	if sender == "" {
		sender = SubjectEnvelope
	}
	add(r.ID, r.given, "sender", string(sender))
	steps := func(id, at string, own given, steps []Step) {
		for _, s := range steps {
			list = append(list, Shown{id, "then", string(s.Action), at})
			for _, p := range Parameters(s.Action) {
				if value := s.value(p.Key); value != "" {
					add(id, own, string(s.Action)+"."+p.Key, value)
				}
			}
		}
	}
	steps(r.ID, r.Place, r.given, r.Steps)
	for _, b := range r.Branches {
		steps(r.ID+"/"+b.ID, b.Place, b.given, b.Steps)
	}
	return list
}

// value is a parameter that can be inherited, for people; "" when it is not
// said.
func (s *Step) value(key string) string {
	spans := func(all []time.Duration) string {
		var list []string
		for _, d := range all {
			list = append(list, span(d))
		}
		return strings.Join(list, ", ")
	}
	waits := s.Action == HoldFor || s.Action == Override
	switch key {
	case "text":
		return s.Text
	case "refuse":
		return string(s.Refuse)
	case "approver":
		if len(s.Approvers) == 0 {
			return "administrators"
		}
		return strings.Join(s.Approvers, ", ")
	case "deputy":
		return strings.Join(s.Terms.Deputies, ", ")
	case "of":
		if s.Terms.Of > 0 {
			return strconv.Itoa(s.Terms.Of)
		}
	case "for":
		if waits {
			return span(s.For)
		}
	case "then":
		return string(s.End)
	case "working":
		if w := s.Terms.Working; w != nil {
			days := slices.Clone(w.Days)
			return fmt.Sprintf("%s %02d:%02d-%02d:%02d %s", strings.Join(days, " "), w.From/60, w.From%60, w.To/60, w.To%60, w.Zone)
		}
	case "remind":
		return spans(s.Terms.Remind)
	case "reasons":
		return strings.Join(s.Terms.Reasons, ", ")
	case "comment":
		return string(s.Terms.Comment)
	case "preview":
		return string(s.Terms.Preview)
	case "recipient":
		var words []string
		for _, r := range s.Terms.Recipient {
			words = append(words, string(r))
		}
		return strings.Join(words, ", ")
	}
	return ""
}

// span writes a time span as policies do.
func span(d time.Duration) string {
	switch {
	case d > 0 && d%(24*time.Hour) == 0:
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	case d > 0 && d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d > 0 && d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	}
	return d.String()
}
