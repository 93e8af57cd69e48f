package policy

// A plan is the index of a set: the screens of its rules over one table of
// cheap parts. Each part is asked once a message, or once a recipient, and
// whole rules fall away by it: most of them once a message, by direction,
// class, sender or type of finding, the others by the recipient. A rule whose
// cheap parts alone say yes matches.
type plan struct {
	rules []planned
	atoms []placedAtom
	// turning are the atoms that depend on the recipient.
	turning []int
}

type planned struct {
	rule *Rule
	node *node
}

// node is a screen in a plan.
type node struct {
	op    screenOp
	parts []*node
	atom  int
}

type placedAtom struct {
	*atom
	subject Subject
}

// newPlan makes the plan of rules; their order stays.
func newPlan(rules []*Rule) *plan {
	p := &plan{rules: make([]planned, len(rules))}
	known := map[string]int{}
	for i, r := range rules {
		any := &node{op: screenOr}
		for _, subject := range r.Sender.each() {
			whole := &node{op: screenAnd, parts: []*node{p.place(r.when.screen, subject, known)}}
			if r.unless != nil {
				whole.parts = append(whole.parts, &node{op: screenNot, parts: []*node{p.place(r.unless.screen, subject, known)}})
			}
			any.parts = append(any.parts, whole)
		}
		p.rules[i] = planned{r, any}
	}
	return p
}

func (p *plan) place(s *screen, subject Subject, known map[string]int) *node {
	n := &node{op: s.op}
	for _, part := range s.parts {
		n.parts = append(n.parts, p.place(part, subject, known))
	}
	if s.op != screenAtom {
		return n
	}
	key := s.atom.key
	if s.atom.sender {
		key = string(subject) + ":" + key
	}
	at, ok := known[key]
	if !ok {
		at = len(p.atoms)
		known[key] = at
		p.atoms = append(p.atoms, placedAtom{s.atom, subject})
		if s.atom.recipient {
			p.turning = append(p.turning, at)
		}
	}
	n.atom = at
	return n
}

// sieve is a plan at work on one message.
type sieve struct {
	plan   *plan
	moment *moment
	// answers of the atoms; unasked until somebody asks.
	answers []answer
	// recipient is set while a recipient is judged.
	recipient bool
	live      []planned
}

// unasked is no answer yet.
const unasked answer = -1

// sieve keeps the rules that may match for any recipient.
func (p *plan) sieve(m *moment, wanted func(*Rule) bool) *sieve {
	s := &sieve{plan: p, moment: m, answers: make([]answer, len(p.atoms))}
	for i := range s.answers {
		s.answers[i] = unasked
	}
	for _, r := range p.rules {
		if wanted(r.rule) && s.ask(r.node) != no {
			s.live = append(s.live, r)
		}
	}
	s.recipient = true
	return s
}

// turn forgets what was said of the recipient before.
func (s *sieve) turn() {
	for _, i := range s.plan.turning {
		s.answers[i] = unasked
	}
}

// ask works a node out. Unknown and maybe come to the same: both leave the
// rule to CEL.
func (s *sieve) ask(n *node) answer {
	switch n.op {
	case screenAtom:
		return s.atom(n.atom)
	case screenNot:
		switch a := s.ask(n.parts[0]); a {
		case yes:
			return no
		case no:
			return yes
		default:
			return a
		}
	case screenAnd:
		return s.chain(n, no)
	case screenOr:
		return s.chain(n, yes)
	case screenFirst:
		for _, part := range n.parts {
			if a := s.ask(part); a == yes || a == no {
				return a
			}
		}
	}
	return maybe
}

// chain ends at the first part that decides.
func (s *sieve) chain(n *node, decides answer) answer {
	all := yes
	if decides == yes {
		all = no
	}
	for _, part := range n.parts {
		switch a := s.ask(part); a {
		case decides:
			return decides
		case cannotKnow, maybe:
			all = maybe
		}
	}
	return all
}

func (s *sieve) atom(i int) answer {
	if a := s.answers[i]; a != unasked {
		return a
	}
	a := s.plan.atoms[i]
	if (a.recipient || a.dear) && !s.recipient {
		return maybe // later
	}
	s.moment.subject = a.subject
	s.answers[i] = a.ask(s.moment)
	s.moment.subject = ""
	return s.answers[i]
}
