package quarantine

import (
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
)

// roleSets are all sets of rights that a role may have, by their words.
func roleSets(t *testing.T) (list []string) {
	t.Helper()
	for n := range 32 {
		var words []string
		for i, w := range RightNames() {
			if n&(1<<i) != 0 {
				words = append(words, w)
			}
		}
		r, unknown := ParseRights(words)
		if unknown != "" || len(words) > 0 && r.String() != strings.Join(words, ", ") {
			t.Fatalf("%v reads as %q, unknown %q", words, r, unknown)
		}
		if r.Lacks() == "" {
			list = append(list, strings.Join(words, " "))
		}
	}
	return list
}

// allowed is the table of roles: which rights an act needs, of a user of this
// machine. "-" is never: only the sender does it.
func allowed() map[Act]string {
	return map[Act]string{
		See: "metadata", Approve: "metadata decide", Reject: "metadata decide",
		Ask: "metadata decide", HandOn: "metadata decide", PinIt: "metadata decide", UnpinIt: "metadata decide",
		Answer: "-", Cancel: "-", Remove: "-", Send: "-", Explain: "-", AskAgain: "-", Request: "-", Release: "-",
	}
}

func TestEachRoleMayDoWhatItsRightsSayAndNothingElse(t *testing.T) {
	sets := roleSets(t)
	if len(sets) != 12 {
		t.Errorf("%d sets make sense: %q", len(sets), sets)
	}
	tried := 0
	for _, set := range sets {
		rights, _ := ParseRights(strings.Fields(set))
		roles := Roles{{Name: "r", UIDs: []uint32{1001}, Tenants: []string{"c"}, Rights: rights}}
		for _, act := range Acts() {
			for _, danger := range []bool{false, true} {
				need := allowed()[act]
				if danger && act == Approve {
					need += " malware"
				}
				for _, who := range []struct {
					name   string
					caller Caller
					has    bool
				}{
					{"a user with the role", Caller{UID: 1001}, true},
					{"a user without a role", Caller{UID: 1002}, false},
					{"root, who has none here", Caller{}, false},
				} {
					h := waiting(func(h *Hold) {
						h.Danger = danger
						if act == UnpinIt {
							h.PinDown("uid:0", "why", noon())
						}
					})
					want := who.has && need != "-"
					for _, w := range strings.Fields(need) {
						want = want && (need == "-" || strings.Contains(" "+set+" ", " "+w+" "))
					}
					err := h.May(roles.Person(who.caller, "c", nil), act)
					if tried++; (err == nil) != want {
						t.Errorf("[%s] %s, %s, danger %v: %v", set, who.name, act, danger, err)
					}
					if err != nil && need != "-" && WhyOf(err) != NeedsRight {
						t.Errorf("[%s] %s, %s: %q", set, who.name, act, WhyOf(err))
					}
				}
				h := waiting(nil)
				if p := roles.Person(Caller{UID: 1001}, "d", nil); p.Rights != (Rights{}) || h.May(p, act) == nil {
					t.Errorf("[%s] %s: the role of one tenant holds in another", set, act)
				}
			}
		}
	}
	t.Logf("%d questions", tried)
}

func TestWhoSignsInHasTheRolesOfHisAddressAndGroupsInHisOwnTenant(t *testing.T) {
	roles := Roles{
		{Name: "named", People: []string{"Eve@c.example"}, Rights: Rights{Metadata: true}},
		{Name: "legal", People: []string{"group:legal"}, Tenants: []string{"c"}, Rights: Rights{Metadata: true, Decide: true}},
		{Name: "machine", UIDs: []uint32{0}, Rights: Rights{Metadata: true, Content: true, Decide: true, Malware: true}},
	}
	people := staff{groups: map[string][]mail.Address{"legal": {"dana@c.example"}}}
	for _, x := range []struct {
		address mail.Address
		own, of string
		people  People
		want    string
		by      Means
	}{
		{"eve@c.example", "c", "c", people, "metadata", BySignIn},
		{"dana@c.example", "c", "c", people, "metadata, decide", ByAdmin},
		{"dana@c.example", "c", "c", nil, "nothing", BySignIn},
		{"dana@c.example", "c", "d", people, "nothing", BySignIn},
		{"dana@c.example", "c", "", people, "nothing", BySignIn},
		{"max@c.example", "c", "c", people, "nothing", BySignIn},
	} {
		p := roles.Person(Caller{Tenant: x.own, Address: x.address}, x.of, x.people)
		if p.Rights.String() != x.want || p.By != x.by || p.Tenant != x.own || p.Address != x.address {
			t.Errorf("%+v: %s, %s", x, p.Rights, p.By)
		}
	}
}

func TestWithoutRolesTheGatewaysUserAndRootDecideAndReadNothing(t *testing.T) {
	for _, uid := range []uint32{0, 500, 501} {
		r := DefaultRoles(500).Of(Caller{UID: uid}, "", nil)
		want := "metadata, decide, malware, emergency"
		if uid == 501 {
			want = "nothing"
		}
		if r.String() != want {
			t.Errorf("uid %d: %s", uid, r)
		}
	}
	if n := len(DefaultRoles(0)[0].UIDs); n != 1 {
		t.Errorf("root stands there %d times", n)
	}
}

func ExampleRoles_Of() {
	roles := Roles{{Name: "officers", UIDs: []uint32{1001}, Tenants: []string{"contoso"}, Rights: Rights{Metadata: true, Decide: true}}}
	fmt.Println(roles.Of(Caller{UID: 1001}, "contoso", nil))
	fmt.Println(roles.Of(Caller{UID: 1001}, "fabrikam", nil))
	// Output:
	// metadata, decide
	// nothing
}
