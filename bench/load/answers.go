package load

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Step is a moment at which the sink answers.
type Step struct {
	// Phase is PhaseConnect (the banner), PhaseMail, PhaseRcpt, PhaseData
	// (the command) or PhaseDot (the end of the content).
	Phase Phase
	// Line is the command; "" for the banner and the end of the content.
	Line string
	// N is the number of the message, at PhaseDot, when it has one.
	N int
}

// Answer is what the sink does at a step. The zero value is the usual
// answer.
type Answer struct {
	// Reply is a line of an answer.
	Reply string
	// Wait lies before it.
	Wait time.Duration
	// Drop breaks the connection instead of answering; at PhaseDot the
	// content is in the log all the same.
	Drop bool
}

// Rule is a scripted answer.
type Rule struct {
	Phase Phase
	// Match is part of the command's line; "" fits all.
	Match string
	// Percent is how many of the steps that fit have this answer.
	Percent int
	Answer  Answer
}

// ParseAnswers reads rules, with semicolons between them:
//
//	rcpt:nobody@=550 5.1.1 no such user; dot@2%=drop; dot@5%=451 4.3.0 later; data=wait 3s; mail@1%=wait 1s 421 4.3.2 busy
//
// that is PHASE[:PART OF THE LINE][@PERCENT%]=[wait TIME] [drop | ANSWER].
func ParseAnswers(text string) ([]Rule, error) {
	var list []Rule
	for _, part := range strings.Split(text, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		left, right, ok := strings.Cut(part, "=")
		r := Rule{Percent: 100}
		if i := strings.LastIndexByte(left, '@'); i >= 0 && strings.HasSuffix(left, "%") {
			n, err := strconv.Atoi(left[i+1 : len(left)-1])
			if err != nil || n < 1 || n > 100 {
				return nil, fmt.Errorf("load: %q: no percentage", part)
			}
			r.Percent, left = n, left[:i]
		}
		phase, match, _ := strings.Cut(left, ":")
		r.Phase, r.Match = Phase(strings.TrimSpace(phase)), match
		switch r.Phase {
		case PhaseConnect, PhaseMail, PhaseRcpt, PhaseData, PhaseDot:
		default:
			return nil, fmt.Errorf("load: %q: no phase %q", part, r.Phase)
		}
		if r.Answer, ok = parseAnswer(right, ok); !ok {
			return nil, fmt.Errorf("load: %q: no answer", part)
		}
		list = append(list, r)
	}
	return list, nil
}

func parseAnswer(text string, ok bool) (a Answer, good bool) {
	text = strings.TrimSpace(text)
	if rest, found := strings.CutPrefix(text, "wait "); found {
		first, more, _ := strings.Cut(strings.TrimSpace(rest), " ")
		d, err := time.ParseDuration(first)
		if err != nil {
			return a, false
		}
		a.Wait, text = d, strings.TrimSpace(more)
	}
	switch {
	case text == "drop":
		a.Drop = true
	case text == "":
		return a, ok && a.Wait > 0
	default:
		if len(text) < 3 || strings.Trim(text[:3], "0123456789") != "" {
			return a, false
		}
		a.Reply = text
	}
	return a, ok
}

// decide is the answer of the rules and of the function.
func (s *Sink) decide(step Step) Answer {
	for i, r := range s.Answers {
		if r.Phase != step.Phase || !strings.Contains(step.Line, r.Match) {
			continue
		}
		if n := s.turns[i].Add(1); n*int64(r.Percent)%100 < int64(r.Percent) {
			return r.Answer
		}
	}
	if s.Answer != nil {
		return s.Answer(step)
	}
	return Answer{}
}
