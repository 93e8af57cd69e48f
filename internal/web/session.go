package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/quarantine"
)

// How long a link and a session last.
const (
	linkLife    = 15 * time.Minute
	sessionLife = 12 * time.Hour
)

// maxDoors bounds links and sessions each; the oldest end first.
const maxDoors = 200

// doors are the links that were not used yet and the sessions. Both are kept
// as hashes of their tokens and in memory only: a restart ends them.
type doors struct {
	mu       sync.Mutex
	links    map[[sha256.Size]byte]visit
	sessions map[[sha256.Size]byte]visit
}

// Visitor is whose link or session it is.
type Visitor struct {
	// UID is the user of this machine who made the link: the session has his
	// rights about held mail.
	UID uint32
	// HeldOnly keeps one who has nothing but a role from all other pages.
	HeldOnly bool
}

// visit is a link or a session, and when it ends.
type visit struct {
	Visitor
	end time.Time
}

// OneTimeLink makes a link into the console at base, e.g.
// "http://127.0.0.1:8025". It works once, within 15 minutes.
func (c *Console) OneTimeLink(base string, who Visitor) string {
	return strings.TrimRight(base, "/") + "/enter/" + c.doors.link(who, time.Now())
}

func newToken() string {
	var b [32]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (d *doors) link(who Visitor, now time.Time) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	token := newToken()
	d.links = put(d.links, token, now, visit{who, now.Add(linkLife)})
	return token
}

// exchange uses a link up and begins a session.
func (d *doors) exchange(link string, now time.Time) (session string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := sha256.Sum256([]byte(link))
	v, known := d.links[key]
	delete(d.links, key)
	if !known || !now.Before(v.end) {
		return "", false
	}
	session = newToken()
	d.sessions = put(d.sessions, session, now, visit{v.Visitor, now.Add(sessionLife)})
	return session, true
}

func (d *doors) open(session string, now time.Time) (who Visitor, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, known := d.sessions[sha256.Sum256([]byte(session))]
	return v.Visitor, known && now.Before(v.end)
}

func (d *doors) close(session string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, sha256.Sum256([]byte(session)))
}

// put adds a token and forgets what has ended, and beyond maxDoors what ends
// next.
func put(m map[[sha256.Size]byte]visit, token string, now time.Time, v visit) map[[sha256.Size]byte]visit {
	if m == nil {
		m = map[[sha256.Size]byte]visit{}
	}
	for len(m) > 0 {
		var next [sha256.Size]byte
		for key, x := range m {
			if soonest, set := m[next]; !set || x.end.Before(soonest.end) {
				next = key
			}
		}
		if now.Before(m[next].end) && len(m) < maxDoors {
			break
		}
		delete(m, next)
	}
	m[sha256.Sum256([]byte(token))] = v
	return m
}

// cookieName holds the port: cookies of one host are shared by its ports,
// and two gateways on one machine would end each other's sessions.
func cookieName(r *http.Request) string {
	name := "postern-console"
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if own, err := netip.ParseAddrPort(local.String()); err == nil {
			name += "-" + strconv.Itoa(int(own.Port()))
		}
	}
	return name
}

func (c *Console) cookie(r *http.Request, value string, life time.Duration) *http.Cookie {
	age := int(life / time.Second)
	if age == 0 {
		age = -1
	}
	// Not Secure: the listener speaks plain HTTP, and only on loopback.
	return &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

func (c *Console) entered(r *http.Request) bool {
	_, ok := c.visitor(r)
	return ok
}

// visitor is whose session a request belongs to.
func (c *Console) visitor(r *http.Request) (who Visitor, ok bool) {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return who, false
	}
	return c.doors.open(cookie.Value, time.Now())
}

// inside lets only requests of a session through.
func (c *Console) inside(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, ok := c.visitor(r)
		switch {
		case !ok:
		case !who.HeldOnly || aboutHeld(r.URL.Path) || r.Pattern == "/": // that one leads nowhere
			next(w, entering(r, who))
			return
		case r.URL.Path == "/" && r.Method == http.MethodGet:
			http.Redirect(w, r, "/held", http.StatusSeeOther)
			return
		default:
			c.strayed(w, r, who)
			return
		}
		c.fail(w, r, http.StatusUnauthorized, fault{
			Sentence: "You need a link to enter this console.",
			Next:     "Make one on the machine that runs the gateway. It works once, within 15 minutes:",
			Command:  "postern console link",
		})
	}
}

// visitorKey carries the Visitor of a request that was let in.
type visitorKey struct{}

// entering is the request of somebody who was let in.
func entering(r *http.Request, who Visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, who))
}

// nobody is the number of no user: POSIX keeps it free.
const nobody = math.MaxUint32

// caller is who asks, for the desk of held mail. Who was not let in is nobody.
func caller(r *http.Request) quarantine.Caller {
	who, in := r.Context().Value(visitorKey{}).(Visitor)
	if !in {
		return quarantine.Caller{UID: nobody}
	}
	return quarantine.Caller{UID: who.UID}
}

// strayed refuses one who has nothing but a role what is not about held mail.
// It is in the log and in the chain.
func (c *Console) strayed(w http.ResponseWriter, r *http.Request, who Visitor) {
	f := needsRight("Your role is about held mail only.")
	f.Next = "An administrator of this machine sees the rest."
	if c.Held != nil {
		c.Held.Strayed(r.Context(), quarantine.Caller{UID: who.UID}, f.Sentence)
	}
	c.fail(w, r, http.StatusForbidden, f)
}

// aboutHeld reports whether a page is about held mail.
func aboutHeld(path string) bool {
	return path == "/held" || path == "/api/v1/held" || strings.HasPrefix(path, "/held/") || strings.HasPrefix(path, "/api/v1/held/")
}

// enter exchanges a link for a session. Only a person's own request does:
// neither HEAD nor a browser's guess at the next page uses the link up.
func (c *Console) enter(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.Header.Get("Sec-Purpose") != "" || r.Header.Get("Purpose") != "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	session, ok := c.doors.exchange(r.PathValue("token"), time.Now())
	if !ok {
		c.fail(w, r, http.StatusForbidden, fault{
			Sentence: "This link was used already, is older than 15 minutes, or is not whole.",
			Next:     "Make a new one on the machine that runs the gateway:",
			Command:  "postern console link",
		})
		return
	}
	http.SetCookie(w, c.cookie(r, session, sessionLife))
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		// The link stood on a page of another site. The strict cookie is not
		// sent along a redirect from there, so our own page leads on.
		c.show(w, r, http.StatusOK, "entered", page{Title: "Welcome"})
	}
}

func (c *Console) leave(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName(r)); err == nil {
		c.doors.close(cookie.Value)
	}
	http.SetCookie(w, c.cookie(r, "", 0))
	c.show(w, r, http.StatusOK, "fault", page{Title: "Session ended", Data: fault{
		Sentence: "Your session has ended.",
		Next:     "To come back, make a new link on the machine that runs the gateway:",
		Command:  "postern console link",
	}})
}
