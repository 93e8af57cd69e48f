package senderauth

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern/internal/mail"
)

func TestResultsAreRead(t *testing.T) {
	prop := func(list ...string) (all []Property) {
		for i := 0; i < len(list); i += 2 {
			all = append(all, Property{list[i], list[i+1]})
		}
		return all
	}
	tests := []struct {
		name, in string
		want     Results
	}{
		{"no result", " mx.contoso.example; none", Results{Service: "mx.contoso.example"}},
		{"a service with a version", "Mx.Contoso.example 1; spf=Pass smtp.mailfrom=fabrikam.example",
			Results{"mx.contoso.example", []Method{{"spf", Pass, prop("smtp.mailfrom", "fabrikam.example")}}}},
		{"several methods", "a.example; dkim=pass (good) header.d=b.example header.i=@b.example; dmarc=fail (p=none) header.from=b.example",
			Results{"a.example", []Method{
				{"dkim", Pass, prop("header.d", "b.example", "header.i", "@b.example")},
				{"dmarc", Fail, prop("header.from", "b.example")},
			}}},
		{"comments anywhere", "a.example (x; y=z) 1 (v) ;(c)\r\n\tspf(a) = (b) pass(c)smtp.mailfrom (d)=(e) b@c.example (deep (er) \\) one)",
			Results{"a.example", []Method{{"spf", Pass, prop("smtp.mailfrom", "b@c.example")}}}},
		{"a reason in quotes", `a.example; dkim=fail reason="a; b=pass" header.b="abc=" header.d=x.example`,
			Results{"a.example", []Method{{"dkim", Fail, prop("reason", "a; b=pass", "header.b", "abc=", "header.d", "x.example")}}}},
		{"base64 without quotes", "a.example; dkim=pass header.b=ab/c+d== header.d=x.example",
			Results{"a.example", []Method{{"dkim", Pass, prop("header.b", "ab/c+d==", "header.d", "x.example")}}}},
		{"a method with a version", "a.example; spf/2=pass", Results{"a.example", []Method{{"spf", Pass, nil}}}},
		{"Exchange Online, without a service", "spf=pass (sender IP is 192.0.2.9)\r\n smtp.mailfrom=fabrikam.example; dkim=none (message not signed)\r\n" +
			" header.d=none;dmarc=bestguesspass action=none header.from=fabrikam.example;compauth=pass reason=109",
			Results{"", []Method{
				{"spf", Pass, prop("smtp.mailfrom", "fabrikam.example")},
				{"dkim", None, prop("header.d", "none")},
				{"dmarc", "bestguesspass", prop("action", "none", "header.from", "fabrikam.example")},
				{"compauth", Pass, prop("reason", "109")},
			}}},
		{"Exchange Online, with domains between", "spf=pass smtp.mailfrom=b.example; contoso.example; dkim=pass header.d=b.example;contoso.example; dmarc=pass",
			Results{"", []Method{
				{"spf", Pass, prop("smtp.mailfrom", "b.example")}, {"dkim", Pass, prop("header.d", "b.example")}, {"dmarc", Pass, nil},
			}}},
		{"nothing", "", Results{}},
		{"a local part in quotes", `a.example; spf=pass smtp.mailfrom="a; dkim=pass"@b.example`,
			Results{"a.example", []Method{{"spf", Pass, prop("smtp.mailfrom", "a; dkim=pass@b.example")}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseResults(tt.in)
			if err != nil || !cmp.Equal(got, tt.want) {
				t.Errorf("%v\n%s", err, cmp.Diff(tt.want, got))
			}
		})
	}
	for _, bad := range []string{
		"a; dkim=pass (no end", `a; dkim=pass reason="no end`, "a; dkim=", "a; =pass", "a; dkim=pass\x00", "a; dkim=\x01pass",
		"a; " + strings.Repeat("x=y;", maxResults+1), strings.Repeat(" ", maxResultText+1), "a; x=y " + strings.Repeat("(", 20) + strings.Repeat(")", 20),
	} {
		if got, err := ParseResults(bad); !errors.Is(err, ErrResults) {
			t.Errorf("%.40q: %v %v", bad, got, err)
		}
	}
}

const (
	inside  = "Received: from DB9P01.eurprd01.prod.outlook.com (2603:10a6:10:2cb::12) by AM0P01.eurprd01.prod.outlook.com (2603:10a6:208:1::2) with Microsoft SMTP Server; now\r\n"
	front   = "Received: from AM7EUR03FT050.eop-EUR03.prod.protection.outlook.com\r\n (2603:10a6:209:86:cafe::ac) by AM6P195.outlook.office365.com (2603:10a6:209:86::15) via Frontend Transport; now\r\n"
	border  = "Received: from mail.fabrikam.example (192.0.2.9)\r\n by AM7EUR03FT050.mail.protection.outlook.com (10.233.2.3) with Microsoft SMTP Server; now\r\n"
	stamp   = "Authentication-Results: spf=pass smtp.mailfrom=fabrikam.example; dkim=pass header.d=fabrikam.example; compauth=pass reason=100\r\n"
	forged  = "Authentication-Results: spf=pass smtp.mailfrom=ceo.example; dkim=pass header.d=ceo.example; compauth=pass reason=100\r\n"
	failed  = "Authentication-Results: spf=fail smtp.mailfrom=ceo.example; dkim=none; compauth=fail reason=000\r\n"
	content = "From: x@fabrikam.example\r\n\r\nbody\r\n"
)

func TestWhoseResultsCount(t *testing.T) {
	exchange := Trust{Exchange: true}
	own := Trust{Services: []string{"mx.contoso.example"}}
	ownStamp := "Authentication-Results: mx.contoso.example; dkim=pass header.d=fabrikam.example\r\n"
	ownForged := "Authentication-Results: mx.contoso.example; dkim=pass header.d=ceo.example\r\n"
	ownHop := "Received: from mail.fabrikam.example (192.0.2.9) by mx.contoso.example with ESMTP; now\r\n"
	tests := []struct {
		name   string
		trust  Trust
		header string
		source string
		dkim   string // header.d of the first result of DKIM
	}{
		{"what Exchange stamps at its border counts", exchange, inside + front + stamp + border, "exchange", "fabrikam.example"},
		{"without hops inside, too", exchange, stamp + border, "exchange", "fabrikam.example"},
		{"what stands below the border is the sender's", exchange, inside + stamp + border + forged, "exchange", "fabrikam.example"},
		{"a failure is not replaced by what the sender wrote", exchange, failed + border + forged + border, "exchange", ""},
		{"the sender's own results do not count where Exchange wrote none", exchange, inside + border + forged, "", ""},
		{"nor with a border that he wrote, too", exchange, inside + border + forged + border + content, "", ""},
		{"a client that names itself like Exchange is still outside", exchange,
			"Received: from AM7.eop.prod.protection.outlook.com (192.0.2.66) by AM0P01.eurprd01.prod.outlook.com with SMTP; now\r\n" + forged + border, "", ""},
		{"a client that names itself like Exchange at the border", exchange,
			strings.Replace(border, "mail.fabrikam.example (192.0.2.9)", "DB9P01.eurprd01.prod.outlook.com (2603:10a6::1)", 1) + forged + border, "", ""},
		{"a hop without an address is not inside", exchange,
			"Received: from DB9P01.eurprd01.prod.outlook.com by AM0P01.eurprd01.prod.outlook.com; now\r\n" + forged + border, "", ""},
		{"a hop of somebody else above", exchange,
			"Received: from x by mail.evil.example; now\r\n" + forged + border, "", ""},
		{"a host that only looks like Exchange's", exchange,
			"Received: from x (192.0.2.1) by evil-protection.outlook.com.evil.example; now\r\n" + forged + border, "", ""},
		{"results of another service above the border", exchange, ownForged + border, "", ""},
		{"no hop at all", exchange, forged, "", ""},
		{"a hop that says nothing", exchange, "Received: ???\r\n" + forged + border, "", ""},
		{"results that cannot be read do not count", exchange, "Authentication-Results: dkim=pass (\r\n" + border + forged, "", ""},
		{"nobody is trusted", Trust{}, stamp + border, "", ""},
		{"nobody is trusted who writes a service", Trust{}, ownStamp + ownHop, "", ""},
		{"the tenant's own server", own, ownStamp + ownHop, "mx.contoso.example", "fabrikam.example"},
		{"results of its server in several fields", own,
			"Authentication-Results: mx.contoso.example; spf=pass\r\n" + ownStamp + ownHop, "mx.contoso.example", "fabrikam.example"},
		{"forged ones below its hop", own, ownHop + ownForged + ownHop, "mx.contoso.example", ""},
		{"forged ones of its name, brought by another server", own,
			"Received: from x by relay.contoso.example; now\r\n" + ownForged + ownHop, "", ""},
		{"another service at its hop", own, "Authentication-Results: mx.other.example; dkim=pass header.d=ceo.example\r\n" + ownHop, "mx.contoso.example", ""},
		{"Exchange's results where only the own server is trusted", own, stamp + border, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, source := Trusted(mail.ParseHeader(mail.Bytes(tt.header+content)), tt.trust)
			d := ""
			if list := r.Find("dkim"); len(list) > 0 {
				d = list[0].Get("header.d")
			}
			if source != tt.source || d != tt.dkim {
				t.Errorf("%q: %+v", source, r)
			}
		})
	}
}

func TestDomainsAreAligned(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"contoso.example", "contoso.example", true},
		{"mail.Contoso.example", "contoso.example.", true},
		{"a.contoso.co.uk", "b.contoso.co.uk", true},
		{"a.co.uk", "b.co.uk", false},
		{"contoso.example", "xcontoso.example", false},
		{"a.github.io", "b.github.io", false},
		{"", "", false},
		{"example", "example", true},
	}
	for _, tt := range tests {
		if Aligned(tt.a, tt.b) != tt.want {
			t.Errorf("%q and %q", tt.a, tt.b)
		}
	}
}
