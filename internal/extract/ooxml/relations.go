package ooxml

import (
	"net/url"
	"path"
	"strings"

	"postern.dev/postern/internal/extract/xmlread"
)

// relation is one relationship (ECMA-376 part 2 §9.3).
type relation struct {
	id, kind, target string // kind: the last piece of the type, lower case
}

// relations reads a relationships part. External targets are addresses that
// a person, or the program, may follow.
func (p *pack) relations(i int) {
	t := &p.parts[i]
	r := p.open(i)
	if r == nil {
		return
	}
	defer r.Close()
	source := strings.TrimSuffix(t.name, ".rels")
	source = path.Join(strings.TrimSuffix(path.Dir(source), "_rels"), path.Base(source))
	if source == "." {
		source = ""
	}
	if t.name == "_rels/.rels" {
		source = ""
	}
	p.x.Reset(p.counted(r))
	plain := true
	for k := p.x.Next(); k != xmlread.EOF; k = p.x.Next() {
		if k == xmlread.Text && len(strings.TrimSpace(string(p.x.Text))) > 0 {
			plain = false
		}
		if k != xmlread.Start || string(p.x.Local) != "Relationship" {
			continue
		}
		kind := string(p.x.Attr("Type"))
		target := string(p.x.Attr("Target"))
		kind = strings.ToLower(kind[strings.LastIndexByte(kind, '/')+1:])
		if strings.EqualFold(string(p.x.Attr("TargetMode")), "external") {
			p.link(target)
			continue
		}
		p.rels[source] = append(p.rels[source], relation{string(p.x.Attr("Id")), kind, resolve(source, target)})
	}
	t.done = plain
}

// link remembers an address.
func (p *pack) link(target string) {
	if target == "" || len(p.links) >= 10000 {
		return
	}
	for _, l := range p.links[max(0, len(p.links)-64):] {
		if l == target {
			return
		}
	}
	p.links = append(p.links, target)
}

// externals gives the addresses out, at the end.
func (p *pack) externals() {
	if len(p.links) == 0 || p.err != nil {
		return
	}
	p.w.begin("links")
	for _, l := range p.links {
		p.w.line([]byte(l))
		if u, err := url.PathUnescape(l); err == nil && u != l {
			p.w.line([]byte(u))
		}
	}
	p.err = p.w.finish()
}

// resolve makes a target absolute (part 2 §6.4), as the names of parts are
// here.
func resolve(source, target string) string {
	if i := strings.IndexByte(target, '#'); i >= 0 {
		target = target[:i]
	}
	target = strings.ReplaceAll(target, "\\", "/")
	if u, err := url.PathUnescape(target); err == nil {
		target = u
	}
	if !strings.HasPrefix(target, "/") {
		target = path.Join(path.Dir(source), target)
	}
	return strings.ToLower(strings.TrimPrefix(path.Clean(target), "/"))
}

// related is the part that a relationship of source names; -1 for none.
func (p *pack) related(source, id string) int {
	for _, r := range p.rels[source] {
		if r.id == id {
			if i, found := p.index[r.target]; found {
				return i
			}
		}
	}
	return -1
}
