package power

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Outside is what others were told up to a place of the recording, and what
// they told us.
type Outside struct {
	// Promised are the messages in custody whose client was answered 250, by
	// our id; the value is the token of the message.
	Promised map[string]string
	// Relayed are the tokens whose client was answered with the next hop's own
	// 250.
	Relayed map[string]bool
	// Refused are the tokens whose client was answered 4xx or 5xx.
	Refused map[string]bool
	// Onward are the tokens of which the next hop has begun to get octets.
	Onward map[string]bool
	// Taken are the recipients for whom the next hop answered 250 to a message
	// or to a report about it, as "token address".
	Taken map[string]bool
	// Decided are the ids of held messages whose release or rejection was
	// confirmed to the administrator.
	Decided map[string]bool
}

func newOutside() *Outside {
	return &Outside{
		Promised: map[string]string{}, Relayed: map[string]bool{}, Refused: map[string]bool{},
		Onward: map[string]bool{}, Taken: map[string]bool{}, Decided: map[string]bool{},
	}
}

// clone is for a check that runs while the replay goes on.
func (o *Outside) clone() *Outside {
	c := newOutside()
	for id, token := range o.Promised {
		c.Promised[id] = token
	}
	for to, from := range map[*map[string]bool]map[string]bool{
		&c.Relayed: o.Relayed, &c.Refused: o.Refused, &c.Onward: o.Onward, &c.Taken: o.Taken, &c.Decided: o.Decided,
	} {
		for k := range from {
			(*to)[k] = true
		}
	}
	return c
}

// Fact is something that the outside learned, at the place of its call.
type Fact struct {
	At   int
	Kind string // promised, relayed, refused, onward, taken, decided
	// Token names the message as its sender does, ID as we do.
	Token, ID string
	To        []string
}

func (o *Outside) add(f Fact) {
	switch f.Kind {
	case "promised":
		o.Promised[f.ID] = f.Token
	case "relayed":
		o.Relayed[f.Token] = true
	case "refused":
		o.Refused[f.Token] = true
	case "onward":
		o.Onward[f.Token] = true
	case "taken":
		for _, to := range f.To {
			o.Taken[f.Token+" "+to] = true
		}
	case "decided":
		o.Decided[f.ID] = true
	}
}

// count is how many facts of a kind there are.
func (o *Outside) count(kind string) int {
	return map[string]int{
		"promised": len(o.Promised), "relayed": len(o.Relayed), "refused": len(o.Refused),
		"onward": len(o.Onward), "taken": len(o.Taken), "decided": len(o.Decided),
	}[kind]
}

// Listener reads the facts from the calls on sockets. A message carries its
// token in Message-ID; the next hop repeats it in its answer, with the
// recipients.
type Listener struct {
	front, back string // addresses of the front door and of the next hop
	token       *regexp.Regexp
	taken       *regexp.Regexp
	kept        *regexp.Regexp
	decision    *regexp.Regexp
	clients     map[string]*talk
	hops        map[string]*talk
	admins      map[string]string
	facts       []Fact
}

// talk is one connection: what was read or written since the last answer.
type talk struct {
	text  []byte
	token string
}

// Listen takes the facts out of a recording of a gateway whose front door and
// next hop are at these addresses.
func Listen(calls []Call, front, back string) []Fact {
	l := &Listener{
		front: front, back: back,
		token:    regexp.MustCompile(`tok[0-9a-f]{16}`),
		taken:    regexp.MustCompile(`^250 2\.6\.0 taken (tok[0-9a-f]{16}) for (\S+)`),
		kept:     regexp.MustCompile(`^250 2\.6\.0 Taken by Postern as (\S+)`),
		decision: regexp.MustCompile(`POST /held-(?:release|reject) (?s:.*)(\{.*\})`),
		clients:  map[string]*talk{}, hops: map[string]*talk{}, admins: map[string]string{},
	}
	for _, c := range calls {
		l.call(c)
	}
	slices.SortStableFunc(l.facts, func(a, b Fact) int { return a.At - b.At })
	return l.facts
}

func (l *Listener) call(c Call) {
	reading := c.Name == "read"
	if !reading && c.Name != "write" && c.Name != "writev" {
		return
	}
	switch {
	case strings.HasPrefix(c.On, "UNIX"):
		l.admin(c, reading)
	case strings.HasPrefix(c.On, "TCP:["+l.front+"->"):
		l.client(c, reading)
	case strings.HasPrefix(c.On, "TCP:[") && strings.HasSuffix(c.On, "->"+l.back+"]"):
		l.hop(c, reading)
	}
}

func talking(with map[string]*talk, on string) *talk {
	t := with[on]
	if t == nil {
		t = &talk{}
		with[on] = t
	}
	return t
}

// hear looks for the first token in what came since the last answer.
func (t *talk) hear(data []byte, token *regexp.Regexp) (found bool) {
	if t.token != "" {
		return false
	}
	t.text = append(t.text, data...)
	if m := token.Find(t.text); m != nil {
		t.token, t.text = string(m), nil
		return true
	}
	if n := len(t.text); n > 64 {
		t.text = t.text[n-64:]
	}
	return false
}

// client follows a connection to the front door. The first answer after a
// token is the answer to the message.
func (l *Listener) client(c Call, reading bool) {
	t := talking(l.clients, c.On)
	if reading {
		t.hear(c.Data, l.token)
		return
	}
	if t.token == "" {
		return
	}
	f := Fact{At: c.Begin, Token: t.token}
	t.token, t.text = "", nil
	switch m := l.kept.FindSubmatch(c.Data); {
	case m != nil:
		f.Kind, f.ID = "promised", string(m[1])
	case bytes.HasPrefix(c.Data, []byte("2")):
		f.Kind = "relayed"
	default:
		f.Kind = "refused"
	}
	l.facts = append(l.facts, f)
}

// hop follows a connection to the next hop.
func (l *Listener) hop(c Call, reading bool) {
	t := talking(l.hops, c.On)
	if !reading {
		if t.hear(c.Data, l.token) {
			l.facts = append(l.facts, Fact{At: c.Begin, Kind: "onward", Token: t.token})
		}
		return
	}
	for _, line := range bytes.Split(c.Data, []byte("\n")) {
		if m := l.taken.FindSubmatch(line); m != nil {
			l.facts = append(l.facts, Fact{
				At: c.End, Kind: "taken", Token: string(m[1]), To: strings.Split(string(m[2]), ","),
			})
		}
	}
	if bytes.Contains(c.Data, []byte(" end of message")) {
		t.token, t.text = "", nil
	}
}

// admin follows the socket of the command line.
func (l *Listener) admin(c Call, reading bool) {
	if reading {
		l.admins[c.On] += string(c.Data)
		return
	}
	m := l.decision.FindStringSubmatch(l.admins[c.On])
	delete(l.admins, c.On)
	var asked struct {
		Message string `json:"message"`
	}
	if m == nil || json.Unmarshal([]byte(m[1]), &asked) != nil || !bytes.Contains(c.Data, []byte("200 OK")) ||
		bytes.Contains(c.Data, []byte(`"problem"`)) {
		return
	}
	l.facts = append(l.facts, Fact{At: c.Begin, Kind: "decided", ID: asked.Message})
}
