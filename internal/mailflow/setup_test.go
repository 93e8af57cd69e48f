package mailflow_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mailflow"
)

const good = `{
  "Organization": {"Name": "contoso", "TenantId": "11111111-2222-3333-4444-555555555555"},
  "AcceptedDomains": [{"DomainName": "Contoso.example", "DomainType": "Authoritative", "Default": true, "InitialDomain": false}],
  "Mailboxes": [{"PrimarySmtpAddress": "ann@contoso.example", "EmailAddresses": ["SMTP:ann@contoso.example", "smtp:a@contoso.example"], "Manager": null}],
  "Groups": [{"Name": "Scope", "PrimarySmtpAddress": "scope@contoso.example", "Members": [{"PrimarySmtpAddress": "ann@contoso.example"}]}],
  "OutboundConnectors": [{"Name": "Gate", "ConnectorType": "OnPremises", "IsTransportRuleScoped": true, "UseMXRecord": false,
    "SmartHosts": "gw.postern.example", "TlsSettings": "DomainValidation", "TlsDomain": "gw.postern.example", "ValidationRecipients": ["x@y.example"]}],
  "InboundConnectors": [{"Name": "Gate in", "ConnectorType": "OnPremises", "SenderDomains": ["smtp:*;1"], "TlsSenderCertificateName": "*.postern.example"}],
  "TransportRules": [{
    "Name": "route", "Priority": "0", "State": "Enabled", "Mode": "Enforce", "Description": "If the message…",
    "Conditions": ["Microsoft.Exchange.X"], "Exceptions": null, "Actions": ["Y"], "WhenChanged": "2026-11-22T10:00:00",
    "FromScope": "InOrganization", "SentToScope": null, "FromMemberOf": "scope@contoso.example",
    "ExceptIfHeaderMatchesMessageHeader": "X-Postern-Checked", "ExceptIfHeaderMatchesPatterns": ["^T$"],
    "SetHeaderName": "X-Postern-Tenant", "SetHeaderValue": "contoso;s;out;inline", "SetSCL": null,
    "MessageSizeOver": "10 MB (10,485,760 bytes)", "ActivationDate": "2026-11-22T10:00:00",
    "RouteMessageOutboundConnector": "Gate", "StopRuleProcessing": true, "HasNoClassification": false
  }],
  "JournalRules": [{"Name": "all", "JournalEmailAddress": "t@copy.postern.example", "Enabled": true}]
}`

func TestAGetOutputIsRead(t *testing.T) {
	s, err := mailflow.Load([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	r := s.TransportRules[0]
	if r.When.FromScope != "InOrganization" || r.When.MessageSizeOver != 10<<20 || len(r.When.FromMemberOf) != 1 ||
		r.Except.HeaderMatchesMessageHeader != "X-Postern-Checked" || !r.Do.StopRuleProcessing || r.Do.SetSCL != nil ||
		!r.Enabled() || !r.Enforced() || r.ActivationDate.Hour() != 10 {
		t.Errorf("%+v", r)
	}
	if s.AcceptedDomains[0].DomainName != "contoso.example" || s.Mailboxes[0].Aliases[1] != "a@contoso.example" ||
		s.Groups[0].Members[0] != "ann@contoso.example" || !s.OutboundConnectors[0].Enabled || s.OutboundConnectors[0].SmartHosts[0] != "gw.postern.example" {
		t.Errorf("%+v", s)
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := mailflow.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("written and read again:\n%s", diff)
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"a property that nobody knows", `"HasNoClassification": false`, `"HasNoClassification": true`, "HasNoClassification: is not known here"},
		{"a misspelt property", `"SetSCL": null`, `"FromScop": "InOrganization"`, "FromScop: is not known here; did you mean FromScope?"},
		{"a misspelt exception", `"SetSCL": null`, `"ExceptIfSentToScop": "InOrganization"`, "did you mean SentToScope?"},
		{"a misspelt list", `"JournalRules"`, `"JournalRule"`, "JournalRule: is not a part of a set-up"},
		{"no GUID", "11111111-2222", "11111111_2222", "is not a GUID"},
		{"an unknown kind of domain", `"Authoritative"`, `"Own"`, `"Own" is none of Authoritative, InternalRelay, ExternalRelay`},
		{"a manager without mailbox", `"Manager": null`, `"Manager": "b@contoso.example"`, "Manager: b@contoso.example has no mailbox"},
		{"an address twice", `"smtp:a@contoso.example"`, `"smtp:scope@contoso.example"`, "belongs to another recipient too"},
		{"a member that is nobody", `"Members": [{"PrimarySmtpAddress": "ann@`, `"Members": [{"PrimarySmtpAddress": "eve@`, "is no recipient of the tenant"},
		{"a mailbox in a foreign domain", `"PrimarySmtpAddress": "ann@contoso.example", "E`, `"PrimarySmtpAddress": "ann@x.example", "E`, "is in no accepted domain"},
		{"no smart host", `"SmartHosts": "gw.postern.example", `, ``, "SmartHosts: are required when UseMXRecord is false"},
		{"a rule-scoped connector with domains", `"UseMXRecord": false`, `"UseMXRecord": false, "RecipientDomains": ["x.example"]`, "must be empty for a connector that only rules use"},
		{"no name to check", `"TlsDomain": "gw.postern.example", `, ``, "TlsDomain: is required with DomainValidation"},
		{"a partner connector that is internal", `"TlsSenderCertificateName"`, `"TreatMessagesAsInternal": true, "CloudServicesMailEnabled": true, "TlsSenderCertificateName"`, "cannot stand together with CloudServicesMailEnabled"},
		{"a network that is too large", `"TlsSenderCertificateName"`, `"SenderIPAddresses": ["10.0.0.0/8"], "TlsSenderCertificateName"`, "is not an IPv4 address or a network of /24 to /32"},
		{"half a header pair", `"SetHeaderValue": "contoso;s;out;inline", `, ``, "SetHeaderName: needs its twin"},
		{"half a header condition", `"ExceptIfHeaderMatchesPatterns": ["^T$"],`, ``, "ExceptIfHeaderMatchesMessageHeader: needs its twin"},
		{"a pattern that cannot be read", `["^T$"]`, `["^(T$"]`, "is not a pattern that can be read here"},
		{"a connector that is not there", `"RouteMessageOutboundConnector": "Gate"`, `"RouteMessageOutboundConnector": "Gat"`, `there is no outbound connector "Gat"`},
		{"a connector that is not rule-scoped", `"IsTransportRuleScoped": true`, `"RecipientDomains": ["x.example"]`, `"Gate" is not rule-scoped`},
		{"a group that is none", `"FromMemberOf": "scope@`, `"FromMemberOf": "none@`, "is no group, so that the rule silently does nothing"},
		{"a wrong rejection code", `"SetSCL": null`, `"RejectMessageEnhancedStatusCode": "5.1.1"`, "is neither 5.7.1 nor 5.7.900 to 5.7.999"},
		{"a rejection that redirects", `"SetSCL": null`, `"RejectMessageReasonText": "no", "RedirectMessageTo": ["ann@contoso.example"]`, "does not combine with a rejection"},
		{"an impossible level", `"SetSCL": null`, `"SetSCL": 10`, "is not between -1 and 9"},
		{"a moderating group", `"SetSCL": null`, `"ModerateMessageByUser": ["scope@contoso.example"]`, "only single recipients can stand here"},
		{"a group as sender", `"SetSCL": null`, `"From": ["scope@contoso.example"]`, "use FromMemberOf or SentToMemberOf"},
		{"a strange address range", `"SetSCL": null`, `"SenderIpRanges": ["203.0.113.9-203.0.113.1"]`, "is not an address, range or network"},
		{"a journal mailbox in the cloud", "t@copy.postern.example", "ann@contoso.example", "must not be a mailbox of Exchange Online"},
		{"dates the wrong way round", `"SetSCL": null`, `"ExpiryDate": "2026-11-01"`, "is not after ActivationDate"},
		{"a name that is too long", `"Name": "route"`, `"Name": "` + strings.Repeat("r", 65) + `"`, "is longer than 64 characters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(good, tt.old, tt.new, 1)
			if text == good {
				t.Fatal("the example does not have it")
			}
			_, err := mailflow.Load([]byte(text))
			var m mailflow.Mistakes
			if !errors.As(err, &m) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAllMistakesComeAtOnce(t *testing.T) {
	text := strings.NewReplacer("11111111-2222", "x", `"Authoritative"`, `"Own"`, `["^T$"]`, `["("]`).Replace(good)
	_, err := mailflow.Load([]byte(text))
	var m mailflow.Mistakes
	if !errors.As(err, &m) || len(m) != 3 {
		t.Errorf("%v", err)
	}
	for _, one := range m {
		if one.Where == "" || one.What == "" {
			t.Errorf("%+v", one)
		}
	}
}

func TestBrokenJSONNamesItsLine(t *testing.T) {
	_, err := mailflow.Load([]byte("{\n \"Organization\": {},\n oops\n}"))
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("%v", err)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]mailflow.Size{
		"10485760": 10 << 20, "10MB": 10 << 20, "10 MB (10,485,760 bytes)": 10 << 20, "1KB": 1024, "7 B": 7, "2 gb": 2 << 30,
	} {
		if got, err := mailflow.ParseSize(text); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MB", "-1", "10XB", "99999999999999999999GB"} {
		if _, err := mailflow.ParseSize(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// FuzzLoad: what is read without a mistake is the same after writing it.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"TransportRules":[{"Name":1,"Priority":[]}]}`))
	f.Add([]byte(`{"TransportRules":[null],"Groups":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := mailflow.Load(data)
		if err != nil {
			return
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mailflow.Load(out); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}
