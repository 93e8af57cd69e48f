package senderauth

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAChainOfSealersPasses(t *testing.T) {
	z := zone{}
	message := letter
	if c := chainOf(z, message); c.Result != None {
		t.Fatalf("%+v", c)
	}
	for i := 1; i <= 5; i++ {
		s := signer(t, fmt.Sprintf("s%d.example", i), rsaPEM(2048))
		z.publish(s)
		change := func(m string) string { return m }
		if i == 3 {
			change = func(m string) string { return m + "-- \r\na banner\r\n" }
		}
		message = seal(t, z, s, message, change)
		c := chainOf(z, message)
		if c.Result != Pass || c.Instance != i || len(c.Sealers) != i || c.Sealers[0] != "s1.example" {
			t.Fatalf("after %d: %+v", i, c)
		}
		oldest := 0
		if i >= 3 {
			oldest = 3 // the body is another one since then
		}
		if c.Oldest != oldest {
			t.Errorf("after %d the oldest that passes is %d, want %d", i, c.Oldest, oldest)
		}
		if len(c.Results) != i || c.Results[i-1].Service != s.Domain || len(c.Results[i-1].Find("arc")) != 1 {
			t.Errorf("results: %+v", c.Results)
		}
	}
}

// sealed is a message with three sets, and the zone for it.
func sealed(t testing.TB) (zone, string) {
	z, message := zone{}, letter
	for i := 1; i <= 3; i++ {
		s := signer(t, fmt.Sprintf("s%d.example", i), rsaPEM(2048))
		message = seal(t, z.publish(s), s, message, nil)
	}
	return z, message
}

// cutField takes the field with this beginning out of a message.
func cutField(message, begin string) (without, f string) {
	at := strings.Index(message, begin)
	if at < 0 {
		panic(begin)
	}
	end := at
	for {
		end += strings.Index(message[end:], "\r\n") + 2
		if message[end] != ' ' && message[end] != '\t' {
			return message[:at] + message[end:], message[at:end]
		}
	}
}

func TestAChainThatIsTamperedWithFails(t *testing.T) {
	z, message := sealed(t)
	swap := func(old, with string) func(string) string {
		return func(m string) string {
			if !strings.Contains(m, old) {
				panic(old)
			}
			return strings.Replace(m, old, with, 1)
		}
	}
	without := func(begin string) func(string) string {
		return func(m string) string { m, _ = cutField(m, begin); return m }
	}
	tests := []struct {
		name   string
		change func(string) string
		why    string
	}{
		{"the body", swap("bye", "buy"), "message signature 3: the body"},
		{"a line more", func(m string) string { return m + "more\r\n" }, "message signature 3: the body"},
		{"the subject", swap("Subject: one", "Subject: won"), "message signature 3: the header"},
		{"a second From above", func(m string) string { return "From: eve@evil.example\r\n" + m }, "message signature 3: the header"},
		{"no From", swap("From: Ann", "X-From: Ann"), "message signature 3: the header"},
		{"the first results", swap("i=1; s1.example; arc=none", "i=1; s1.example; arc=pass"), "seal 3"},
		{"the last results", swap("i=3; s3.example; arc=pass", "i=3; s3.example; arc=fail"), "seal 3"},
		{"the service of the results", swap("i=2; s2.example;", "i=2; s9.example;"), "seal 3"},
		{"the signature of an old seal", func(m string) string {
			_, f := cutField(m, "ARC-Seal: i=1;")
			at := strings.Index(f, "b=") + 10
			with := "A"
			if f[at] == 'A' {
				with = "B"
			}
			return strings.Replace(m, f, f[:at]+with+f[at+1:], 1)
		}, "seal"},
		{"a set is gone at the beginning", func(m string) string {
			for _, n := range []string{"ARC-Seal: i=1;", "ARC-Message-Signature: i=1;", "ARC-Authentication-Results: i=1;"} {
				m, _ = cutField(m, n)
			}
			return m
		}, "set 1 is not complete"},
		{"no seal in the middle", without("ARC-Seal: i=2;"), "set 2 is not complete"},
		{"no message signature", without("ARC-Message-Signature: i=3;"), "set 3 is not complete"},
		{"no results", without("ARC-Authentication-Results: i=1;"), "set 1 is not complete"},
		{"results twice", func(m string) string {
			_, f := cutField(m, "ARC-Authentication-Results: i=2;")
			return f + m
		}, "set 2 is not complete, or something of it stands twice"},
		{"an instance of 0", swap("ARC-Authentication-Results: i=1;", "ARC-Authentication-Results: i=0;"), "without an instance"},
		{"an instance of 51", swap("ARC-Authentication-Results: i=3;", "ARC-Authentication-Results: i=51;"), "without an instance"},
		{"an instance with a sign", swap("ARC-Authentication-Results: i=3;", "ARC-Authentication-Results: i=+3;"), "without an instance"},
		{"results without instance", swap("ARC-Authentication-Results: i=3;", "ARC-Authentication-Results: x=3;"), "without an instance"},
		{"a seal that is no list of tags", swap("ARC-Seal: i=3;", "ARC-Seal: i=3; ???;"), "without an instance"},
		{"a tag that stands twice", swap("ARC-Seal: i=3;", "ARC-Seal: i=3; i=3;"), "without an instance"},
		{"cv=none at the second", swap("cv=pass;\r\n\td=s2.example", "cv=none;\r\n\td=s2.example"), "seal 2 says cv=none"},
		{"cv=pass at the first", swap("cv=none;\r\n\td=s1.example", "cv=pass;\r\n\td=s1.example"), "seal 1 says cv=pass"},
		{"cv=fail in the middle", swap("cv=pass;\r\n\td=s2.example", "cv=fail;\r\n\td=s2.example"), "seal 2 says cv=fail"},
		{"cv=fail at the end", swap("cv=pass;\r\n\td=s3.example", "cv=fail;\r\n\td=s3.example"), "a sealer found the chain broken"},
		{"no cv", swap("cv=pass;\r\n\td=s3.example", "\r\n\td=s3.example"), "the tag cv is missing"},
		{"a seal with h", swap("cv=pass;\r\n\td=s3.example", "cv=pass; h=from;\r\n\td=s3.example"), "a seal names fields"},
		{"a signature over the seals", swap("h=from:from:", "h=arc-seal:from:from:"), "covers fields of ARC"},
		{"a signature without From", swap("h=from:from:", "h="), "From is not signed"},
		{"SHA-1", swap("i=3; a=rsa-sha256", "i=3; a=rsa-sha1"), "SHA-1"},
		{"an unknown algorithm", swap("i=3; a=rsa-sha256", "i=3; a=rsa-sha512"), "the algorithm is unknown"},
		{"a domain that is none", swap("cv=pass;\r\n\td=s3.example", "cv=pass;\r\n\td=s3..example"), "is no name"},
		{"the domain of another", swap("cv=pass;\r\n\td=s3.example", "cv=pass;\r\n\td=s2.example"), "seal 3"},
		{"a key that is not there", swap("cv=pass;\r\n\td=s3.example", "cv=pass;\r\n\td=s4.example"), "does not exist"},
		{"a signature that is no base64", swap("\r\n\tb=", "\r\n\tb=!"), "b is not base64"},
		{"an unknown canonical form", swap("c=relaxed/relaxed", "c=nofws/relaxed"), "the canonical form is unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := chainOf(z, tt.change(message))
			if c.Result != Fail || !strings.Contains(c.Reason, tt.why) || len(c.Sealers) != 0 || len(c.Results) != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestWhatIsNotSignedMayChange(t *testing.T) {
	z, message := sealed(t)
	tests := map[string]func(string) string{
		"fields above":             func(m string) string { return "Received: from a by b; now\r\nX-Postern-Checked: x\r\n" + m },
		"empty lines at the end":   func(m string) string { return m + "\r\n\r\n" },
		"other folding":            func(m string) string { return strings.Replace(m, "Subject: one\r\n two", "subject:one\t two", 1) },
		"white space in the body":  func(m string) string { return strings.Replace(m, "hello  \t world ", "hello world", 1) },
		"the order of ARC's sets":  func(m string) string { m, f := cutField(m, "ARC-Seal: i=3;"); return insertField(m, f) },
		"the fold of a signature":  func(m string) string { return strings.Replace(m, "\r\n\tb=", "\r\n\t b=\r\n\t ", 1) },
		"other fields of a header": func(m string) string { return strings.Replace(m, "\r\n\r\n", "\r\nX-Spam: no\r\n\r\n", 1) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			if c := chainOf(z, change(message)); c.Result != Pass {
				t.Errorf("%+v", c)
			}
		})
	}
}

func insertField(message, f string) string {
	return strings.Replace(message, "\r\n\r\n", "\r\n"+f+"\r\n", 1)
}

func TestAKeyThatCannotBeHadNeverPasses(t *testing.T) {
	z, message := sealed(t)
	z["sel._domainkey.s1.example"] = nil // the server fails
	if c := chainOf(z, message); c.Result != TempError || c.Failed != 1 {
		t.Errorf("%+v", c)
	}
	s := signer(t, "s4.example", rsaPEM(2048))
	_, err := s.Seal(strings.NewReader(message), chainOf(z, message), "x", noon())
	if !errors.Is(err, ErrEnded) {
		t.Error("sealed although nobody knows what the chain is:", err)
	}
	if c := chainOf(nil, message); c.Result != Fail {
		t.Errorf("%+v", c)
	}
	v := Verifier{}
	if c := v.Verify(t.Context(), mailBytes(message), Wanted{ARC: true}, noon()).Chain; c.Result != TempError {
		t.Errorf("without a resolver: %+v", c)
	}
}

func TestABrokenChainIsSealedOnceAsBroken(t *testing.T) {
	z, message := sealed(t)
	message = strings.Replace(message, "bye", "buy", 1)
	s := signer(t, "s4.example", rsaPEM(2048))
	z.publish(s)
	message = seal(t, z, s, message, nil)
	c := chainOf(z, message)
	if !strings.Contains(message, "cv=fail;\r\n\td=s4.example") || c.Result != Fail || c.Reason != "a sealer found the chain broken" || c.Failed != 4 {
		t.Fatalf("%+v\n%s", c, message)
	}
	// Its seal covers its own set and nothing else (RFC 8617 §5.1.2).
	fields := fieldsOf(t, message)
	ch := collect(fields)
	set := &ch.sets[3]
	var err error
	if set.seal, err = parseSignature(set.seals, "a", "b", "cv", "d", "i", "s"); err != nil {
		t.Fatal(err)
	}
	k := &check{keys: newKeyring(z)}
	if r, why := k.sealed(t.Context(), ch.sets[3:], 0); r != Pass {
		t.Error(r, why)
	}
	if _, err := s.Seal(strings.NewReader(message), c, "x", noon()); !errors.Is(err, ErrEnded) {
		t.Error("a chain that ended was sealed again:", err)
	}
}

func TestAChainEndsAtFiftySets(t *testing.T) {
	z, message := zone{}, letter
	s := signer(t, "s.example", rsaPEM(2048))
	z.publish(s)
	for range maxSets {
		message = seal(t, z, s, message, nil)
	}
	c := chainOf(z, message)
	if c.Result != Pass || c.Instance != 50 {
		t.Fatalf("%+v", c)
	}
	if _, err := s.Seal(strings.NewReader(message), c, "x", noon()); !errors.Is(err, ErrEnded) {
		t.Error("a 51st set:", err)
	}
	more := strings.Replace(message, "ARC-Seal: i=50;", "ARC-Seal: i=51;", 1)
	if c := chainOf(z, more); c.Result != Fail {
		t.Errorf("%+v", c)
	}
}

func TestTheChainThatLeavesIsTheOneThatCame(t *testing.T) {
	z, message := sealed(t)
	c := chainOf(z, message)
	s := signer(t, "s4.example", rsaPEM(2048))
	cut, _ := cutField(message, "ARC-Seal: i=3;")
	if _, err := s.Seal(strings.NewReader(cut), c, "x", noon()); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
	noFrom, _ := cutField(message, "From:")
	if _, err := s.Seal(strings.NewReader(noFrom), c, "x", noon()); !errors.Is(err, ErrSigner) {
		t.Error(err)
	}
}

func TestOnlyGoodKeysSeal(t *testing.T) {
	if _, err := NewSigner("a.example", "s", rsaPEM(1024)); !errors.Is(err, ErrSigner) || !strings.Contains(err.Error(), "1024 bits") {
		t.Error(err)
	}
	if s := signer(t, "a.example", edPEM()); s.CanSeal() {
		t.Error("Ed25519 seals")
	} else if _, err := s.Seal(strings.NewReader(letter), Chain{Result: None}, "x", noon()); !errors.Is(err, ErrSigner) {
		t.Error(err)
	}
	for _, bad := range []string{"", "no pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := NewSigner("a.example", "s", []byte(bad)); !errors.Is(err, ErrSigner) {
			t.Error(bad, err)
		}
	}
	for _, name := range []string{"", "one", "a b.example", "a..example", strings.Repeat("a", 64) + ".example"} {
		if _, err := NewSigner(name, "s", rsaPEM(2048)); !errors.Is(err, ErrSigner) {
			t.Error(name, err)
		}
	}
	if _, err := NewSigner("a.example", "s;x", rsaPEM(2048)); !errors.Is(err, ErrSigner) {
		t.Error(err)
	}
}

func TestAHostileChainCostsLittle(t *testing.T) {
	var b bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&b, "ARC-Seal: i=%d; x=y\r\n", i%50+1)
	}
	b.WriteString(letter)
	if c := chainOf(zone{}, b.String()); c.Result != Fail || !strings.Contains(c.Reason, "longer than") {
		t.Errorf("%+v", c)
	}
}
