package notice

import (
	"fmt"
	"strings"
)

// template is a text that was read: paragraphs of pieces.
//
//	{name}              the value; nothing when there is none
//	**strong**          stands out
//	[… {name} …|else]   left out, or replaced, when a value in it is missing
//	[?name …|else]      left out, or replaced, when name is not set
//
// A paragraph in which nothing is left but white space is left out.
type template struct {
	source  Source
	subject []piece
	paras   [][]piece
}

// piece is one of: text, a variable, a group.
type piece struct {
	text   string
	strong bool
	name   string
	group  *group
}

// group is what stands in brackets.
type group struct {
	flag            string
	then, otherwise []piece
}

// templateSize bounds a text, groupDepth the brackets in each other.
const (
	templateSize = 16 << 10
	groupDepth   = 4
)

// parser reads a text.
type parser struct {
	in     string
	at     int
	strong bool
}

// parse reads a subject or a paragraph.
func parse(text string) ([]piece, error) {
	if len(text) > templateSize {
		return nil, fmt.Errorf("the text is longer than %d octets", templateSize)
	}
	p := &parser{in: text}
	list, err := p.pieces(0)
	switch {
	case err != nil:
		return nil, err
	case p.at < len(p.in):
		return nil, fmt.Errorf("a %q closes nothing", p.in[p.at])
	case p.strong:
		return nil, fmt.Errorf("** is not closed")
	}
	return list, nil
}

// pieces reads to the end, or to what ends a group.
func (p *parser) pieces(depth int) (list []piece, err error) {
	start := p.at
	flush := func() {
		if p.at > start {
			list = append(list, piece{text: p.in[start:p.at], strong: p.strong})
		}
	}
	for p.at < len(p.in) {
		switch c := p.in[p.at]; {
		case strings.HasPrefix(p.in[p.at:], "**"):
			flush()
			p.at += 2
			p.strong = !p.strong
			start = p.at
		case c == '{':
			flush()
			name, _, ok := strings.Cut(p.in[p.at+1:], "}")
			if !ok || !variable(name) {
				return nil, fmt.Errorf("a brace is not closed behind the name of a variable")
			}
			list = append(list, piece{name: name, strong: p.strong})
			p.at += len(name) + 2
			start = p.at
		case c == '[':
			flush()
			g, err := p.group(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, piece{group: g})
			start = p.at
		case c == ']' || c == '}' || c == '|' && depth > 0:
			flush()
			return list, nil
		default:
			p.at++
		}
	}
	flush()
	return list, nil
}

func (p *parser) group(depth int) (*group, error) {
	if depth > groupDepth {
		return nil, fmt.Errorf("brackets are nested more than %d deep", groupDepth)
	}
	g := &group{}
	p.at++
	if strings.HasPrefix(p.in[p.at:], "?") {
		name, _, ok := strings.Cut(p.in[p.at+1:], " ")
		if !ok || !variable(name) {
			return nil, fmt.Errorf("[? needs the name of a variable and a space")
		}
		g.flag = name
		p.at += len(name) + 2
	}
	var err error
	if g.then, err = p.pieces(depth); err != nil {
		return nil, err
	}
	if p.at < len(p.in) && p.in[p.at] == '|' {
		p.at++
		if g.otherwise, err = p.pieces(depth); err != nil {
			return nil, err
		}
	}
	if p.at == len(p.in) || p.in[p.at] != ']' {
		return nil, fmt.Errorf("a bracket is not closed")
	}
	p.at++
	return g, nil
}

func variable(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return name != "" && len(name) < 32
}

// paragraphs splits a text at empty lines.
func paragraphs(text string) []string {
	var list []string
	for _, p := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			list = append(list, strings.Join(strings.Fields(p), " "))
		}
	}
	return list
}

// names lists the variables of some pieces.
func names(list []piece) (all []string) {
	for _, p := range list {
		switch {
		case p.name != "":
			all = append(all, p.name)
		case p.group != nil:
			if p.group.flag != "" {
				all = append(all, p.group.flag)
			}
			all = append(append(all, names(p.group.then)...), names(p.group.otherwise)...)
		}
	}
	return all
}

// span is rendered text: words, a link, or a list of lines.
type span struct {
	text   string
	strong bool
	link   bool
	list   []Item
}

// render puts the values in.
func render(list []piece, v *values) (out []span) {
	for _, p := range list {
		switch {
		case p.group != nil:
			out = append(out, p.group.render(v)...)
		case p.name == "":
			out = append(out, span{text: p.text, strong: p.strong})
		case v.list[p.name] != nil:
			out = append(out, span{list: v.list[p.name]})
		case v.text[p.name] != "":
			out = append(out, span{text: v.text[p.name], strong: p.strong, link: strings.HasPrefix(p.name, "link")})
		}
	}
	return out
}

func (g *group) render(v *values) []span {
	if g.flag != "" {
		if v.has(g.flag) {
			return render(g.then, v)
		}
		return render(g.otherwise, v)
	}
	for _, p := range g.then { // groups within decide for themselves
		if p.name != "" && !v.has(p.name) {
			return render(g.otherwise, v)
		}
	}
	return render(g.then, v)
}

// values are what stands in braces.
type values struct {
	text map[string]string
	list map[string][]Item
}

func (v *values) has(name string) bool { return v.text[name] != "" || len(v.list[name]) > 0 }

// empty reports whether nothing can be read in a paragraph.
func empty(list []span) bool {
	for _, s := range list {
		if strings.TrimSpace(s.text) != "" || len(s.list) > 0 {
			return false
		}
	}
	return true
}
