package policy

import (
	"strings"
	"sync"

	"github.com/goccy/go-yaml/ast"

	"postern.dev/postern/packs"
)

// zones are the lists that come with Postern, by id. Any set may name them.
func zones() map[string]*List { return zonesOnce() }

// zonesOnce reads the files when they are first asked for.
var zonesOnce = func() func() map[string]*List { return sync.OnceValue(readZones) }()

func readZones() map[string]*List {
	all := map[string]*List{}
	for _, f := range packs.Zones() {
		r := &reader{file: "packs/" + f.Name}
		for _, doc := range r.documents(f.Data) {
			l := r.zone(doc)
			if r.file != "packs/zones/"+l.ID+".yaml" {
				r.wrong(doc, "the id is %q", l.ID)
			}
			all[l.ID] = l
		}
		if len(r.mistakes) > 0 { // part of the binary, which the tests load
			panic("policy: " + r.mistakes.Error())
		}
	}
	return all
}

func (r *reader) zone(doc ast.Node) *List {
	m, _ := r.mapping(doc, "a zone", "id", "name", "sources", "members")
	l := &List{ID: m.needText("id", "a zone"), Name: m.text("name"), place: place{r.file, 1}}
	if len(m.texts("sources")) == 0 {
		r.wrong(doc, "a zone says where it comes from")
	}
	for _, p := range m.texts("members") {
		if wrong := l.add(p.text); wrong != "" {
			r.wrong(p.node, "%s", wrong)
		}
		l.Members = append(l.Members, strings.ToLower(p.text))
	}
	return l
}

// list is a list of the files, or a zone that comes with Postern.
func (l *language) list(name string) (*List, bool) {
	if own, ok := l.lists[name]; ok {
		return own, true
	}
	zone, ok := zones()[name]
	return zone, ok
}

// zoned adds to the lists of a set the zones that its conditions name, so
// that they count in its version and can be shown.
func (s *Set) zoned() {
	for _, r := range s.rules {
		for _, c := range r.conditions() {
			for _, name := range c.Lists {
				if zone, ok := zones()[name]; ok && s.lists[name] == nil {
					if s.lists == nil {
						s.lists = map[string]*List{}
					}
					s.lists[name] = zone
				}
			}
		}
	}
}
