package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
)

func TestParametersOfActionsAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, then string
		want       []Step
	}{
		{
			"the subject gets a tag, the text a banner",
			`{ header: { tag: "[EXTERNAL]", banner: { text: "Take care.", style: warning } } }`,
			[]Step{{Action: SetHeader, Edit: Edit{Tags: []string{"[EXTERNAL]"}, Banners: []Banner{{"Take care.", Warning}}}}},
		},
		{
			"a banner is a text alone",
			`{ header: { banner: "Take care." } }`,
			[]Step{{Action: SetHeader, Edit: Edit{Banners: []Banner{{"Take care.", Info}}}}},
		},
		{
			"To and Cc hide those outside, and Exchange quarantines",
			`{ header: { hide: outside, handoff: quarantine } }`,
			[]Step{{Action: SetHeader, Edit: Edit{Hide: HideOutside}, Handoff: Quarantine}},
		},
		{
			"a copy apart, and recipients besides",
			`{ copy: { to: a@x.example, bcc: [b@x.example], cc: c@x.example } }`,
			[]Step{{Action: Copy, To: []mail.Address{"a@x.example"}, Added: []Added{{"b@x.example", false}, {"c@x.example", true}}}},
		},
		{"evidence is kept", `{ copy: { keep: 90d } }`, []Step{{Action: Copy, Keep: 90 * 24 * time.Hour}}},
		{
			"a message may only wait",
			`{ hold: { delay: 10m } }`,
			[]Step{{Action: HoldFor, For: 10 * time.Minute, End: EndRelease, Terms: Terms{Delay: true}}},
		},
		{
			"two of a group decide in working time, else their deputies",
			`{ hold: { approver: [manager, "group:legal"], of: 2, deputy: desk@x.example, for: 16h, remind: [8h, 4h],
			  working: { days: [tue, mon], from: "08:30", to: "24:00", zone: Europe/Amsterdam, holidays: 2026-12-25 }, then: release-encrypted } }`,
			[]Step{{Action: HoldFor, Approvers: []string{"manager", "group:legal"}, For: 16 * time.Hour, End: EndReleaseEncrypted, Terms: Terms{
				Of: 2, Deputies: []string{"desk@x.example"}, Remind: []time.Duration{4 * time.Hour, 8 * time.Hour},
				Working: &Working{Days: []string{"mon", "tue"}, From: 510, To: 1440, Zone: "Europe/Amsterdam", Holidays: []string{"2026-12-25"}},
			}}},
		},
		{
			"the recipient may ask for what was kept back, and who decides sees it redacted",
			`{ hold: { recipient: [see, request], preview: redacted } }`,
			[]Step{{Action: HoldFor, For: defaultHold, End: EndRefuse, Terms: Terms{
				Recipient: []Right{RightSee, RightRequest}, Preview: PreviewRedacted,
			}}},
		},
		{
			"the sender chooses a reason and says why",
			`{ override: { reasons: [customer asked, contract], comment: required, for: 4h, then: release } }`,
			[]Step{{Action: Override, For: 4 * time.Hour, End: EndRelease,
				Terms: Terms{Reasons: []string{"customer asked", "contract"}, Comment: CommentRequired}}},
		},
		{
			"blocked only if it cannot be sent securely",
			`{ secure: { level: portal, otherwise: block } }`,
			[]Step{{Action: Secure, Level: LevelPortal, Otherwise: Block}},
		},
		{"secure alone means a verified server, or it waits", `secure`, []Step{{Action: Secure, Level: LevelVerified, Otherwise: HoldFor}}},
		{"blocked in the session", `{ block: { refuse: session } }`, []Step{{Action: Block, Refuse: RefuseSession}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := load(t, policyText("a", ModeEnforce, "true", tt.then)).Rules()[0].Steps
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestADelayGivesWay: a delay ends by itself, so that whatever else stops,
// secures or diverts a message decides, whichever rule comes first.
func TestADelayGivesWay(t *testing.T) {
	t.Parallel()
	const delay = "{ hold: { delay: 10m } }"
	tests := []struct {
		name, other string
		want        Action
		waits       bool
	}{
		{"to a block", "block", Block, false},
		{"to a hold for approval", "{ hold: { approver: manager } }", HoldFor, false},
		{"to an override", "override", Override, false},
		{"to secure delivery", "secure", Secure, false},
		{"to a redirect", "{ redirect: { to: [a@x.example] } }", Redirect, false},
		{"not to a copy", "{ copy: { to: [a@x.example] } }", HoldFor, true},
		{"not to a header field", "{ header: { set: { X-A: b } } }", HoldFor, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := policyText("a-delay", ModeEnforce, "true", delay) + "---\n" + policyText("b-other", ModeEnforce, "true", tt.other)
			r := Decide(load(t, text), facts(), nil).Recipients[0]
			if r.Action != tt.want || r.Hold.waits() != tt.waits {
				t.Errorf("%+v", r)
			}
			if !tt.waits && (len(r.Lost) != 1 || r.Lost[0].Rule != "a-delay") {
				t.Errorf("the delay is not among the losers: %+v", r.Lost)
			}
		})
	}
}

func TestADelayDoesNotOpenAGate(t *testing.T) {
	t.Parallel()
	f := facts()
	f.Unseen = []mail.Unseen{{Part: "2", Reason: mail.Encrypted}}
	closed := Gates{mail.Encrypted: Closed}
	for name, then := range map[string]string{
		"a delay":                     "{ hold: { delay: 10m } }",
		"a hold that ends in release": "{ hold: { then: release } }",
	} {
		h := Decide(load(t, policyText("a", ModeEnforce, "true", then)), f, closed).Recipients[0].Hold
		if h == nil || h.Delay || h.Then != EndRefuse || len(h.Causes) != 1 {
			t.Errorf("%s: what was not seen leaves by itself: %+v", name, h)
		}
	}
	f = facts()
	f.Headers["x-class"] = []string{"there"}
	text := policyText("a", ModeEnforce, "true", "{ hold: { delay: 10m } }") + "---\n" +
		policyText("b", ModeEnforce, "true", "{ header: { fail: { X-Class: red } } }")
	if h := Decide(load(t, text), f, nil).Recipients[0].Hold; h.waits() {
		t.Errorf("a field that must not be there leaves by itself: %+v", h)
	}
}

func TestADelayInEveryMode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode  Mode
		want  Action
		waits bool
	}{
		{ModeLog, Notify, false}, {ModeNotify, Notify, false}, {ModeOverride, HoldFor, true}, {ModeEnforce, HoldFor, true},
	} {
		text := policyText("a", tt.mode, "true", "{ hold: { delay: 10m } }") + "---\n" +
			policyText("n", ModeEnforce, "true", "{ notify: { text: x } }")
		r := Decide(load(t, text), facts(), nil).Recipients[0]
		if r.Action != tt.want || r.Hold.waits() != tt.waits || !r.Notify {
			t.Errorf("%s: %+v", tt.mode, r)
		}
	}
}

func TestWhatIsChangedAddsUp(t *testing.T) {
	t.Parallel()
	text := policyText("a", ModeEnforce, "true", `{ header: { tag: "[A]", banner: one, hide: outside, handoff: encrypt }, copy: { bcc: [x@x.example] } }`) +
		"---\n" + policyText("b", ModeEnforce, "true", `{ header: { tag: "[B]", banner: one, hide: all, handoff: quarantine }, copy: { cc: [X@x.example] } }`) +
		"---\n" + policyText("c", ModeEnforce, "true", `{ header: { tag: "[A]", hide: outside, handoff: junk } }`)
	r := Decide(load(t, text), facts(), nil).Recipients[0]
	want := Edit{Tags: []string{"[A]", "[B]"}, Banners: []Banner{{"one", Info}}, Hide: HideAll, Cc: []mail.Address{"X@x.example"}}
	if d := cmp.Diff(want, r.Edit); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Handoff{Quarantine, Encrypt, Junk}, r.Handoff); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Added{{"x@x.example", true}}, r.Added); d != "" {
		t.Error(d)
	}
}

func TestWhatCannotBeCarriedOutIsRefused(t *testing.T) {
	t.Parallel()
	missing := map[string]string{"hold.remind": "nobody is asked by mail", "secure.level.portal": "there are no pages"}
	for _, tt := range []struct {
		mode Mode
		then string
		want string
	}{
		{ModeEnforce, "{ hold: { remind: 4h } }", `policy.yaml:7:3: this installation cannot carry out "hold.remind" yet: nobody is asked by mail`},
		{ModeOverride, "{ hold: { remind: 4h } }", `"hold.remind"`},
		{ModeEnforce, "{ secure: { level: portal } }", `"secure.level.portal" yet: there are no pages`},
		{ModeLog, "{ hold: { remind: 4h } }", ""},
		{ModeOff, "{ hold: { remind: 4h } }", ""},
		{ModeEnforce, "{ hold: { of: 2 } }", ""},
	} {
		_, err := Load([]File{{"policy.yaml", []byte(policyText("a", tt.mode, "true", tt.then))}}, Options{Missing: missing})
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s in mode %s: %v", tt.then, tt.mode, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(tt.want, "policy.yaml:7:3: "))):
			t.Errorf("%s in mode %s: %v", tt.then, tt.mode, err)
		}
	}
}

func TestWorkingTime(t *testing.T) {
	t.Parallel()
	office := &Working{Days: []string{"fri", "mon", "thu", "tue", "wed"}, From: 540, To: 1020, Zone: "Europe/Amsterdam",
		Holidays: []string{"2026-12-25"}}
	night := &Working{Days: weekdays(), From: 0, To: 1440, Zone: "Europe/Amsterdam"}
	tests := []struct {
		name  string
		w     *Working
		start string
		span  time.Duration
		want  string
	}{
		{"inside of a day", office, "2026-11-23T10:00:00+01:00", 2 * time.Hour, "2026-11-23T12:00:00+01:00"},
		{"before the day begins", office, "2026-11-23T03:00:00+01:00", 2 * time.Hour, "2026-11-23T11:00:00+01:00"},
		{"over night", office, "2026-11-23T16:00:00+01:00", 2 * time.Hour, "2026-11-24T10:00:00+01:00"},
		{"over a weekend", office, "2026-11-27T16:00:00+01:00", 2 * time.Hour, "2026-11-30T10:00:00+01:00"},
		{"over a holiday and a weekend", office, "2026-12-24T16:00:00+01:00", 2 * time.Hour, "2026-12-28T10:00:00+01:00"},
		{"to the end of a day", office, "2026-11-23T10:00:00+01:00", 7 * time.Hour, "2026-11-23T17:00:00+01:00"},
		{"on the day with 25 hours", night, "2026-10-25T00:00:00+02:00", 25 * time.Hour, "2026-10-26T00:00:00+01:00"},
		{"on the day with 23 hours", night, "2026-03-29T00:00:00+01:00", 23 * time.Hour, "2026-03-30T00:00:00+02:00"},
		{"from a moment in another zone", office, "2026-11-23T15:30:00Z", time.Hour, "2026-11-24T09:30:00+01:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start, _ := time.Parse(time.RFC3339, tt.start)
			want, _ := time.Parse(time.RFC3339, tt.want)
			h := Hold{For: tt.span, Terms: Terms{Working: tt.w}}
			if got := h.Until(start); !got.Equal(want) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestParametersAreAllRead keeps the tables and the reader together.
func TestParametersAreAllRead(t *testing.T) {
	t.Parallel()
	var each func(list []Parameter)
	each = func(list []Parameter) {
		for _, p := range list {
			if p.Key == "" || p.Form == "" || p.Means == "" || (p.Form == FormWord) != (len(p.Words) > 0) ||
				(p.Form == FormMap) != (len(p.Keys) > 0) {
				t.Errorf("%+v", p)
			}
			each(p.Keys)
		}
	}
	for _, a := range Actions() {
		each(Parameters(a))
	}
}
