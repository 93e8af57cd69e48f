package deliver

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/problem"
)

func TestTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	later := time.Now().Add(time.Hour)
	client := ours.issue(t, "gateway.contoso.example", later)
	foreign := theirs.issue(t, "gateway.contoso.example", later)
	server := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	good := server(ours.issue(t, "mx.example", later))
	asks := server(ours.issue(t, "mx.example", later))
	asks.ClientAuth, asks.ClientCAs = tls.RequireAndVerifyClientCert, ours.pool
	asks12 := asks.Clone()
	asks12.MaxVersion = tls.VersionTLS12
	old := good.Clone()
	old.MaxVersion = tls.VersionTLS11

	offers := []string{"STARTTLS", "PIPELINING", "CHUNKING", "8BITMIME"}
	tests := []struct {
		name     string
		level    mail.TLSLevel
		conf     *tls.Config // nil: STARTTLS is not offered
		server   string      // ServerName
		cert     *tls.Certificate
		answers  map[string]string
		stuck    problem.Code
		later    bool
		verified bool
	}{
		{name: "a certificate with the right name is verified", level: mail.TLSRequire, conf: good, verified: true},
		{name: "an unset level demands everything", conf: good, verified: true},
		{name: "a certificate with another name is not accepted", level: mail.TLSRequire,
			conf: server(ours.issue(t, "other.example", later)), stuck: problem.TLSNotVerified},
		{name: "the name may be set", level: mail.TLSRequire, conf: server(ours.issue(t, "other.example", later)), server: "other.example", verified: true},
		{name: "an unknown authority is not accepted", level: mail.TLSRequire,
			conf: server(theirs.issue(t, "mx.example", later)), stuck: problem.TLSNotVerified},
		{name: "an expired certificate is not accepted", level: mail.TLSRequire,
			conf: server(ours.issue(t, "mx.example", time.Unix(1000, 0))), stuck: problem.TLSNotVerified},
		{name: "without STARTTLS nothing is sent", level: mail.TLSRequire, stuck: problem.TLSNotOffered},
		{name: "a refused STARTTLS does not lead to clear text", level: mail.TLSRequire, conf: good,
			answers: map[string]string{"STARTTLS": "502 no"}, stuck: problem.TLSNotOffered},
		{name: "STARTTLS that is out of order is waited for", level: mail.TLSRequire, conf: good,
			answers: map[string]string{"STARTTLS": "454 4.7.0 TLS not available"}, later: true},
		{name: "answers smuggled in before TLS are noticed", level: mail.TLSRequire, conf: good,
			answers: map[string]string{"STARTTLS": "220 go\r\n250 smuggled"}, later: true},
		{name: "TLS 1.1 is too old", level: mail.TLSRequire, conf: old, later: true},
		{name: "a client certificate is presented", level: mail.TLSRequire, conf: asks, cert: &client, verified: true},
		{name: "a client certificate is presented with TLS 1.2", level: mail.TLSRequire, conf: asks12, cert: &client, verified: true},
		{name: "a client certificate that is refused needs a person", level: mail.TLSRequire, conf: asks, cert: &foreign, stuck: problem.CertificateRefused},
		{name: "a client certificate that is refused with TLS 1.2", level: mail.TLSRequire, conf: asks12, cert: &foreign, stuck: problem.CertificateRefused},
		{name: "a client certificate that is missing needs a person", level: mail.TLSRequire, conf: asks, stuck: problem.CertificateRefused},
		{name: "opportunistic takes any certificate", level: mail.TLSOpportunistic, conf: server(theirs.issue(t, "other.example", later))},
		{name: "opportunistic goes without STARTTLS", level: mail.TLSOpportunistic},
		{name: "opportunistic goes on in clear text when TLS fails", level: mail.TLSOpportunistic, conf: old},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{offers: offers, tls: tt.conf, answers: tt.answers}
			if tt.conf == nil {
				f.offers = offers[1:]
			}
			w := newWorld(t, Limits{}, ours.pool, map[string]*fake{"1": f})
			r := mail.Route{Tenant: "t1", Host: "mx.example:1", TLS: tt.level, ServerName: tt.server, Certificate: tt.cert}
			for round := range 2 { // the second time over the idle connection
				tx, err := w.Open(t.Context(), r, envelope("b@y.example"), outgoing("a\r\n"))
				if err != nil {
					got := failure(t, err)
					if got.Stuck != tt.stuck || (got.Outcome().Kind == Later) != tt.later {
						t.Fatalf("failure %v, stuck %q", got, got.Stuck)
					}
					if tt.stuck == "" && !tt.later || len(f.told("MAIL")) > 0 {
						t.Fatalf("%v; told %v", got, f.told(""))
					}
					return
				}
				if tt.stuck != "" || tt.later {
					t.Fatal("a transaction was opened")
				}
				if tx.Verified() != tt.verified {
					t.Errorf("verified: %v", tx.Verified())
				}
				if r := tx.Send(t.Context()); !r.Ok() {
					t.Errorf("round %d: %v", round, r)
				}
			}
			if n := len(f.told("MAIL")); n != 2 || len(f.got()) != 2 {
				t.Errorf("%d messages", n)
			}
			want := 1
			if tt.conf == old {
				want = 2 // the failed handshake
			}
			if f.sessions != want {
				t.Errorf("%d sessions, want %d", f.sessions, want)
			}
			if tt.cert != nil && f.certs != 1 {
				t.Error("no client certificate was seen")
			}
		})
	}
}

func TestTLSOffIsForLoopbackOnly(t *testing.T) {
	w := newWorld(t, Limits{}, nil, map[string]*fake{"25": {}})
	for _, host := range []string{"192.0.2.1", "[2001:db8::1]", "10.0.0.1"} {
		_, err := w.Open(t.Context(), mail.Route{Host: host, TLS: mail.TLSOff}, envelope("b@y.example"), outgoing("a\r\n"))
		if f := failure(t, err); f.Stuck != problem.PlainNotLoopback {
			t.Errorf("%s: %v", host, f)
		}
	}
	if len(w.dials) > 0 {
		t.Errorf("dialed %v", w.dials)
	}
	for _, host := range []string{"127.0.0.2", "[::1]", "localhost", "[::ffff:127.0.0.1]"} {
		tx, err := w.Open(t.Context(), mail.Route{Host: host, TLS: mail.TLSOff}, envelope("b@y.example"), outgoing("a\r\n"))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		tx.Close()
	}
}

func TestAuth(t *testing.T) {
	ca := newAuthority(t)
	conf := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "mx.example", time.Now().Add(time.Hour))}}
	bad := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "other.example", time.Now().Add(time.Hour))}}
	tests := []struct {
		name    string
		level   mail.TLSLevel
		conf    *tls.Config
		offers  []string
		answers map[string]string
		want    []string
		stuck   problem.Code
		later   bool
	}{
		{"PLAIN is preferred", mail.TLSRequire, conf, []string{"AUTH LOGIN PLAIN"}, nil, []string{"AUTH PLAIN AHVzZXIAcGFzcw=="}, "", false},
		{"LOGIN works alone", mail.TLSRequire, conf, []string{"AUTH=LOGIN"},
			map[string]string{"AUTH": "334 VXNlcm5hbWU6", "dXNlcg==": "334 UGFzc3dvcmQ6", "cGFzcw==": "235 2.7.0 ok"},
			[]string{"AUTH LOGIN", "dXNlcg==", "cGFzcw=="}, "", false},
		{"a refused password needs a person", mail.TLSRequire, conf, []string{"AUTH PLAIN"}, map[string]string{"AUTH": "535 5.7.8 no"}, nil, problem.AuthRefused, false},
		{"a log-in that is out of order is waited for", mail.TLSRequire, conf, []string{"AUTH PLAIN"}, map[string]string{"AUTH": "454 4.7.0 later"}, nil, "", true},
		{"no known mechanism", mail.TLSRequire, conf, []string{"AUTH NTLM"}, nil, nil, problem.AuthUnavailable, false},
		{"no AUTH at all", mail.TLSRequire, conf, nil, nil, nil, problem.AuthUnavailable, false},
		{"a password is never sent in clear text", mail.TLSOff, nil, []string{"AUTH PLAIN"}, nil, nil, problem.AuthUnavailable, false},
		{"a password is never sent to an unverified name", mail.TLSOpportunistic, bad, []string{"AUTH PLAIN"}, nil, nil, problem.TLSNotVerified, false},
		{"a password is never sent without STARTTLS", mail.TLSOpportunistic, nil, []string{"AUTH PLAIN"}, nil, nil, problem.TLSNotOffered, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{offers: tt.offers, tls: tt.conf, answers: tt.answers, afterTLS: tt.offers}
			if tt.conf != nil {
				f.offers = []string{"STARTTLS"}
			}
			w := newWorld(t, Limits{}, ca.pool, map[string]*fake{"1": f})
			r := mail.Route{Host: "mx.example:1", TLS: tt.level, User: "user", Password: "pass"}
			tx, err := w.Open(t.Context(), r, envelope("b@y.example"), outgoing("a\r\n"))
			if err != nil {
				got := failure(t, err)
				if got.Stuck != tt.stuck || (got.Outcome().Kind == Later) != tt.later {
					t.Errorf("failure %v, stuck %q", got, got.Stuck)
				}
				return
			}
			defer tx.Close()
			if tt.stuck != "" || tt.later {
				t.Fatal("a transaction was opened")
			}
			var got []string
			for _, l := range f.told("") {
				if strings.HasPrefix(l, "AUTH") || strings.HasSuffix(l, "==") {
					got = append(got, l)
				}
			}
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("said %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRequireTLSNeedsAVerifiedHostThatKnowsIt(t *testing.T) {
	ca := newAuthority(t)
	conf := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "mx.example", time.Now().Add(time.Hour))}}
	e := envelope("b@y.example")
	e.RequireTLS = true
	f := &fake{offers: []string{"STARTTLS"}, afterTLS: []string{"REQUIRETLS"}, tls: conf}
	none := &fake{offers: []string{"STARTTLS"}, tls: conf}
	clear := &fake{offers: []string{"REQUIRETLS"}}
	w := newWorld(t, Limits{}, ca.pool, map[string]*fake{"1": f, "2": none, "3": clear})
	tx, err := w.Open(t.Context(), mail.Route{Host: "mx.example:1", TLS: mail.TLSOpportunistic}, e, outgoing("a\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	tx.Close()
	if got := f.told("MAIL"); len(got) != 1 || !strings.HasSuffix(got[0], " REQUIRETLS") {
		t.Errorf("said %v", got)
	}
	_, err = w.Open(t.Context(), mail.Route{Host: "mx.example:2", TLS: mail.TLSRequire}, e, outgoing("a\r\n"))
	if got := failure(t, err); got.Reply.Enhanced != "5.7.30" || got.Outcome().Kind != Failed {
		t.Error(got)
	}
	_, err = w.Open(t.Context(), routeTo("3"), e, outgoing("a\r\n"))
	if got := failure(t, err); got.Reply.Enhanced != "5.7.30" {
		t.Error(got)
	}
}

func TestTheEndOfTheContextEndsAHangingHandshake(t *testing.T) {
	w := newWorld(t, Limits{}, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	w.config.Dial = func(context.Context, string, string) (net.Conn, error) {
		client, _ := net.Pipe()
		cancel()
		return client, nil
	}
	if _, err := w.Open(ctx, routeTo("1"), envelope("b@y.example"), outgoing("a\r\n")); err == nil {
		t.Error("a transaction with nobody")
	}
}
