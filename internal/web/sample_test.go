package web

import (
	"fmt"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
)

// samples are 25 records as the gateway writes them, one every ten minutes,
// the last one ten minutes before now.
func samples(now time.Time) []audit.Message {
	subjects := []string{
		"Invoice 2026-118", "Re: lunch on Friday?", "Quarter numbers, please do not forward",
		"Besprechung ÄÖÜ am Montag", "会議の資料について", "Accepted: planning",
		"Automatic reply: away until Monday", "تقرير الربع الثالث",
	}
	var list []audit.Message
	for i := range 25 {
		at := now.Add(-time.Duration(25-i) * 10 * time.Minute)
		m := audit.Message{
			ID: fmt.Sprintf("01kay3m7ew%016d", i), Tenant: "contoso", Ref: fmt.Sprintf("K7TQ-%04d", i),
			Kind: "inline-out", Direction: mail.Out, Mode: "inline", Way: audit.CutThrough,
			From: "ann@contoso.example", HeaderFrom: "ann@contoso.example", Subject: subjects[i%len(subjects)],
			MessageID: fmt.Sprintf("<%d@contoso.example>", i), Received: at, Size: int64(2310 + 9876*i),
			SHA256: strings.Repeat("9f86d081", 8), Inspected: "full", Policy: "3f2a9c41d0b7",
			Recipients: []audit.Recipient{{
				Address: "bob@fabrikam.example", Verdict: "deliver", Delivery: audit.Delivered, At: at.Add(41 * time.Millisecond),
				Host: "contoso-example.mail.protection.outlook.com", Reply: mail.NewReply(250, "2.6.0", "Queued mail for delivery"),
			}},
			Parts: []audit.Part{{Path: "1", Type: "text/plain", Size: 1204, SHA256: strings.Repeat("2c26b46b", 8)}},
		}
		m.Did("connected", "40.107.22.81", at.Add(-120*time.Millisecond))
		m.Did("received", fmt.Sprintf("%d octets", m.Size), at)
		m.Did("identified", "inline-out", at.Add(400*time.Microsecond))
		m.Did("planned", "through: 1 back in 1 groups, 0 held, 0 blocked, 0 redirected, 0 copies", at.Add(9*time.Millisecond))
		vary(&m, i, at)
		list = append(list, m)
	}
	return list
}

// vary makes some of the samples special.
func vary(m *audit.Message, i int, at time.Time) {
	to := &m.Recipients[0]
	switch i {
	case 24: // cards in a CSV for two recipients: blocked, and delivered inside
		m.Way, m.Size, m.Inspected = audit.Custody, 4_218_331, "partial; reason=encrypted"
		m.Subject = "Customer list as promised"
		*to = audit.Recipient{
			Address: "bob@fabrikam.example", Verdict: "block", Rules: []string{"cards-leave"},
			Lost:    []string{"log-outbound", "label-confidential"},
			Because: "3 card numbers (high) in customers.csv go outside", Delivery: audit.Refused,
			At: at.Add(60 * time.Millisecond),
		}
		m.Recipients = append(m.Recipients, audit.Recipient{
			Address: "carol@contoso.example", Verdict: "deliver", Delivery: audit.Waiting, Rules: []string{"log-outbound"},
			Reply: mail.NewReply(451, "4.7.500", "Server busy. Please try again later"),
			Host:  "contoso-example.mail.protection.outlook.com",
		}, audit.Recipient{
			Address: "dave@partner.example", Verdict: "hold", Rules: []string{"ask-manager"}, Delivery: audit.Held,
			Because: "customers.csv goes to a partner; boss@contoso.example decides",
		})
		m.Parts = append(m.Parts,
			audit.Part{Path: "2", Name: "customers.csv", Type: "text/csv", Size: 18231, Attachment: true,
				SHA256: strings.Repeat("fcde2b2e", 8)},
			audit.Part{Path: "3", Name: "plan.zip", Type: "application/zip", Size: 4_190_001, Attachment: true,
				SHA256: strings.Repeat("baa5a096", 8)})
		m.Findings = []detect.Finding{
			{Type: "CREDIT_CARD", Detector: "credit-card", Part: "2", Name: "customers.csv", Count: 3,
				Confidence: detect.High, Sample: "4012 •••• •••• 1881", Offset: 88, Why: []string{"checksum", "keyword near"}},
			{Type: "EMAIL", Detector: "email", Part: "1", Count: 12, Confidence: detect.Low, Sample: "j•••@•••.example"},
		}
		m.Labels = []detect.Label{{
			Scheme: "msip", ID: "f42aa342-8706-4288-bd11-ebb85995028c", Name: "Confidential", Method: "Standard",
		}}
		m.Unseen = []mail.Unseen{{
			Part: "3", Name: "plan.zip", Reason: mail.Encrypted, Detail: "2 of 2 entries need a password",
		}}
		m.Forged, m.Problem = []string{"X-Postern-Checked"}, "P703"
		m.Did("stored", "", at.Add(31*time.Millisecond))
		m.Did("in custody", "", at.Add(38*time.Millisecond))
		m.Did("committed", "", at.Add(52*time.Millisecond))
		m.Did("report attempted", "1 delivered", at.Add(1310*time.Millisecond))
		m.Did("return attempted", "1 waiting", at.Add(2240*time.Millisecond))
		return
	case 3:
		to.Verdict, to.Delivery, m.Way, to.Host = "hold", audit.Held, audit.Custody, ""
		to.Reply, to.Because = mail.Reply{}, "the manager decides"
	case 7:
		m.From, m.HeaderFrom, m.Subject = "", "postmaster@fabrikam.example", "Undeliverable: Invoice"
	case 9:
		m.Way, m.Tenant, m.Policy, m.Inspected, m.Mode, m.Kind = audit.Rejected, "-", "", "", "", ""
		m.From, m.Subject, m.Problem = "stranger@spam.example", "", "P101"
		to.Verdict, to.Delivery, to.Host = "", audit.Refused, ""
		to.Reply = mail.NewReply(550, "5.7.1", "This server takes mail only from the tenants it serves")
		m.HeaderFrom, m.Parts, m.Steps = "", nil, m.Steps[:2]
		m.Did("answered", "not identified: peer, 550", at.Add(time.Millisecond))
		return
	case 12:
		to.Delivery, to.Reply = audit.Unknown, mail.Reply{}
	case 14:
		to.Delivery, to.Reply = audit.Failed, mail.NewReply(550, "5.1.10", "Recipient not found by SMTP address lookup")
	case 16:
		to.Delivery, to.Verdict, m.Way = audit.Redirected, "redirect", audit.Custody
	case 18:
		to.Delivery, to.Reply = audit.Deferred, mail.NewReply(451, "4.3.0", "Looking failed")
		m.Mode, m.Inspected = "monitor", "none; reason=engine-down"
	case 20: // hostile words
		m.Subject = "<script>alert(1)</script>\u202egnp.exe \u200bhidden\x00\x1b[31m \"'><img src=x onerror=alert(1)>"
		m.Parts[0].Name = "report\u202efdp.exe"
		to.Address = "\"<b>bob\"@fabrikam.example"
	case 21:
		m.Subject = strings.Repeat("A very long subject without an end ", 30_000)
		to.Address = mail.Address(strings.Repeat("x", 64) + "@" + strings.Repeat("long-label.", 18) + "example")
	case 22:
		for n := range 40 {
			m.Recipients = append(m.Recipients, audit.Recipient{
				Address: mail.Address(fmt.Sprintf("member%d@contoso.example", n)),
				Verdict: "deliver", Delivery: audit.Delivered, At: at,
			})
		}
	}
	m.Did("onward-rcpt", "", at.Add(22*time.Millisecond))
	m.Did("onward-dot", "", at.Add(29*time.Millisecond))
	m.Did("next hop answered", "contoso-example.mail.protection.outlook.com 250", at.Add(41*time.Millisecond))
}
