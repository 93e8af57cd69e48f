package gateway

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/policy"
	"postern.dev/postern/internal/tenant"
)

func TestFactsSayWhereEverybodyStands(t *testing.T) {
	text := "From: Shop <shop@contoso.example>\r\nSender: ann@contoso.example\r\nTo: bob@fabrikam.example, eve@adatum.example,\r\n" +
		" Bob@Fabrikam.example\r\nCc: boss@contoso.example, bob@fabrikam.example\r\n\r\nx"
	b := mail.Bytes(text)
	s := subject{tenant: &tenant.Tenant{ID: "contoso", Domains: []string{"contoso.example"}}, dir: mail.Out, header: mail.ParseHeader(b),
		body: b, envelope: mail.Envelope{From: "shop@contoso.example", To: []mail.Recipient{{Address: "bob@fabrikam.example"},
			{Address: "boss@contoso.example"}, {Address: "hidden@northwind.example"}}}}
	f := factsOf(s, judgment{message: mail.Parse(b, mail.Limits{})}, time.Now())
	if f.Mailbox.Address != "shop@contoso.example" || f.User.Address != "ann@contoso.example" || !f.User.Inside {
		t.Errorf("mailbox %+v, user %+v", f.Mailbox, f.User)
	}
	if d := cmp.Diff(policy.Visible{To: 2, Cc: 1, Outside: 2, Domains: 2}, f.Visible); d != "" {
		t.Error(d)
	}
	var roles []policy.Role
	for _, r := range f.Recipients {
		roles = append(roles, r.Role)
		if r.Groups != nil || r.Manager != nil || r.Guest != nil || r.Contact != nil && !r.Contact.Colleague {
			t.Errorf("nobody can know this yet: %+v", r)
		}
	}
	if d := cmp.Diff([]policy.Role{policy.To, policy.Cc, policy.Bcc}, roles); d != "" {
		t.Error(d)
	}
}

func TestFactsCountByPart(t *testing.T) {
	var f policy.Facts
	fromReport(&f, detect.Report{
		Totals: []detect.Total{{Type: "IBAN", High: 4, BodyHigh: 3}},
		Findings: []detect.Finding{
			{Type: "IBAN", Part: "1.1", Kind: detect.Body, Count: 3, Confidence: detect.High},
			{Type: "IBAN", Part: "1.2", Kind: detect.Body, Count: 3, Confidence: detect.High},
			{Type: "IBAN", Part: "2", Kind: detect.Attachment, Count: 3, Confidence: detect.High},
			{Type: "IBAN", Part: "3.1", Kind: detect.Attachment, Count: 1, Confidence: detect.High},
		},
		Parts: []detect.PartInfo{{Part: "1.1"}, {Part: "1.2"}, {Part: "2", Attachment: true}, {Part: "3", Attachment: true},
			{Part: "3.1", Attachment: true}},
	})
	var got [][2]int
	for _, x := range f.Findings {
		got = append(got, [2]int{x.Count, x.Here})
	}
	if d := cmp.Diff([][2]int{{3, 3}, {1, 0}, {0, 3}, {0, 1}}, got); d != "" {
		t.Error("what adds up over the message, and what stands in the part:", d)
	}
	if f.Attachments[2].Parent != "3" || f.Attachments[1].Parent != "" || f.Attachments[2].Part != "3.1" {
		t.Errorf("%+v", f.Attachments)
	}
}

func TestFactsSayWhichFilesHoldMacros(t *testing.T) {
	var f policy.Facts
	fromReport(&f, detect.Report{
		Parts: []detect.PartInfo{{Part: "2", Attachment: true}, {Part: "2.1", Attachment: true, Macros: true}, {Part: "3", Attachment: true},
			{Part: "4", Attachment: true}, {Part: "4.1", Attachment: true}, {Part: "5", Attachment: true, Macros: true}},
		Unseen: []mail.Unseen{{Part: "4.1", Reason: mail.Encrypted}, {Part: "5", Reason: mail.TooLarge}},
	})
	want := map[string]string{"2": "true", "2.1": "true", "3": "false", "4": "nobody knows", "4.1": "nobody knows", "5": "true"}
	for _, a := range f.Attachments {
		got := "nobody knows"
		if a.Macro != nil {
			got = fmt.Sprint(*a.Macro)
		}
		if got != want[a.Part] {
			t.Errorf("%s: %s", a.Part, got)
		}
	}
}
