package explain

import (
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

// known makes a fact known that was not kept or not looked for.
func (c changer) known(r ref) []Change {
	f := &c.s.facts
	switch {
	case r.header != "":
		if _, looked := f.Headers[r.header]; !looked {
			return []Change{headerChange(r.header, "not known", nil)}
		}
	case r.count != "":
		typ := r.count
		return []Change{{Fact: "findings." + typ, From: "not known", To: "0", gone: -1, distance: 1,
			Text: fmt.Sprintf("if it were known that there is no %s", words(typ)),
			apply: func(f *policy.Facts, _ int) bool {
				if f.Detectors != nil {
					f.Detectors = append(slices.Clone(f.Detectors), c.x.types(typ)...)
				}
				forget(f, "findings", "detectors")
				return true
			}}}
	case len(r.path) > 0 && slices.Contains(f.Unknown, r.path[0].key):
		key := r.path[0].key
		return []Change{{Fact: key, From: "not known", To: "known", gone: -1, distance: 1, Text: "if " + key + " were known",
			apply: func(f *policy.Facts, _ int) bool { return forget(f, key) }}}
	}
	return nil
}

// forget makes keys known.
func forget(f *policy.Facts, keys ...string) bool {
	before := len(f.Unknown)
	f.Unknown = slices.DeleteFunc(slices.Clone(f.Unknown), func(k string) bool { return slices.Contains(keys, k) })
	return len(f.Unknown) < before || before == 0
}

func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

func level(word string) int { return slices.Index([]string{"low", "medium", "high"}, word) }

// counted changes how many of a type were found.
func (c changer) counted(n *policy.Node, r ref, want policy.Truth) (list []Change) {
	in := c.place(r)
	old, files := c.x.sum(c.s.facts, r, in)
	for _, to := range numbers(n, r, old, want) {
		ch := Change{Fact: n.Text + " " + r.count + "." + r.level, From: fmt.Sprint(old), To: fmt.Sprint(to), gone: -1,
			distance: distance(old, to)}
		typ := c.x.typeOf(r.count)
		if to < old {
			k := int(old - to)
			ch.Text = fmt.Sprintf("remove %d of the %s%s", k, policy.Words(typ, int(old)), where(files))
			if to == 0 {
				ch.Text = fmt.Sprintf("remove %s%s", policy.Words(typ, int(old)), where(files))
			}
			ch.apply = func(f *policy.Facts, _ int) bool { return c.x.fewer(f, r, in, k) }
		} else {
			k := int(to - old)
			ch.Text = "add " + policy.Words(typ, k) + " (" + levelOf(r.level) + ")" + where(nameOf(in))
			ch.apply = func(f *policy.Facts, _ int) bool { return c.x.more(f, typ, levelOf(r.level), k, in) }
		}
		list = append(list, ch)
	}
	if want == policy.True && !fewerHelps(n) {
		return list
	}
	for _, a := range c.s.facts.Attachments {
		if slices.Contains(files, a.Name) {
			list = append(list, leaveAttachment(a))
		}
	}
	return list
}

// place is the attachment whose findings are counted; nil for the message.
func (c changer) place(r ref) *policy.Attachment {
	v, ok := get(&c.s.facts, r.of, c.s.who, false)
	if !ok || len(r.of) == 0 {
		return nil
	}
	a, _ := v.Interface().(policy.Attachment)
	return &a
}

func nameOf(a *policy.Attachment) []string {
	if a == nil || a.Name == "" {
		return nil
	}
	return []string{a.Name}
}

// sum is how many were found, and in which files.
func (x *Explainer) sum(f policy.Facts, r ref, in *policy.Attachment) (n int64, files []string) {
	for _, o := range f.Findings {
		if !x.counts(o, r, in) {
			continue
		}
		n += int64(number(o, in))
		if o.Name != "" && !slices.Contains(files, o.Name) {
			files = append(files, o.Name)
		}
	}
	return n, files
}

// number is how many values of a finding count.
func number(f policy.Finding, in *policy.Attachment) int {
	if in != nil {
		return f.Here
	}
	return f.Count
}

// fewerHelps reports whether a part may become true with fewer findings.
func fewerHelps(n *policy.Node) bool {
	return n.Expr.Kind == policy.ExprOperator && slices.Contains([]string{"<", "<=", "=="}, n.Expr.Name)
}

func levelOf(word string) string {
	if level(word) < 0 {
		return "low"
	}
	return word
}

// rank orders confidences; what is not known counts as high, as in policy.
func rank(confidence string) int {
	if i := level(confidence); i >= 0 {
		return i
	}
	return 2
}

// counts reports whether a finding counts.
func (x *Explainer) counts(f policy.Finding, r ref, in *policy.Attachment) bool {
	return rank(f.Confidence) >= max(level(r.level), 0) && number(f, in) > 0 && (in == nil || within(*in, f.Part, "")) &&
		slices.ContainsFunc(x.types(r.count), func(t string) bool { return t == celName(f.Type) || t == celName(f.Detector) })
}

// typeOf is the type of findings that count under a name.
func (x *Explainer) typeOf(name string) string {
	types := x.types(name)
	return strings.ToUpper(types[len(types)-1])
}

// fewer takes k findings away, from the part with the most first.
func (x *Explainer) fewer(f *policy.Facts, r ref, in *policy.Attachment, k int) bool {
	f.Findings = slices.Clone(f.Findings)
	for k > 0 {
		best := -1
		for i, o := range f.Findings {
			if x.counts(o, r, in) && (best < 0 || number(o, in) > number(f.Findings[best], in)) {
				best = i
			}
		}
		if best < 0 {
			return false
		}
		o := &f.Findings[best]
		n := min(k, number(*o, in))
		o.Count, o.Here = max(o.Count-n, 0), max(o.Here-n, 0)
		k -= n
	}
	f.Findings = slices.DeleteFunc(f.Findings, func(o policy.Finding) bool { return o.Count == 0 && o.Here == 0 })
	return true
}

// more adds k findings.
func (x *Explainer) more(f *policy.Facts, typ, confidence string, k int, in *policy.Attachment) bool {
	f.Findings = slices.Clone(f.Findings)
	part, name := "1", ""
	if in != nil {
		part, name = in.Part, in.Name
	}
	for i, o := range f.Findings {
		if celName(o.Type) == celName(typ) && o.Confidence == confidence && (in == nil || o.Part == part) {
			f.Findings[i].Count += k
			f.Findings[i].Here += k
			return true
		}
	}
	f.Findings = append(f.Findings, policy.Finding{
		Type: typ, Detector: strings.ReplaceAll(strings.ToLower(typ), "_", "-"), Part: part, Name: name, Count: k, Here: k,
		Confidence: confidence,
	})
	if f.Detectors != nil {
		f.Detectors = append(slices.Clone(f.Detectors), typ)
	}
	return true
}

// headed changes a header field.
func (c changer) headed(n *policy.Node, r ref, want policy.Truth) []Change {
	values := c.s.facts.Headers[r.header]
	old := ""
	if len(values) > 0 {
		old = values[0]
	}
	var list []Change
	if len(values) > 0 {
		list = append(list, headerChange(r.header, old, nil))
	}
	for _, to := range texts(n, old, want) {
		if to != "" {
			list = append(list, headerChange(r.header, old, []string{to}))
		}
	}
	if len(values) == 0 && len(list) == 0 {
		list = append(list, headerChange(r.header, old, []string{"x"}))
	}
	return list
}

func headerChange(name, old string, to []string) Change {
	text, value := "without the header field "+name, ""
	if len(to) > 0 {
		text, value = fmt.Sprintf("with the header field %s: %s", name, to[0]), to[0]
	}
	return Change{Fact: "header " + name, From: old, To: value, gone: -1, distance: 1, Text: text,
		apply: func(f *policy.Facts, _ int) bool {
			all := make(map[string][]string, len(f.Headers)+1)
			for k, v := range f.Headers {
				all[k] = v
			}
			all[name] = append([]string{}, to...)
			f.Headers = all
			return true
		}}
}

// sized changes the length of a list.
func (c changer) sized(n *policy.Node, r ref, want policy.Truth) (list []Change) {
	v, ok := get(&c.s.facts, []step{{r.length, -1}}, c.s.who, false)
	if !ok {
		return nil
	}
	old := int64(v.Len())
	for _, to := range numbers(n, r, old, want) {
		ch := Change{Fact: "size(" + r.length + ")", From: fmt.Sprint(old), To: fmt.Sprint(to), gone: -1, distance: distance(old, to),
			Text: fmt.Sprintf("with %d %s", to, r.length)}
		if r.length == "recipients" && to > 0 {
			ch.apply = func(f *policy.Facts, who int) bool { return resized(f, who, int(to)) }
			list = append(list, ch)
		}
		if r.length == "attachments" && to < old {
			ch.apply = func(f *policy.Facts, _ int) bool {
				f.Attachments = slices.Clone(f.Attachments[:to])
				return true
			}
			list = append(list, ch)
		}
		if r.length == "attachments" && to > old && to-old < 1000 {
			ch.apply = func(f *policy.Facts, _ int) bool {
				f.Attachments = append(slices.Clone(f.Attachments), make([]policy.Attachment, to-old)...)
				return true
			}
			list = append(list, ch)
		}
	}
	return list
}

// resized gives a message as many recipients; who stays where it is.
func resized(f *policy.Facts, who, n int) bool {
	if n <= who || n > 10_000 {
		return false
	}
	all := slices.Clone(f.Recipients)
	for i := len(all); i < n; i++ {
		p := all[who]
		p.Address = mail.Address(fmt.Sprintf("recipient%d@%s", i+1, p.Address.Domain()))
		all = append(all, p)
	}
	f.Recipients = all[:n]
	return true
}

// directed is another direction, with sender and recipients that have it.
func (c changer) directed(old string) (list []Change) {
	for _, d := range []policy.Direction{policy.Internal, policy.Outbound, policy.Inbound} {
		if string(d) == old {
			continue
		}
		text := map[policy.Direction]string{
			policy.Internal: "if sender and recipients were all inside",
			policy.Outbound: "if it went outside",
			policy.Inbound:  "if it came from outside to recipients inside",
		}[d]
		list = append(list, Change{Fact: "direction", From: old, To: string(d), gone: -1, distance: 2, Text: text,
			apply: func(f *policy.Facts, who int) bool {
				f.Direction, f.Sender.Inside = d, d != policy.Inbound
				f.Recipients = slices.Clone(f.Recipients)
				for i := range f.Recipients {
					if d != policy.Outbound || i == who {
						f.Recipients[i].Inside = d != policy.Outbound
					}
				}
				return true
			}})
	}
	return list
}

// listed puts an address on a list, or takes another one.
func (c changer) listed(n *policy.Node, r ref, want policy.Truth) (list []Change) {
	p, ok := c.party(r.path)
	e := n.Expr
	if !ok || e.Kind != policy.ExprMethod || len(e.Args) != 2 {
		return nil
	}
	name, _ := e.Args[1].Value.(string)
	if e.Name != "in" {
		return c.grouped(r, p, e.Name, name, want)
	}
	all := map[string]*policy.List{}
	for _, l := range c.x.Set.Lists() {
		all[l.ID] = l
	}
	target := all[name]
	if target == nil {
		return nil
	}
	candidates := []string{"other@" + string(p.Address.Domain()), "other@elsewhere.example", "other@nowhere.example"}
	if want == policy.True {
		candidates = nil
		for _, m := range membersOf(all, name) {
			candidates = append(candidates, representative(m))
		}
	}
	for _, a := range candidates {
		to := mail.Address(a)
		if target.Has(to) != (want == policy.True) || to == p.Address {
			continue
		}
		word := "not on"
		if want == policy.True {
			word = "on"
		}
		return []Change{{Fact: c.called(r.path), From: p.Address.Fold(), To: a, gone: -1, distance: 5,
			Text: fmt.Sprintf("with %s, who is %s the list %q, instead of %s", a, word, name, p.Address.Fold()),
			apply: func(f *policy.Facts, who int) bool {
				q := p
				q.Address = to
				return set(f, r.path, who, q)
			}}}
	}
	return nil
}

// grouped puts an address into a group, or takes it out.
func (c changer) grouped(r ref, p policy.Party, method, group string, want policy.Truth) []Change {
	if method != "member" || group == "" {
		return nil
	}
	key := strings.ToLower(strings.TrimSpace(group))
	to := append(slices.Clone(p.Groups), key)
	text := fmt.Sprintf("if %s were a member of %s", p.Address.Fold(), group)
	if want == policy.False {
		to = slices.DeleteFunc(slices.Clone(p.Groups), func(g string) bool { return g == key })
		if to == nil {
			to = []string{}
		}
		text = fmt.Sprintf("if %s were no member of %s", p.Address.Fold(), group)
	}
	return []Change{{Fact: c.called(r.path) + ".groups " + group, To: fmt.Sprint(want), gone: -1, distance: 2, Text: text,
		apply: func(f *policy.Facts, who int) bool {
			q := p
			q.Groups = to
			return set(f, r.path, who, q)
		}}}
}

func membersOf(all map[string]*policy.List, id string) (members []string) {
	var seen []string
	for todo := []string{id}; len(todo) > 0; todo = todo[1:] {
		l := all[todo[0]]
		if l == nil || slices.Contains(seen, l.ID) {
			continue
		}
		seen = append(seen, l.ID)
		members = append(members, l.Members[:min(len(l.Members), 20)]...)
		todo = append(todo, l.Include...)
	}
	return members
}

// representative is an address that a member of a list stands for.
func representative(member string) string {
	m := strings.ToLower(strings.TrimSpace(member))
	if rest, ok := strings.CutPrefix(m, "*."); ok {
		return "somebody@sub." + rest
	}
	local, domain, ok := strings.Cut(m, "@")
	if !ok {
		return "somebody@" + m
	}
	local, domain = strings.ReplaceAll(local, "*", "x"), strings.ReplaceAll(domain, "*", "x")
	if local == "" {
		local = "somebody"
	}
	return local + "@" + domain
}

// seen is a part that could be looked into after all.
func seen(cause mail.Cause, name string) Change {
	what := "a part"
	if name != "" {
		what = fmt.Sprintf("%q", name)
	}
	return Change{Fact: "unseen", From: string(cause), To: "seen " + name, gone: -1, distance: 1,
		Text: fmt.Sprintf("if %s could be looked into (%s)", what, cause),
		apply: func(f *policy.Facts, _ int) bool {
			before := len(f.Unseen)
			f.Unseen = slices.DeleteFunc(slices.Clone(f.Unseen), func(u mail.Unseen) bool { return u.Reason == cause })
			f.Inspected = ""
			return len(f.Unseen) < before
		}}
}
