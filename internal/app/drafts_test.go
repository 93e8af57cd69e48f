package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/profile"
	"postern.dev/postern/internal/tenant"
)

// drafts writes policies at random, as an administrator might.
type drafts struct{ *rand.Rand }

func (d drafts) pick(list ...string) string { return list[d.IntN(len(list))] }

func (d drafts) atom() string {
	switch d.IntN(14) {
	case 0, 1, 2, 3:
		entries := look.Entries()
		typ := strings.ToLower(entries[d.IntN(len(entries))].Type)
		if d.IntN(2) == 0 {
			typ = d.pick("credit_card", "iban", "email_address", "phone", "url", "ip_address", "us_ssn", "date", "crypto_address")
		}
		return fmt.Sprintf("findings.%s.%s >= %d", typ, d.pick("high", "medium", "low", "total"), 1+d.IntN(4))
	case 4, 5:
		name := d.pick(policy.KeptHeaders()...)
		if d.IntN(3) == 0 {
			name = d.pick("X-Project", "X-Unheard-Of", "Received", "DKIM-Signature", "X-Spam-Level", "X-Virus-Scanned", "Delivered-To")
		}
		return d.pick(fmt.Sprintf(`header(%q) != ""`, name), fmt.Sprintf(`headers(%q).exists(v, v.contains("high"))`, name))
	case 6:
		return d.pick(`attachments.exists(a, a.extension in ["pdf", "docx", "exe", "zip"])`, `attachments.exists(a, a.encrypted)`,
			"size(attachments) >= 2", `attachments.exists(a, a.size > 20000)`, `attachments.exists(a, a.type.startsWith("image/"))`)
	case 7:
		return fmt.Sprintf("size > %d", 500<<d.IntN(12))
	case 8:
		return fmt.Sprintf("subject.lower().contains(%q)", d.pick("re:", "invoice", "test", "a", "meeting"))
	case 9:
		return d.pick("recipient.outside", "recipient.inside", `recipient.in("partners")`, `recipient.domain.endsWith(".com")`)
	case 10:
		return d.pick(`direction == "outbound"`, `direction == "inbound"`, "automatic", "null_sender", "calendar", "bulk")
	case 11:
		return d.pick(`inspected != "full"`, `unseen.exists(u, u.reason == "encrypted")`, "size(unseen) > 0", "size(labels) > 0",
			`labels.exists(l, l.name == "Secret")`)
	case 12:
		return d.pick("size(recipients) > 3", `sender.domain == "contoso.example"`, `from.exists(p, p.inside)`, "passes == 0")
	}
	profiles := profile.All()
	p := profiles[d.IntN(len(profiles))]
	return fmt.Sprintf("findings.%s.%s > 0", strings.ReplaceAll(p.ID, "-", "_"), d.pick("total", "high"))
}

func (d drafts) condition(depth int) string {
	if depth == 0 || d.IntN(3) == 0 {
		return d.atom()
	}
	switch d.IntN(5) {
	case 0:
		return "!(" + d.condition(depth-1) + ")"
	case 1:
		return "(" + d.condition(depth-1) + " || " + d.condition(depth-1) + ")"
	}
	return "(" + d.condition(depth-1) + " && " + d.condition(depth-1) + ")"
}

// text is a draft of one to six rules; every tenth brings a detector of its
// own.
func (d drafts) text(known func(string) bool) string {
	var b strings.Builder
	b.WriteString("kind: list\nid: partners\nmembers: [fabrikam.example, \"*.org\"]\n")
	own := d.IntN(10) == 0
	if own {
		b.WriteString("---\nkind: dictionary\nid: project-names\nterms: [Bluebird, the, invoice]\n")
	}
	for i := range 1 + d.IntN(6) {
		when := d.condition(2)
		for !known(when) {
			when = d.condition(2)
		}
		if own && i == 0 {
			when = "(" + when + ") && findings.project_names.total > 0"
		}
		fmt.Fprintf(&b, "---\nkind: policy\nid: r%d\nmode: %s\npriority: %d\nwhen: %s\n", i, d.pick("enforce", "enforce", "log", "notify"),
			d.IntN(3), strconv.Quote(when))
		if except := d.atom(); d.IntN(4) == 0 && known(except) {
			fmt.Fprintf(&b, "unless: %s\n", strconv.Quote(except))
		}
		b.WriteString("then: " + d.pick("block", "{ hold: { approver: manager } }", "log", "notify",
			"{ header: { set: { X-Class: red } } }", "{ copy: { to: [archive@contoso.example] } }") + "\n")
	}
	return b.String()
}

// remembering looks once at a message with a catalogue.
type remembering struct {
	gateway.Looker
	seen map[string]detect.Report
	of   int // the message
}

func (r *remembering) Look(ctx context.Context, m *mail.Message, o look.Options) detect.Report {
	form, _ := json.Marshal(o.Catalogue())
	key := fmt.Sprint(r.of, " ", string(form))
	report, ok := r.seen[key]
	if !ok {
		report = r.Looker.Look(ctx, m, o)
		r.seen[key] = report
	}
	report.Unseen = slices.Clone(report.Unseen)
	report.Labels = slices.Clone(report.Labels)
	return report
}

// corpus are messages to try drafts on.
func corpus(t *testing.T, most int) [][]byte {
	t.Helper()
	var list [][]byte
	for _, folder := range []string{"mail/corpus", "mail/benign", "mail/evasion"} {
		_ = filepath.WalkDir(filepath.Join("..", "..", "..", "shared", "data", folder), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil
			}
			if data, err := os.ReadFile(path); err == nil && len(data) < 200_000 && len(data) > 100 {
				list = append(list, data)
			}
			return nil
		})
	}
	if len(list) == 0 {
		t.Skip("SKIPPED: ../shared is not here")
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(most, len(list))]
}

// A replay over kept facts is held against a full look at the kept messages
// with the draft. POSTERN_DRAFTS=200 tries so many drafts on the whole corpus.
func TestAReplayOfRandomDraftsIsNeverWrong(t *testing.T) {
	count, most := 12, 40
	if n, err := strconv.Atoi(os.Getenv("POSTERN_DRAFTS")); err == nil && n > 0 {
		count, most = n, 100_000
	}
	messages := corpus(t, most)
	d := drafts{rand.New(rand.NewPCG(7, uint64(count)))}
	known := func(when string) bool {
		_, err := policy.Load([]policy.File{{Name: "p.yaml", Data: []byte("kind: list\nid: partners\nmembers: [a.example]\n---\n" +
			"kind: policy\nid: p\nmode: log\nwhen: " + strconv.Quote(when) + "\nthen: log\n")}}, PolicyOptions())
		return err == nil
	}
	set := func(text string) *policy.Set {
		s, err := policy.Load([]policy.File{{Name: "p.yaml", Data: []byte(text)}}, PolicyOptions())
		if err != nil {
			t.Fatal(err, text)
		}
		return s
	}
	owner := func(s *policy.Set) *tenant.Tenant {
		r := tenant.NewRegistry(tenant.NewPublished())
		r.Offline = true
		snapshot, _ := r.Load(nil)
		return firstTenant(snapshot, s)
	}
	active := owner(set("kind: policy\nid: cards\nmode: enforce\nwhen: findings.credit_card.high >= 3\nthen: block\n"))
	l := look.New(look.Config{InProcess: true})
	defer l.Close()
	eye := &remembering{Looker: l, seen: map[string]detect.Report{}}
	inspect := func(i int, o *tenant.Tenant) gateway.Inspection {
		eye.of = i
		body := mail.Bytes(messages[i])
		env, dir := EnvelopeOf(o, body)
		if len(env.To) == 0 {
			env.To = []mail.Recipient{{Address: "bob@fabrikam.example"}}
		}
		return gateway.Inspect(t.Context(), eye, o, nil, dir, env, body)
	}
	kept := make([]policy.Facts, len(messages))
	octets := 0
	for i := range messages {
		data, err := json.Marshal(inspect(i, active).Facts)
		if err != nil {
			t.Fatal(err)
		}
		octets += len(data)
		if kept[i], err = policy.ReadFacts(data); err != nil || len(kept[i].Unknown) > 0 {
			t.Fatal(err, kept[i].Unknown)
		}
	}
	recipients, unknown, wrong := 0, 0, 0
	missing := map[string]int{}
	for n := range count {
		text := d.text(known)
		draft := owner(set(text))
		for i := range messages {
			truth, past := inspect(i, draft).Verdict, policy.Replay(draft.Policies, kept[i], draft.Gates)
			for k, r := range truth.Recipients {
				recipients++
				switch {
				case !past.Known(k):
					unknown++
					missing[past.Missing[0]]++
				case past.Least.Recipients[k].Action != r.Action || past.Least.Defer != truth.Defer:
					if wrong++; wrong < 5 {
						t.Errorf("draft %d, message %d, %s: replayed %s, is %s (%s)\n%s", n, i, r.Address,
							past.Least.Recipients[k].Action, r.Action, r.Because, text)
					}
				}
			}
		}
	}
	share := 100 * float64(unknown) / float64(recipients)
	t.Logf("%d drafts on %d messages (%d verdicts, %d octets of facts a message): %d wrong, %.2f %% cannot be known %v", count,
		len(messages), recipients, octets/len(messages), wrong, share, missing)
	if wrong > 0 || share >= 10 {
		t.Errorf("%d wrong, %.2f %% cannot be known", wrong, share)
	}
}
