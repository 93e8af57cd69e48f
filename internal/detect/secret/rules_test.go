package secret

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
)

// find gives the types found in a text, and where.
func find(text string) (list []detect.Found) {
	s := detect.Stream{Detectors: []detect.Detector{New()}, Found: func(f detect.Found) { list = append(list, f) }}
	_, _ = s.Write([]byte(text))
	_ = s.Close()
	return list
}

// invented makes up a body: all samples are put together here, so that no
// scanner of this repository takes them for real ones.
func invented(body set, n int, seed uint64) string {
	var signs []byte
	for b := range 256 {
		if body&classOf[b]&(alnum|under) != 0 {
			signs = append(signs, byte(b))
		}
	}
	r := rand.New(rand.NewPCG(seed, 7))
	for {
		out := make([]byte, n)
		for i := range out {
			out[i] = signs[r.IntN(len(signs))]
		}
		if likely(out) && !placeholder(out) {
			return string(out)
		}
	}
}

// made are the tokens whose body says more than its letters.
func made(r *rule, prefix string) string {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	switch r.id {
	case "github", "npm":
		body := invented(alnum, 30, 1)
		sum := base62Sum([]byte(body))
		return prefix + body + string(sum[:])
	case "azure-ad-secret":
		return "aB3" + prefix + invented(alnum, 34, 1)
	case "azure-key":
		return invented(alnum, 76, 1) + prefix + invented(alnum, 6, 2) + "=="
	case "azure-common-key":
		return invented(alnum, 52, 1) + prefix + invented(alnum, 26, 2)
	case "azure-sas":
		return "https://account.blob.core.windows.net/c?sv=2024-08-04&se=2027&" + prefix + invented(alnum, 44, 1)
	case "terraform":
		return invented(alnum, 14, 1) + prefix + invented(alnum, 67, 2)
	case "docker-swarm-token":
		return prefix + invented(lowNum, 50, 1) + "-" + invented(lowNum, 25, 2)
	case "akamai":
		return prefix + invented(lowNum, 16, 1) + "-" + invented(lowNum, 16, 2)
	case "harness":
		return prefix + invented(alnum, 22, 1) + "." + invented(hexLow, 24, 2) + "." + invented(alnum, 20, 3)
	case "atlassian":
		return prefix + "F" + invented(alnum, 170, 1) + "=" + invented(digits|upHex, 8, 2)
	case "launchdarkly", "hubspot", "plaid", "langfuse":
		h := invented(hexLow, 32, 1)
		return prefix + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	case "1password-key":
		h := invented(upNum, 31, 1)
		return prefix + h[:6] + "-" + h[6:12] + "-" + h[12:17] + "-" + h[17:22] + "-" + h[22:27]
	case "teams-hook":
		return "https://x" + prefix + invented(hexLow, 40, 1) + "/IncomingWebhook/" + invented(hexLow, 32, 2) + "/" + invented(hexLow, 30, 3)
	case "slack-hook":
		return "https://" + prefix + "T" + invented(upNum, 10, 1) + "/B" + invented(upNum, 10, 2) + "/" + invented(alnum, 24, 3)
	case "discord-hook":
		return "https://" + prefix + invented(digits, 18, 1) + "/" + invented(alnum, 68, 2)
	case "tines-hook":
		return "https://x" + prefix + invented(hexLow, 32, 1) + "/" + invented(hexLow, 32, 2)
	case "google-chat-hook":
		return "https://" + prefix + invented(alnum, 11, 1) + "/messages?key=" + invented(alnum, 20, 2) + "&token=" + invented(alnum, 40, 3)
	case "telegram":
		return invented(digits, 9, 1) + prefix + invented(alnum, 33, 2)
	case "braintree":
		return prefix + invented(lowNum, 16, 1) + "$" + invented(hexLow, 32, 2)
	case "sendgrid":
		return prefix + invented(alnum, 22, 1) + "." + invented(alnum, 43, 2)
	case "salesforce":
		return prefix + invented(alnum, 12, 1) + "!" + invented(alnum, 90, 2)
	case "airtable":
		return prefix + invented(alnum, 14, 1) + "." + invented(hexLow, 64, 2)
	case "dropbox-old":
		return invented(alnum, 10, 1) + "b" + prefix + "c" + invented(alnum, 42, 2)
	case "maxmind":
		return invented(alnum, 6, 1) + "_" + invented(alnum, 29, 2) + prefix
	case "openai":
		return prefix + invented(alnum, 24, 1) + "T3Blbk" + "FJ" + invented(alnum, 24, 2)
	case "grafana-key":
		return b64(`{"k":"` + invented(alnum, 32, 1) + `","n":"name","id":1}`)
	case "jwt":
		return b64(`{"alg":"HS256","typ":"JWT"}`) + "." + b64(`{"sub":"12"}`) + "." + invented(alnum, 43, 1)
	case "private-key-der":
		return base64.StdEncoding.EncodeToString(append([]byte{0x30, 0x82, 0, 200, 2, 1, 0, 2, 0x82}, []byte(invented(alnum, 195, 1))...))
	case "url":
		return "postgres" + prefix + "app:" + invented(alnum, 12, 1) + "@db.internal:5432/app"
	case "one-time-password":
		return prefix + "totp/Shop:anna?secret=" + invented(up, 32, 1) + "&issuer=Shop"
	}
	return hashSample(r, prefix)
}

func hashSample(r *rule, prefix string) string {
	switch r.id {
	case "hash-md5":
		return prefix + invented(alnum, 8, 1) + "$" + invented(alnum, 22, 2)
	case "hash-sha":
		n := map[string]int{"$5$": 43, "$6$": 86}[prefix]
		return prefix + "rounds=5000$" + invented(alnum, 16, 1) + "$" + invented(alnum, n, 2)
	case "hash-bcrypt":
		return prefix + "12$" + invented(alnum, 53, 1)
	case "hash-yescrypt":
		return prefix + "j9T$" + invented(alnum, 22, 1) + "$" + invented(alnum, 43, 2)
	case "hash-argon2":
		return prefix + "v=19$m=65536,t=3,p=4$" + invented(alnum, 22, 1) + "$" + invented(alnum, 43, 2)
	case "hash-sunmd5":
		return prefix + "rounds=5000$" + invented(alnum, 8, 1) + "$$" + invented(alnum, 22, 2)
	case "hash-pbkdf2":
		return prefix + "600000$" + invented(alnum, 22, 1) + "$" + invented(alnum, 43, 2)
	case "hash-cisco":
		return prefix + invented(alnum, 14, 1) + "$" + invented(alnum, 43, 2)
	}
	n := r.min
	if n < 8 {
		n = 8
	}
	return prefix + invented(r.body, n, 1)
}

func TestEveryRuleFindsATokenOfItsFormAndNoOther(t *testing.T) {
	for i, r := range rules() {
		if r.form != nil {
			continue
		}
		for _, prefix := range words(r.prefix) {
			text := made(&rules()[i], prefix)
			ok, id := false, r.id
			for _, f := range find("see " + text + " for it") {
				ok = ok || f.Type == r.kind && f.Confidence >= detect.Medium
			}
			if !ok {
				t.Errorf("%s: %s is not found: %v", id, text[:min(len(text), 12)], find("see "+text+" for it"))
			}
			if r.raw || r.min == 0 || r.check != nil {
				continue
			}
			for _, wrong := range []string{
				prefix + strings.Repeat("x", r.min), prefix + "EXAMPLE" + invented(r.body, max(0, r.min-7)+7, 2)[7:],
				words(r.prefix)[0] + invented(r.body, r.min-1, 3), "see " + prefix + "…", prefix,
			} {
				for _, f := range find(wrong) {
					if f.Type == r.kind && len(f.Why) > 0 && f.Why[0] == r.name && r.min > 7 {
						t.Errorf("%s: %q is found", id, wrong[:min(len(wrong), 20)])
					}
				}
			}
		}
	}
}

func TestFormsWithoutAPrefixAreFound(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	raw := base64.RawStdEncoding.EncodeToString
	for want, text := range map[string]string{
		"Twilio key":                   "SK" + invented(hexLow, 32, 1),
		"Mailgun signing key":          invented(hexLow, 32, 1) + "-" + invented(hexLow, 8, 3) + "-" + invented(hexLow, 8, 4),
		"Mailchimp key":                invented(hexLow, 32, 1) + "-us12",
		"New Relic license key":        invented(hexLow, 36, 1) + "NRAL",
		"Jira or Confluence token":     b64("926076555268:" + invented(alnum, 20, 1)),
		"Discord bot token":            raw([]byte("123406789012345678")) + ".GaBcD1." + invented(alnum, 38, 1),
		"WeChat application id":        "wx" + invented(hexLow, 16, 5),
		"a line of a .pgpass file":     "db1.internal:5432:shop:anna:" + invented(alnum, 9, 1),
		"the private part of a JSON W": `{"kty": "RSA", "n": "x", "d": "` + invented(alnum, 40, 1) + `"}`,
	} {
		ok := false
		for _, f := range find("a\n" + text + "\n") {
			ok = ok || strings.HasPrefix(f.Why[0], want)
		}
		if !ok {
			t.Errorf("%s is not found in %s: %v", want, text[:10], find(text))
		}
	}
}

func TestRulesAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	prefixes := 0
	for _, r := range rules() {
		if r.id == "" || r.name == "" || r.from == "" || r.kind == "" || seen[r.id] {
			t.Errorf("rule %q has no name, source or type, or is there twice", r.id)
		}
		seen[r.id] = true
		for _, p := range words(r.prefix) {
			prefixes++
			if len(p) < 3 {
				t.Errorf("%s: the prefix %q is shorter than three bytes", r.id, p)
			}
		}
		if r.max > 0 && r.max < r.min {
			t.Errorf("%s: at most %d and at least %d", r.id, r.max, r.min)
		}
	}
	for _, k := range keywordTable {
		if len(k.text) < k.at+6 {
			t.Errorf("the keyword %q is too short to be found from %d on", k.text, k.at)
		}
	}
	t.Logf("%d rules with %d prefixes, %d keywords", len(seen), prefixes, len(keywordTable))
	if len(seen) < 120 {
		t.Errorf("only %d rules", len(seen))
	}
}

func TestKeywordsAreFoundAtEveryPlace(t *testing.T) {
	d := New()
	for _, k := range keywordTable {
		for shift := range 9 {
			text := strings.Repeat(" ", shift) + strings.ToUpper(k.text[:0]) + k.text
			s := scan{d: d, t: []byte(text + "  ")}
			n := 0
			for i := 0; i+3 <= len(text); i += 4 {
				h := gram(uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16)
				for _, p := range d.grams.list(h) {
					start := i - int(p.at)
					if keywordTable[p.word].text == k.text && start >= 0 && start+len(k.text) <= len(s.t) && same(s.t[start:], k.text) {
						n++
					}
				}
			}
			if n != 1 {
				t.Errorf("%q behind %d spaces is found %d times", k.text, shift, n)
			}
		}
	}
}

func ExampleDetector() {
	text := []byte("The new password is " + "Tulpe" + "-9x!K" + ", please change it.")
	New().Scan(&detect.Window{Text: text, To: len(text) + 1}, func(h detect.Hit) {
		fmt.Println(h.Type, h.Confidence, len(h.Value))
	})
	// Output: SECRET_PASSWORD medium 10
}

func b64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
