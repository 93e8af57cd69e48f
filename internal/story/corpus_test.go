package story

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/emersion/go-msgauth/dkim"
	"golang.org/x/tools/txtar"
)

// strangers are the messages that are not ours: all that the shared data
// holds, by folder.
func strangers(t *testing.T, folders ...string) (files []string) {
	t.Helper()
	const shared = "../../../shared/data/mail"
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(shared, folder), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if errors.Is(err, os.ErrNotExist) {
			t.Skip("SKIPPED: ../shared is not here")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// lines is a message as a client sends it by DATA: CR LF line ends.
func lines(raw []byte) []byte {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	raw = bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
	raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		raw = append(raw, "\r\n"...)
	}
	return raw
}

// passage is what became of one message.
type passage struct {
	file      string
	sent, got []byte
	err       error
}

// carried brings all files through the loop, each by BDAT as it is and by
// DATA with CR LF line ends.
func carried(t *testing.T, files []string, look func(p passage, chunked bool)) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, &txtar.Archive{})
		s.switches.HopLimit = 1000
		s.plan.Tenant = gates
		defer s.clear()
		c := newCarrier(t, s)
		defer func() { c.Close() }()
		for n, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if n%400 == 399 { // a connection carries a thousand messages
				c.Close()
				c = newCarrier(t, s)
			}
			for _, chunked := range []bool{true, false} {
				p := passage{file: file, sent: raw}
				if chunked {
					p.got, p.err = c.bring(p.sent)
				} else {
					p.sent = lines(raw)
					p.got, p.err = c.bringLines(p.sent)
				}
				if p.err != nil { // too many refusals end a connection
					c.Close()
					c = newCarrier(t, s)
				}
				look(p, chunked)
			}
		}
	})
}

func TestConformanceTheCorpusComesBackOctetForOctet(t *testing.T) {
	for _, folder := range []string{"corpus", "benign", "evasion"} {
		files := strangers(t, folder)
		same, refused := map[bool]int{}, 0
		carried(t, files, func(p passage, chunked bool) {
			err := p.err
			if err != nil {
				refused++
			} else if err = unchanged(p.sent, p.got); err == nil {
				same[chunked]++
			}
			if err != nil {
				t.Errorf("%s (chunked %v): %v", p.file, chunked, err)
			}
		})
		t.Logf("%s: %d of %d files came back octet for octet by BDAT, %d of %d by DATA; %d were refused",
			folder, same[true], len(files), same[false], len(files), refused)
	}
}

// TestConformanceSignaturesAreJudgedAsBefore compares each DKIM signature of
// the corpus before and after. The keys of most domains are long gone, so an
// independent verifier gets a key of the right kind and says how far it came;
// and what a signature signs, its header fields and its body, must give the
// same hashes: one that was valid before is valid after.
func TestConformanceSignaturesAreJudgedAsBefore(t *testing.T) {
	keys := newKeys(t)
	var files []string
	for _, file := range strangers(t, "corpus") {
		if raw, err := os.ReadFile(file); err == nil && bytes.Contains(bytes.ToLower(raw), []byte("dkim-signature:")) {
			files = append(files, file)
		}
	}
	messages, signatures, alike, bodies, valid := 0, 0, 0, 0, 0
	carried(t, files, func(p passage, chunked bool) {
		before := signed(lines(p.sent))
		if len(before) == 0 || p.err != nil || chunked && !bytes.Equal(p.sent, lines(p.sent)) {
			return // what has bare line ends is no signed message
		}
		messages++
		after := signed(lines(p.got))
		if len(after) != len(before) {
			t.Errorf("%s: %d signatures, then %d", p.file, len(before), len(after))
			return
		}
		for i := range before {
			signatures++
			if before[i] == after[i] {
				alike++
			} else {
				t.Errorf("%s: signature %d: %+v, then %+v", p.file, i, before[i], after[i])
			}
			if before[i].fits {
				bodies++
			}
		}
		was, is := keys.verdict(p.sent), keys.verdict(p.got)
		if was != is {
			t.Errorf("%s: %s, then %s", p.file, was, is)
		}
		valid += strings.Count(is, "<nil>")
	})
	t.Logf("%d of %d signatures (%d files, %d passages) cover the same octets as before; %d of %d fit their bodies, %d verify with known keys",
		alike, signatures, len(files), messages, bodies, signatures, valid)
	if signatures == 0 {
		t.Error("no signature was looked at")
	}
}

// signature is what one DKIM signature covers, hashed (RFC 6376 §3.7).
type signature struct {
	header, body [sha256.Size]byte
	fits         bool // bh= is the hash of the body
}

var spaces = regexp.MustCompile(`[ \t]+`)

// signed hashes what the signatures of a message cover. It is written after
// the standard alone, for this comparison.
func signed(raw []byte) (list []signature) {
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var fields []string
	for _, line := range strings.SplitAfter(string(head)+"\r\n", "\r\n") {
		if n := len(fields); n > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
			fields[n-1] += line
		} else if line != "" {
			fields = append(fields, line)
		}
	}
	for i, f := range fields {
		name, value, _ := strings.Cut(f, ":")
		if !strings.EqualFold(strings.TrimSpace(name), "DKIM-Signature") {
			continue
		}
		tags := map[string]string{}
		for _, tag := range strings.Split(value, ";") {
			k, v, _ := strings.Cut(tag, "=")
			tags[strings.TrimSpace(k)] = strings.Join(strings.Fields(v), "")
		}
		one := signature{body: sha256.Sum256(canonicalBody(body, strings.HasSuffix(tags["c"], "/relaxed")))}
		one.fits = tags["bh"] == base64.StdEncoding.EncodeToString(one.body[:])
		relaxed := strings.HasPrefix(tags["c"], "relaxed")
		one.header = sha256.Sum256([]byte(picked(fields, strings.Split(tags["h"], ":"), relaxed) + canonicalField(fields[i], relaxed)))
		list = append(list, one)
	}
	return list
}

// picked is the fields of h=, each time the lowest that is left.
func picked(fields, names []string, relaxed bool) (data string) {
	used := map[int]bool{}
	for _, name := range names {
		for i := len(fields) - 1; i >= 0; i-- {
			field, _, _ := strings.Cut(fields[i], ":")
			if !used[i] && strings.EqualFold(strings.TrimSpace(field), name) {
				used[i] = true
				data += canonicalField(fields[i], relaxed)
				break
			}
		}
	}
	return data
}

func canonicalField(f string, relaxed bool) string {
	if !relaxed {
		return f
	}
	name, value, _ := strings.Cut(f, ":")
	value = spaces.ReplaceAllString(strings.ReplaceAll(value, "\r\n", ""), " ")
	return strings.ToLower(strings.TrimSpace(name)) + ":" + strings.TrimSpace(value) + "\r\n"
}

func canonicalBody(body []byte, relaxed bool) []byte {
	text := string(body)
	if relaxed {
		all := strings.Split(text, "\r\n")
		for i, line := range all {
			all[i] = strings.TrimRight(spaces.ReplaceAllString(line, " "), " ")
		}
		text = strings.Join(all, "\r\n")
	}
	text = strings.TrimRight(text, "\r\n")
	if text != "" || !relaxed {
		text += "\r\n"
	}
	return []byte(text)
}

// keyring has a key for each kind of signature, so that a verifier comes to
// the end, and the keys of RFC 8463 §A.2, which are public.
type keyring struct{ rsa, ed25519 string }

func newKeys(t *testing.T) keyring {
	t.Helper()
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(strong.Public())
	if err != nil {
		t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return keyring{base64.StdEncoding.EncodeToString(der), base64.StdEncoding.EncodeToString(public)}
}

// verdict is what an independent verifier says.
func (k keyring) verdict(raw []byte) string {
	elliptic := regexp.MustCompile(`(?s)DKIM-Signature:[^:]*?a=ed25519`).Match(raw)
	list, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) {
			switch {
			case name == "brisbane._domainkey.football.example.com":
				return []string{"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOG7hcvPapiMlrwIaaPcHURo="}, nil
			case name == "test._domainkey.football.example.com":
				return []string{"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J1" +
					"6JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"}, nil
			case elliptic:
				return []string{"v=DKIM1; k=ed25519; p=" + k.ed25519}, nil
			}
			return []string{"v=DKIM1; k=rsa; p=" + k.rsa}, nil
		},
	})
	text := fmt.Sprint(err, ";")
	for _, v := range list {
		text += fmt.Sprintf(" %s %s %v;", v.Domain, v.Identifier, v.Err)
	}
	return strings.TrimPrefix(text, "<nil>;")
}
