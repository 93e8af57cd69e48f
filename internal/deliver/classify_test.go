package deliver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

func TestClassify(t *testing.T) {
	tests := []struct {
		name      string
		line      string // "" for no answer
		phase     Phase
		kind      Kind
		problem   problem.Code
		throttled bool
	}{
		{"accepted", "250 2.6.0 <id> [InternalId=1] Queued mail for delivery", PhaseEnd, Done, "", false},
		{"no answer", "", PhaseEnd, Later, "", false},
		{"go on with DATA", "354 go", PhaseData, Done, "", false},
		{"354 where none belongs", "354 go", PhaseRcpt, Later, "", false},
		{"mailbox busy", "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", PhaseEnd, Later, "", true},
		{"mailbox busy under another code", "450 4.3.2 busy", PhaseRcpt, Later, "", true},
		{"throttled by address", "451 4.7.500 Server busy. Please try again later (AS77712)", PhaseMail, Later, problem.ConnectorNotMatching, true},
		{"the example of Microsoft's text", "451 4.7.650 The mail server has been temporarily rate limited", PhaseMail, Later, problem.ConnectorNotMatching, true},
		{"the end of the range", "451 4.7.699 busy", PhaseMail, Later, problem.ConnectorNotMatching, true},
		{"past the range", "451 4.7.700 busy", PhaseMail, Later, "", false},
		{"suspicious address", "451 4.7.850 Access denied", PhaseRcpt, Later, problem.SuspiciousAddress, true},
		{"suspicious address at the end of the range", "451 4.7.899 Access denied", PhaseRcpt, Later, problem.SuspiciousAddress, true},
		{"too many recipients", "452 4.5.3 Too many recipients", PhaseRcpt, Later, "", true},
		{"too many recipients as 552", "552 too many recipients", PhaseRcpt, Later, "", true},
		{"too large is not that", "552 5.3.4 message too large", PhaseRcpt, Failed, "", false},
		{"closing", "421 4.4.1 Connection timed out", PhaseMail, Later, "", true},
		{"unknown recipient", "550 5.4.1 Recipient address rejected: Access denied", PhaseRcpt, Failed, "", false},
		{"no connector matches", "550 5.7.64 TenantAttribution; Relay Access Denied SMTP", PhaseRcpt, Stuck, problem.RelayDenied, false},
		{"no connector matches, without the code", "550 TenantAttribution; Relay Access Denied", PhaseRcpt, Stuck, problem.RelayDenied, false},
		{"a connector restricts", "550 5.7.51 TenantInboundAttribution; Rejecting. Recipient has a partner connector", PhaseRcpt, Stuck, problem.InboundRestricted, false},
		{"direct send", "550 5.7.68 TenantInboundAttribution; Direct Send not allowed for this organization", PhaseMail, Stuck, problem.DirectSendRejected, false},
		{"tenant banned", "550 5.7.705 Access denied, tenant has exceeded threshold", PhaseEnd, Stuck, problem.SendingBanned, false},
		{"low reputation", "550 5.7.708 Access denied, traffic not accepted from this IP", PhaseMail, Stuck, problem.SendingBanned, false},
		{"first of the bans", "550 5.7.700 no", PhaseMail, Stuck, problem.SendingBanned, false},
		{"last of the bans", "550 5.7.750 Client blocked from sending from unregistered domains", PhaseMail, Stuck, problem.SendingBanned, false},
		{"past the bans", "550 5.7.751 no", PhaseMail, Failed, "", false},
		{"connector blocked", "550 5.7.711 Access denied, bad inbound connector. AS(2204)", PhaseMail, Stuck, problem.ConnectorBlocked, false},
		{"address banned", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", PhaseMail, Stuck, problem.AddressBanned, false},
		{"address banned, end of the range", "550 5.7.649 Access denied", PhaseMail, Stuck, problem.AddressBanned, false},
		{"before that range", "550 5.7.605 Access denied", PhaseMail, Failed, "", false},
		{"loop", "554 5.4.14 Hop count exceeded - possible mail loop ATTR34", PhaseEnd, Stuck, problem.LoopAtExchange, false},
		{"bare line feed", "550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal; Invalid characters", PhaseEnd, Failed, problem.BareNewlineRefused, false},
		{"a temporary code with a text of the list stays temporary", "451 4.4.0 TenantAttribution", PhaseRcpt, Later, "", false},
		{"log in first", "530 5.7.57 Client not authenticated", PhaseMail, Stuck, problem.AuthWanted, false},
		{"wrong password", "535 5.7.8 no", PhaseAuth, Stuck, problem.AuthRefused, false},
		{"refused at the door", "554 5.7.1 no service", PhaseGreeting, Stuck, problem.HostRefuses, false},
		{"refused in EHLO", "550 no", PhaseHello, Stuck, problem.HostRefuses, false},
		{"STARTTLS unknown", "500 what", PhaseTLS, Stuck, problem.TLSNotOffered, false},
		{"banned at the door", "550 5.7.606 banned sending IP", PhaseGreeting, Stuck, problem.AddressBanned, false},
		{"any other 4xx", "450 4.2.2 mailbox full", PhaseRcpt, Later, "", false},
		{"any other 5xx", "550 5.7.1 policy", PhaseEnd, Failed, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r mail.Reply
			if tt.line != "" {
				var err error
				if r, err = mail.ParseReply([]string{tt.line}); err != nil {
					t.Fatal(err)
				}
			}
			want := Outcome{tt.kind, tt.problem, tt.throttled}
			if got := Classify(r, tt.phase); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestEveryProblemIsDescribedAndUsed(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, n := range names {
		if !strings.HasSuffix(n, "_test.go") {
			b, err := os.ReadFile(n)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(b)
		}
	}
	source, err := os.ReadFile("../problem/deliver.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(source), "\n") {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		_, quoted, isCode := strings.Cut(rest, `Code = "`)
		if !ok || !isCode {
			continue
		}
		if p, ok := problem.Find(problem.Code(strings.TrimSuffix(quoted, `"`))); !ok || p.Title == "" || p.Impact == "" || p.Action == "" {
			t.Errorf("%s has no row, or an empty one", name)
		}
		if !strings.Contains(code.String(), "problem."+name) {
			t.Errorf("%s is not used", name)
		}
	}
}
