package look

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
	"postern.dev/postern/internal/detect/exact"
	"postern.dev/postern/internal/detect/fingerprint"
	"postern.dev/postern/internal/detect/label"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/profile"
)

// set is a catalogue that is ready to be used.
type set struct {
	detectors   []detect.Detector
	rules       []label.Rule
	attachments []detect.AttachmentRule
	properties  []label.PropertyRule
	prints      *fingerprint.Index // nil for none
	printRules  []detect.PrintRule // in the order of prints
	passwords   []string
	fromBody    bool // words of the message are passwords too
	except      detect.Exceptions
	lost        []mail.Unseen // what cannot be looked for
}

// sets keeps the last catalogues, and the tables of all of them.
type sets struct {
	base   *dlp.Base
	kept   []kept
	tables map[string]*exact.Table // by content
}

type kept struct {
	form []byte
	set  *set
}

// maxSets is how many catalogues are kept ready: making the automaton of a
// long dictionary takes longer than looking at a message.
const maxSets = 8

// of is the set of a catalogue in JSON.
func (s *sets) of(form []byte) (*set, error) {
	for i, k := range s.kept {
		if bytes.Equal(k.form, form) {
			copy(s.kept[1:i+1], s.kept[:i])
			s.kept[0] = k
			return k.set, nil
		}
	}
	var c detect.Catalogue
	if err := json.Unmarshal(form, &c); err != nil {
		return nil, fmt.Errorf("look: catalogue: %w", err)
	}
	made, err := s.make(c)
	if err != nil {
		return nil, err
	}
	if len(s.kept) >= maxSets {
		s.kept = s.kept[:maxSets-1]
	}
	s.kept = append([]kept{{bytes.Clone(form), made}}, s.kept...)
	return made, nil
}

func (s *sets) make(c detect.Catalogue) (*set, error) {
	for _, t := range profile.Lists() {
		if slices.Contains(c.Terms, t.ID) {
			c.Dictionaries = append(slices.Clip(c.Dictionaries), t.Dictionary())
		}
	}
	if s.base == nil {
		s.base = dlp.NewBase()
	}
	rules, err := label.Rules(c.Headers)
	if err != nil {
		return nil, err
	}
	properties, err := label.PropertyRules(c.Properties)
	if err != nil {
		return nil, err
	}
	made := &set{
		detectors: detectors(s.base, c), rules: rules, attachments: c.Attachments, properties: properties,
		passwords: c.Passwords, fromBody: c.BodyPasswords, except: c.Exceptions,
	}
	for _, r := range c.Tables {
		t, err := s.table(r)
		if err != nil {
			made.lose(r.ID)
			continue
		}
		made.detectors = append(made.detectors, exact.New(r.ID, t, r.Fields, r.Window))
	}
	var prints []fingerprint.Print
	for _, r := range c.Prints {
		p, err := fingerprint.Open(r.File)
		if err != nil || r.Content != "" && p.ID() != r.Content {
			made.lose(r.ID)
			continue
		}
		prints, made.printRules = append(prints, p), append(made.printRules, r)
	}
	if len(prints) > 0 {
		made.prints = fingerprint.NewIndex(prints)
	}
	return made, nil
}

// table opens a table once. One with other content than was applied is not
// used: the policy's tests spoke of the other.
func (s *sets) table(r detect.TableRule) (*exact.Table, error) {
	if t := s.tables[r.Content]; t != nil && r.Content != "" {
		return t, nil
	}
	t, err := exact.Open(r.File)
	if err != nil {
		return nil, err
	}
	if r.Content != "" && t.ID != r.Content {
		_ = t.Close()
		return nil, fmt.Errorf("look: %s holds another table than was applied", r.File)
	}
	if s.tables == nil {
		s.tables = map[string]*exact.Table{}
	}
	s.tables[t.ID] = t
	return t, nil
}

func (s *set) lose(id string) {
	s.lost = append(s.lost, mail.Unseen{
		Reason: mail.EngineFailed, Detail: id + ": its file cannot be read, or is not the one that was applied",
	})
}
