package ooxml

import (
	"fmt"

	"postern.dev/postern/internal/extract/xmlread"
)

// presentation reads the slides in their order (part 1 §19.2.1.34), each with
// its notes, comments, charts and diagrams; then the presentation itself.
func (p *pack) presentation(main int) {
	r := p.open(main)
	if r == nil {
		return
	}
	var ids []string
	p.x.Reset(p.counted(r))
	for k := p.x.Next(); k != xmlread.EOF && len(ids) < 10000; k = p.x.Next() {
		if k == xmlread.Start && string(p.x.Local) == "sldId" {
			ids = append(ids, string(p.x.Prefixed("id")))
		}
	}
	r.Close()
	for n, id := range ids {
		i := p.related(p.parts[main].name, id)
		if i < 0 || p.parts[i].done || p.err != nil {
			continue
		}
		place := fmt.Sprintf("slide %d", n+1)
		p.tree(i, place)
		p.family(p.parts[i].name, place)
	}
	p.tree(main, "presentation")
}
