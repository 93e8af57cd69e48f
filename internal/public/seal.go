package public

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// How long what a browser holds for us is good.
const (
	askedLife   = 15 * time.Minute    // of a code that was asked for
	deviceLife  = 30 * 24 * time.Hour // of a device, as quarantine has it
	sessionLife = 12 * time.Hour      // after a sign-in
	formLife    = 12 * time.Hour      // of the word in a form
	signInLife  = 10 * time.Minute    // of a sign-in that was begun
	didLife     = 5 * time.Minute     // of the word that something was done
)

func (s *Site) mac(purpose, text string) string {
	m := hmac.New(sha256.New, s.Key)
	fmt.Fprintf(m, "postern public %s\x00%s", purpose, text)
	return hex.EncodeToString(m.Sum(nil)[:20])
}

// seal makes a text that only this site makes, for one purpose and until a
// moment. It hides nothing.
func (s *Site) seal(purpose string, until time.Time, parts ...string) string {
	data, _ := json.Marshal(append([]string{until.UTC().Format(time.RFC3339)}, parts...)) // strings never fail
	text := base64.RawURLEncoding.EncodeToString(data)
	return text + "." + s.mac(purpose, text)
}

// mostSealed is how long a sealed text may be, in octets.
const mostSealed = 3000

// unseal reads what seal made.
func (s *Site) unseal(purpose, sealed string, now time.Time) (parts []string, ok bool) {
	text, mac, found := strings.Cut(sealed, ".")
	if !found || len(sealed) > mostSealed || !hmac.Equal([]byte(mac), []byte(s.mac(purpose, text))) {
		return nil, false
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(data, &parts) != nil || len(parts) == 0 {
		return nil, false
	}
	until, err := time.Parse(time.RFC3339, parts[0])
	return parts[1:], err == nil && now.Before(until)
}

func random() string {
	var b [20]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// cookie is one that only this host gets back, over TLS, and no script reads.
// Lax lets a link in a web mail program open a page of a known device; a
// request that changes something is a POST, to which it is never added from
// elsewhere (RFC 6265, draft bis §5.6.7).
func cookie(name, value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{
		Name: "__Host-postern-" + name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if life <= 0 {
		c.MaxAge = -1
	}
	return c
}

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie("__Host-postern-" + name)
	if err != nil {
		return ""
	}
	return c.Value
}
