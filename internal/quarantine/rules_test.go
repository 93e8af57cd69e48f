package quarantine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// staff is a tenant: manager by person, members by group.
type staff struct {
	managers map[mail.Address]mail.Address
	groups   map[string][]mail.Address
	aliases  map[mail.Address]mail.Address
}

func (s staff) Manager(of mail.Address) (mail.Address, bool) {
	m, ok := s.managers[of]
	return m, ok
}

func (s staff) Members(group string) ([]mail.Address, bool, bool) {
	list, ok := s.groups[group]
	return list, group != "torn", ok
}

func (s staff) Addresses(of mail.Address) []mail.Address {
	if main, ok := s.aliases[of]; ok {
		return []mail.Address{main, of}
	}
	list := []mail.Address{of}
	for alias, main := range s.aliases {
		if main == of {
			list = append(list, alias)
		}
	}
	return list
}

func (s staff) Decides(a mail.Address) bool {
	return strings.HasSuffix(string(a), "@c.example") && a != "gone@c.example"
}

func office() staff {
	return staff{
		managers: map[mail.Address]mail.Address{"ann@c.example": "dana@c.example", "dana@c.example": "dana@c.example"},
		groups: map[string][]mail.Address{
			"legal": {"lex@c.example", "ann@c.example", "lou@c.example", "lex@c.example"}, "torn": {"tom@c.example"}, "empty": {},
			"desk@c.example": {"lex@c.example", "gone@c.example"},
		},
		aliases: map[mail.Address]mail.Address{"boss@c.example": "dana@c.example", "ann.a@c.example": "ann@c.example"},
	}
}

func TestWhoDecidesIsFoundWhenTheHoldBegins(t *testing.T) {
	var many []mail.Address
	for n := range mostSeats + 5 {
		many = append(many, mail.Address(fmt.Sprintf("p%d@c.example", n)))
	}
	people := office()
	people.groups["all"] = many
	tests := []struct {
		name                string
		approvers, deputies string
		of                  int
		sender              mail.Address
		seats, deputy       string
		deputized           bool
		missing             string
	}{
		{"the manager", "manager", "", 1, "ann@c.example", "dana@c.example", "", false, ""},
		{"the manager of an alias's owner is asked by the owner's name", "boss@c.example", "", 1, "ann@c.example", "dana@c.example", "", false, ""},
		{"no manager", "manager", "", 1, "bo@c.example", "", "", false, "the manager of bo@c.example is not known"},
		{"no manager, but a deputy", "manager", "lex@c.example", 1, "bo@c.example", "", "lex@c.example", true, "the manager of bo@c.example"},
		{"who is his own manager", "manager", "", 1, "dana@c.example", "", "", false, "dana@c.example is the sender"},
		{"a group without its sender, each member once", "group:legal", "", 1, "ann@c.example", "lex@c.example lou@c.example", "", false, "ann@c.example is the sender"},
		{"the sender by another address of his", "group:legal", "", 1, "ann.a@c.example", "lex@c.example lou@c.example", "", false, "is the sender"},
		{"a group that is not there", "group:nope", "", 1, "ann@c.example", "", "", false, "there is no group nope"},
		{"an empty group", "group:empty", "", 1, "ann@c.example", "", "", false, ""},
		{"a group of which not all is known", "group:torn", "", 1, "ann@c.example", "tom@c.example", "", false, "not all members"},
		{"a deputy who has a seat already", "manager", "dana@c.example lex@c.example", 1, "ann@c.example", "dana@c.example", "lex@c.example", false, ""},
		{"more must agree than there are", "manager", "", 2, "ann@c.example", "dana@c.example", "", false, "2 must agree, and only 1 can be asked"},
		{"a shared mailbox, by those who work in it and are there", "desk@c.example", "", 1, "ann@c.example",
			"lex@c.example", "", false, "gone@c.example is not of the tenant, or no longer there"},
		{"who is of another tenant", "boss@other.example", "lex@c.example", 1, "ann@c.example",
			"", "lex@c.example", true, "boss@other.example is not of the tenant"},
		{"nobody is named", "", "", 1, "ann@c.example", "", "", false, ""},
	}
	for _, tt := range tests {
		p := Resolve(strings.Fields(tt.approvers), strings.Fields(tt.deputies), tt.of, tt.sender, people)
		if got := joined(p.Seats); got != tt.seats || joined(p.Deputies) != tt.deputy || p.Deputized != tt.deputized {
			t.Errorf("%s: %+v", tt.name, p)
		}
		if got := strings.Join(p.Missing, "; "); tt.missing == "" && got != "" || !strings.Contains(got, tt.missing) {
			t.Errorf("%s: missing %q, want %q", tt.name, got, tt.missing)
		}
		if p.Administrators() != (tt.seats == "" && tt.deputy == "") {
			t.Errorf("%s: administrators", tt.name)
		}
	}
	p := Resolve([]string{"group:all", "group:legal"}, nil, 1, "x@c.example", people)
	if len(p.Seats) != mostSeats || len(p.Missing) != 1 {
		t.Errorf("%d seats, %q", len(p.Seats), p.Missing)
	}
	if p := Resolve([]string{"manager"}, nil, 1, "ann@c.example", nil); !p.Administrators() {
		t.Errorf("without a directory: %+v", p)
	}
}

func joined(list []mail.Address) string {
	var words []string
	for _, a := range list {
		words = append(words, string(a))
	}
	return strings.Join(words, " ")
}

func admin(rights Rights) Person { return Person{Name: "uid:0", By: ByAdmin, Rights: rights} }

func by(a mail.Address) Person { return Person{Tenant: "c", Address: a, By: ByDevice} }

func waiting(change func(*Hold)) Hold {
	h := New(Hold{
		Message: "m", Recipient: "bob@x.example", Tenant: "c", Ref: "ABCD-EFGH", Sender: "ann@c.example",
		Own: []mail.Address{"ann@c.example", "ann.a@c.example"}, Subject: "cards", Rules: []string{"cards"}, Because: "cards",
	}, &policy.Hold{For: 48 * time.Hour, Then: policy.EndRefuse}, Panel{Seats: []mail.Address{"dana@c.example"}}, noon())
	if change != nil {
		change(&h)
	}
	return h
}

// The whole of "who may do what": one row each.
func TestWhoMayDoWhat(t *testing.T) {
	decider, nothing := admin(Rights{Metadata: true, Decide: true}), admin(Rights{Metadata: true, Content: true})
	handler := admin(Rights{Decide: true, Malware: true})
	asIs := func(*Hold) {}
	danger := func(h *Hold) { h.Danger = true }
	override := func(h *Hold) { h.Override = true }
	delay := func(h *Hold) { h.Delay = true }
	pinned := func(h *Hold) { h.PinDown("uid:0", "case 7", noon()) }
	deputy := func(h *Hold) { h.Panel.Deputies = []mail.Address{"lex@c.example"} }
	deputized := func(h *Hold) { h.Panel.Deputies, h.Panel.Deputized = []mail.Address{"lex@c.example"}, true }
	over := func(h *Hold) { h.end(Released, "dana@c.example", ByDevice, "", noon()) }
	said := func(h *Hold) { h.Of, h.Votes = 2, []Vote{{By: "dana@c.example", Approve: true, At: noon()}} }
	asked := func(h *Hold) { h.Questions = []Question{{By: "dana@c.example", Text: "why?"}} }
	altered := func(h *Hold) { h.Altered = true }
	ownSeat := func(h *Hold) { h.Panel.Seats = append(h.Panel.Seats, "ann.a@c.example") }
	tests := []struct {
		name string
		hold func(*Hold)
		who  Person
		act  Act
		why  Why
	}{
		{"who is asked approves", asIs, by("dana@c.example"), Approve, ""},
		{"in other letters", asIs, by("Dana@C.example"), Approve, ""},
		{"who is asked rejects", asIs, by("dana@c.example"), Reject, ""},
		{"a link alone", asIs, Person{Tenant: "c", Address: "dana@c.example"}, Approve, NotIdentified},
		{"nobody", asIs, Person{Tenant: "c", By: ByDevice}, Approve, NotIdentified},
		{"somebody else", asIs, by("eve@c.example"), Approve, NotYours},
		{"the recipient", asIs, by("bob@x.example"), Approve, NotYours},
		{"the sender", asIs, by("ann@c.example"), Approve, OwnMail},
		{"the sender who has a seat by mistake", ownSeat, by("ann.a@c.example"), Approve, OwnMail},
		{"the sender, signed in as an administrator", asIs, Person{Tenant: "c", Address: "ann@c.example", By: ByAdmin, Rights: Rights{Decide: true}}, Approve, OwnMail},
		{"a deputy who was not asked yet", deputy, by("lex@c.example"), Approve, NotYours},
		{"a deputy who was asked", deputized, by("lex@c.example"), Approve, ""},
		{"an administrator who decides", asIs, decider, Approve, ""},
		{"an administrator who only looks", asIs, nothing, Approve, NeedsRight},
		{"an administrator who only looks, rejecting", asIs, nothing, Reject, NeedsRight},
		{"malware, approver", danger, by("dana@c.example"), Approve, NeedsRight},
		{"malware, rejecting", danger, by("dana@c.example"), Reject, ""},
		{"malware, administrator without that right", danger, decider, Approve, NeedsRight},
		{"malware, administrator with that right", danger, handler, Approve, ""},
		{"malware, sender who may choose", func(h *Hold) { h.Danger, h.Override = true, true }, by("ann@c.example"), Send, NeedsRight},
		{"the sender sends where he may", override, by("ann@c.example"), Send, ""},
		{"the sender by another address", override, by("ann.a@c.example"), Send, ""},
		{"the sender sends where he may not", asIs, by("ann@c.example"), Send, NotPossible},
		{"somebody else sends", override, by("dana@c.example"), Send, NotYours},
		{"an administrator sends in his name", override, decider, Send, NotYours},
		{"the sender sends at once what only waits", delay, by("ann@c.example"), Send, ""},
		{"nobody approves what only waits", delay, by("dana@c.example"), Approve, NotPossible},
		{"the sender cancels", asIs, by("ann@c.example"), Cancel, ""},
		{"the sender takes one out", asIs, by("ann@c.example"), Remove, ""},
		{"somebody else cancels", asIs, by("dana@c.example"), Cancel, NotYours},
		{"an administrator cancels", asIs, decider, Cancel, NotYours},
		{"asking the sender", asIs, by("dana@c.example"), Ask, ""},
		{"answering", asked, by("ann@c.example"), Answer, ""},
		{"answering what nobody asked", asIs, by("ann@c.example"), Answer, NotPossible},
		{"handing on", asIs, by("dana@c.example"), HandOn, ""},
		{"an administrator, who has no seat, names one more", asIs, decider, HandOn, ""},
		{"pinning", asIs, decider, PinIt, ""},
		{"an approver pins", asIs, by("dana@c.example"), PinIt, NeedsRight},
		{"unpinning what is not", asIs, decider, UnpinIt, NotPossible},
		{"pinned: approve", pinned, by("dana@c.example"), Approve, IsPinned},
		{"pinned: an administrator approves", pinned, decider, Approve, IsPinned},
		{"pinned: cancel", pinned, by("ann@c.example"), Cancel, IsPinned},
		{"pinned: the deadline", pinned, Person{Name: "deadline", By: ByClock}, Reject, IsPinned},
		{"pinned: unpin", pinned, decider, UnpinIt, ""},
		{"over", over, by("dana@c.example"), Approve, OverAlready},
		{"over, and another", over, by("eve@c.example"), Reject, NotYours},
		{"over, and an administrator", over, nothing, Reject, OverAlready},
		{"over, and its sender", over, by("ann.a@c.example"), Cancel, OverAlready},
		{"over, and who has said something and handed on since", func(h *Hold) {
			h.Votes = []Vote{{By: "max@c.example", At: noon()}}
			h.end(Released, "dana@c.example", ByDevice, "", noon())
		}, by("max@c.example"), Approve, OverAlready},
		{"a person of the same address in another tenant", asIs,
			Person{Tenant: "d", Address: "dana@c.example", By: ByDevice}, Approve, NotYours},
		{"a person of no tenant", asIs, Person{Address: "dana@c.example", By: BySignIn}, Approve, NotYours},
		{"an administrator of another tenant", asIs,
			Person{Tenant: "d", Name: "max", By: ByAdmin, Rights: Rights{Decide: true}}, Approve, NotYours},
		{"an administrator of this tenant", asIs,
			Person{Tenant: "c", Name: "max", By: ByAdmin, Rights: Rights{Decide: true}}, Approve, ""},
		{"another tenant asks how it ended", over,
			Person{Tenant: "d", Address: "dana@c.example", By: ByDevice}, Approve, NotYours},
		{"the deadline lets malware go", danger, Person{Name: "deadline", By: ByClock}, Approve, NeedsRight},
		{"twice", said, by("dana@c.example"), Approve, SaidAlready},
		{"the other way round", said, by("dana@c.example"), Reject, SaidAlready},
		{"the deadline", asIs, Person{Name: "deadline", By: ByClock}, Reject, ""},
		{"the deadline, of a changed row", altered, Person{Name: "deadline", By: ByClock}, Approve, WasAltered},
		{"a changed row", altered, by("dana@c.example"), Approve, WasAltered},
		{"a changed row, administrator", altered, decider, Approve, ""},
		{"no such thing", asIs, decider, "burn", NotPossible},
	}
	for _, tt := range tests {
		h := waiting(tt.hold)
		if got := WhyOf(h.May(tt.who, tt.act)); got != tt.why {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.why)
		}
	}
	for _, a := range Acts() {
		h := waiting(nil)
		if h.May(Person{}, a) == nil {
			t.Errorf("nobody may %s", a)
		}
	}
}

// k of n: names with a minus say no, "admin" is an administrator.
func TestHowManyMustAgree(t *testing.T) {
	tests := []struct {
		of    int
		seats string
		said  string
		want  Standing
	}{
		{1, "a b c", "a", Agreed},
		{1, "a b c", "-a", Refused},
		{1, "a", "-admin", Refused},
		{1, "a", "admin", Agreed},
		{2, "a b c", "a", Open},
		{2, "a b c", "a b", Agreed},
		{2, "a b c", "a -b", Open},
		{2, "a b c", "a -b c", Agreed},
		{2, "a b c", "-a -b", Refused},
		{2, "a b c", "-admin", Refused},
		{2, "a b c", "a admin", Agreed},
		{2, "a b", "-a", Refused},
		{2, "a", "a", Open},
		{2, "a", "a admin", Agreed},
		{2, "", "admin", Open},
		{3, "a b c", "a b -c", Refused},
	}
	for _, tt := range tests {
		h := waiting(func(h *Hold) { h.Of, h.Panel = tt.of, Panel{} })
		for name := range strings.FieldsSeq(tt.seats) {
			h.Panel.Seats = append(h.Panel.Seats, mail.Address(name+"@c.example"))
		}
		var got Standing
		for name := range strings.FieldsSeq(tt.said) {
			name, no := strings.CutPrefix(name, "-")
			who := by(mail.Address(name + "@c.example"))
			if name == "admin" {
				who = admin(Rights{Decide: true})
			}
			var err error
			if got, err = h.Say(who, !no, "", noon()); err != nil {
				t.Errorf("%d of %q, %q: %v", tt.of, tt.seats, tt.said, err)
			}
		}
		if got != tt.want {
			t.Errorf("%d of %q said %q: %d, want %d", tt.of, tt.seats, tt.said, got, tt.want)
		}
	}
	h := waiting(func(h *Hold) { h.Of = 2 })
	if _, err := h.Say(by("dana@c.example"), true, "", noon()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Say(by("DANA@c.example"), true, "", noon()); WhyOf(err) != SaidAlready || len(h.Votes) != 1 {
		t.Errorf("one person is two: %v", err)
	}
}

func TestRemindersDeputiesAndPins(t *testing.T) {
	terms := &policy.Hold{For: 48 * time.Hour, Then: policy.EndRefuse}
	terms.Remind = []time.Duration{8 * time.Hour, 40 * time.Hour}
	h := New(Hold{}, terms, Panel{Seats: []mail.Address{"a@c"}, Deputies: []mail.Address{"d@c"}}, noon())
	if got := h.next(); !got.Equal(noon().Add(8 * time.Hour)) {
		t.Fatal(got)
	}
	if list := h.Remember(noon().Add(time.Hour)); list != nil {
		t.Errorf("too soon: %v", list)
	}
	if list := h.Remember(noon().Add(8 * time.Hour)); len(list) != 1 || joined(list[0].To) != "a@c" || list[0].Deputies {
		t.Errorf("%+v", list)
	}
	list := h.Remember(noon().Add(45 * time.Hour)) // the gateway was off
	if len(list) != 2 || !list[0].Deputies || joined(list[0].To) != "d@c" || joined(list[1].To) != "a@c" || !h.next().IsZero() {
		t.Errorf("%+v %s", list, h.next())
	}
	h.PinDown("uid:0", "why", noon().Add(46*time.Hour))
	if !h.Until.IsZero() || h.Pinned.Left != 2*time.Hour {
		t.Errorf("%+v", h)
	}
	h.Unpin(noon().Add(1000 * time.Hour))
	if !h.Until.Equal(noon().Add(1024 * time.Hour)) {
		t.Errorf("a day at least: %s", h.Until)
	}
	working := &policy.Hold{For: 8 * time.Hour, Then: policy.EndRefuse}
	working.Working = &policy.Working{Days: []string{"mon", "tue", "wed", "thu", "fri"}, From: 9 * 60, To: 17 * 60, Zone: "Europe/Amsterdam"}
	working.Remind = []time.Duration{4 * time.Hour}
	friday := time.Date(2026, 10, 23, 13, 0, 0, 0, time.UTC) // the clocks change on Sunday
	h = New(Hold{}, working, Panel{Seats: []mail.Address{"a@c"}}, friday)
	if want := time.Date(2026, 10, 26, 14, 0, 0, 0, time.UTC); !h.Until.Equal(want) {
		t.Errorf("%s, want %s", h.Until, want)
	}
	if want := time.Date(2026, 10, 26, 10, 0, 0, 0, time.UTC); !h.Remind[0].Equal(want) {
		t.Errorf("%s, want %s", h.Remind[0], want)
	}
}

func TestAReasonIsOneOfTheRules(t *testing.T) {
	h := waiting(func(h *Hold) { h.Override, h.Reasons, h.Comment = true, []string{"Contract"}, policy.CommentRequired })
	for _, tt := range []struct {
		choice, text string
		ok           bool
	}{
		{"Contract", "we have one", true}, {"Contract", " ", false}, {"", "we have one", false}, {"Other", "we have one", false},
		{"Contract", strings.Repeat("x", mostComment+1), false},
	} {
		r, err := h.ReasonFor(tt.choice, tt.text, noon())
		if (err == nil) != tt.ok || (r != nil) != tt.ok {
			t.Errorf("%q %.20q: %v", tt.choice, tt.text, err)
		}
	}
	h.Delay = true
	if _, err := h.ReasonFor("", "", noon()); err != nil {
		t.Error("a delay needs no reason")
	}
	yes := func(comment string) error {
		_, err := h.Say(admin(Rights{Decide: true}), true, comment, noon())
		return err
	}
	if err := yes(strings.Repeat("x", mostComment+1)); WhyOf(err) != NotPossible {
		t.Error("a comment of any length")
	}
	if err := yes("fine\x00\u202e\nreally "); err != nil || h.Votes[0].Comment != "fine\nreally" {
		t.Errorf("what disturbs readers stays: %q %v", h.Votes[0].Comment, err)
	}
	h = waiting(func(h *Hold) { h.Override = true })
	if r, err := h.ReasonFor(strings.Repeat("x", 1000), "", noon()); err != nil || r.Choice != "" {
		t.Errorf("a reason that nobody offered is kept: %+v %v", r, err)
	}
}

func TestSomethingMayBeAskedOnlySoOften(t *testing.T) {
	h := waiting(nil)
	for range mostQuestions {
		if err := h.Change(by("dana@c.example"), Ask, "why?", "", noon()); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Change(by("dana@c.example"), Ask, "why?", "", noon()); WhyOf(err) != NotPossible {
		t.Errorf("%v", err)
	}
	if err := h.Change(by("ann@c.example"), Answer, " ", "", noon()); WhyOf(err) != NeedsReason {
		t.Errorf("an empty answer: %v", err)
	}
	if err := h.Change(by("ann@c.example"), Answer, "so", "", noon()); err != nil || h.Questions[mostQuestions-1].Answer != "so" {
		t.Errorf("%v", err)
	}
}

func TestASeatIsHandedOn(t *testing.T) {
	dana, lex := by("dana@c.example"), by("lex@c.example")
	h := waiting(nil)
	for other, why := range map[mail.Address]Why{"": NotPossible, "ann.a@c.example": OwnMail} {
		if err := h.Change(dana, HandOn, "", other, noon()); WhyOf(err) != why {
			t.Errorf("to %q: %v", other, err)
		}
	}
	if err := h.Change(dana, HandOn, "", "lex@c.example", noon()); err != nil {
		t.Fatal(err)
	}
	if h.May(dana, Approve) == nil || h.May(lex, Approve) != nil || len(h.Panel.Seats) != 1 {
		t.Errorf("%+v", h.Panel)
	}
	h = waiting(func(h *Hold) { h.Of, h.Panel.Seats = 2, append(h.Panel.Seats, "lex@c.example") })
	if _, err := h.Say(dana, true, "", noon()); err != nil {
		t.Fatal(err)
	}
	if err := h.Change(lex, HandOn, "", "dana@c.example", noon()); WhyOf(err) != SaidAlready {
		t.Errorf("two voices in one hand: %v", err)
	}
}

// What nobody could decide, and what is dangerous, does not go by itself,
// whatever the policy says of the end.
func TestWhatDoesNotGoByItself(t *testing.T) {
	release := &policy.Hold{For: time.Hour, Then: policy.EndRelease}
	named := Panel{Named: []string{"manager"}}
	staffed := Panel{Named: []string{"manager"}, Seats: []mail.Address{"dana@c.example"}}
	tests := []struct {
		name  string
		m     Hold
		terms *policy.Hold
		panel Panel
		want  policy.End
	}{
		{"somebody could decide and did not", Hold{}, release, staffed, policy.EndRelease},
		{"the policy asks nobody", Hold{}, release, Panel{}, policy.EndRelease},
		{"nobody was found", Hold{}, release, named, policy.EndRefuse},
		{"malware", Hold{Danger: true}, release, staffed, policy.EndRefuse},
	}
	for _, tt := range tests {
		h := New(tt.m, tt.terms, tt.panel, noon())
		if h.End != tt.want {
			t.Errorf("%s: %s", tt.name, h.End)
		}
		if err := h.May(Person{Name: "deadline", By: ByClock}, Approve); (err == nil) != (tt.want == policy.EndRelease) {
			t.Errorf("%s: the deadline: %v", tt.name, err)
		}
	}
}

// A subject that a stranger chose hides neither the addresses nor the
// reference, and takes no more room than it may.
func TestASubjectOfAnyLengthTakesLittleRoom(t *testing.T) {
	var subject strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&subject, "ä%d ", n)
	}
	h := New(Hold{
		Subject: subject.String(), Sender: "ann@c.example", Recipient: "bob@x.example", Ref: "ABCD-EFGH",
	}, &policy.Hold{}, Panel{}, noon())
	if n := len([]rune(h.Subject)); n != mostSubject {
		t.Errorf("%d characters", n)
	}
	words := h.words()
	for _, w := range []string{"abcd-efgh", "ann@c.example", "bob", "ä1"} {
		if !slices.Contains(words, w) {
			t.Errorf("not found by %q", w)
		}
	}
	if len(words) != mostWords {
		t.Errorf("%d words", len(words))
	}
}

func TestWords(t *testing.T) {
	got := Words("Rechnung für Müller, 4711 <Ann.Smith@Contoso.example> re:re", 20)
	for _, w := range []string{"rechnung", "für", "müller", "4711", "ann.smith@contoso.example", "ann", "smith", "contoso", "re"} {
		if !slices.Contains(got, w) {
			t.Errorf("%q lacks %q", got, w)
		}
	}
	if got := Words(strings.Repeat("a ", 100)+strings.Repeat("x", 100), 3); len(got) != 2 || len(got[1]) != longWord {
		t.Errorf("%q", got)
	}
	var many strings.Builder
	for n := range 100 {
		fmt.Fprintf(&many, "w%d ", n)
	}
	if got := Words(many.String(), mostWords); len(got) != mostWords {
		t.Errorf("%d", len(got))
	}
	if len(Filter{Text: many.String()}.keys()) != mostAsked {
		t.Error("a query of any length")
	}
}
