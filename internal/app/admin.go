package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"postern.dev/postern/internal/evidence"
	"postern.dev/postern/internal/exception"
	"postern.dev/postern/internal/gateway"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// The admin socket: verbs of the command line reach the running gateway
// over a unix socket that only its user can open, and users of roles. The
// peer's uid is the actor in the record. JSON over HTTP, one path a verb, which
// is no public API; but /api/v1/held is the console's, for scripts.

// Call is a request of a verb.
type Call struct {
	Paths   []string       `json:"paths,omitempty"`
	DryRun  bool           `json:"dry_run,omitempty"`
	Message string         `json:"message,omitempty"`
	To      []mail.Address `json:"to,omitempty"`
	Comment string         `json:"comment,omitempty"`
	Tenant  string         `json:"tenant,omitempty"`
	IDs     []string       `json:"ids,omitempty"`
	All     bool           `json:"all,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Number  int64          `json:"number,omitempty"`

	Excepting *Excepting `json:"excepting,omitempty"`
	HeldMail  *HeldCall  `json:"held_mail,omitempty"`
	// Keys are private keys that somebody brings; they are used once.
	Keys string `json:"keys,omitempty"`
}

// Answer is what a verb returns. Only the part that the verb has is set.
type Answer struct {
	Version *Version        `json:"version,omitempty"`
	Number  int64           `json:"number,omitempty"`
	Held    []spool.Pending `json:"held,omitempty"`
	Tasks   []task.Task     `json:"tasks,omitempty"`
	Balance *task.Sum       `json:"balance,omitempty"`
	Lines   []string        `json:"lines,omitempty"`
	Link    string          `json:"link,omitempty"`

	Candidates []gateway.Candidate  `json:"candidates,omitempty"`
	Tenant     string               `json:"tenant,omitempty"`
	Exception  *exception.Exception `json:"exception,omitempty"`
	Shadow     *Shadow              `json:"shadow,omitempty"`
	Keys       []KeyUse             `json:"keys,omitempty"`

	Retention   []Clocks               `json:"retention,omitempty"`
	Evidence    []evidence.Copy        `json:"evidence,omitempty"`
	Accesses    []gateway.Access       `json:"accesses,omitempty"`
	Emergencies []quarantine.Emergency `json:"emergencies,omitempty"`
	HeldMail    *HeldAnswer            `json:"held_mail,omitempty"`
	// Problem is an error; Red says that it is about the thing looked at,
	// not about the use of the command.
	Problem string `json:"problem,omitempty"`
	Red     bool   `json:"red,omitempty"`
}

// Do carries a verb out.
func (a *App) Do(ctx context.Context, verb string, c Call, actor string) (Answer, error) {
	switch verb {
	case "apply":
		v, err := a.applyNamed(ctx, change{paths: c.Paths, actor: actor, reason: c.Reason, dryRun: c.DryRun})
		return Answer{Version: &v}, err
	case "reload":
		v, err := a.Reload(ctx, actor)
		return Answer{Version: &v}, err
	case "rollback":
		v, err := a.Rollback(ctx, c.Number, actor, c.Reason)
		return Answer{Version: &v}, err
	case "shadow":
		s, err := a.CastShadow(ctx, c.Paths, actor, c.Reason)
		return Answer{Shadow: &s}, err
	case "exception-candidates", "exception-add", "exception-remove":
		return a.excepting(ctx, verb, c, actor)
	case "held-list":
		return a.held(ctx, c, actor)
	case "held-release", "held-reject":
		return a.decideHeld(ctx, c, verb == "held-release", actor)
	case "held-rows", "held-deed", "held-preview", "held-bulk", "held-bulks", "held-stop":
		return a.heldVerb(ctx, verb, c, actor)
	case "queue-list":
		return a.queue(ctx, c)
	case "queue-retry", "queue-hold":
		return a.changeQueue(ctx, verb, c)
	case "contacts-forget":
		return a.forgetAddress(ctx, c)
	case "keys-list", "keys-rotate", "keys-rewrap", "keys-retire":
		return a.keysVerb(ctx, verb, actor)
	case "retention":
		return a.retention(ctx)
	case "evidence-list", "evidence-show", "evidence-pin", "evidence-unpin":
		return a.evidenceVerb(ctx, verb, c, actor)
	case "emergency-ask", "emergency-confirm", "emergency-list":
		return a.emergencyVerb(ctx, verb, c, actor)
	case "console-link":
		return Answer{Link: a.ConsoleLink(callerOf(actor).UID)}, nil
	case "balance":
		sum, lines, err := a.Balance(ctx)
		return Answer{Balance: &sum, Lines: lines, Red: len(lines) > 0}, err
	}
	return Answer{}, fmt.Errorf("app: no verb is called %q", verb)
}

// held lists who waits, of the tenants that the caller may see.
func (a *App) held(ctx context.Context, c Call, actor string) (ans Answer, err error) {
	if c.Tenant, err = a.Desk.Scope(ctx, callerOf(actor), c.Tenant); err != nil {
		return ans, err
	}
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		if c.Message != "" {
			ans.Held, err = spool.PendingOf(tx, c.Message)
			ans.Held = slices.DeleteFunc(ans.Held, func(p spool.Pending) bool { return c.Tenant != "" && p.Tenant != c.Tenant })
			return err
		}
		ans.Held, err = spool.ListPending(tx, c.Tenant, 10_000)
		return err
	})
	return ans, err
}

func (a *App) queue(ctx context.Context, c Call) (ans Answer, err error) {
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) {
		ans.Tasks, err = task.List(tx, task.Filter{Tenant: c.Tenant, Message: c.Message, Limit: 10_000})
		return err
	})
	for i := range ans.Tasks {
		ans.Tasks[i].Payload = nil
	}
	return ans, err
}

// forgetAddress erases what is remembered of an address, in one tenant or all.
func (a *App) forgetAddress(ctx context.Context, c Call) (ans Answer, err error) {
	address, err := mail.ParseAddress(c.Message)
	if err != nil {
		return ans, fmt.Errorf("app: %q is not an address", c.Message)
	}
	for _, id := range a.Contacts.Tenants() {
		if c.Tenant != "" && c.Tenant != id {
			continue
		}
		err = a.DB.Update(ctx, func(tx *store.Tx) error {
			n, err := a.Contacts.Erase(tx, id, address)
			ans.Number += int64(n)
			return err
		})
		if err != nil {
			return ans, err
		}
	}
	return ans, nil
}

func (a *App) changeQueue(ctx context.Context, verb string, c Call) (ans Answer, err error) {
	choice := task.Choice{All: c.All, Tenant: c.Tenant, IDs: c.IDs}
	err = a.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if verb == "queue-hold" {
			ans.Number, err = task.Hold(tx, choice)
			return err
		}
		ans.Number, err = task.Retry(tx, choice, time.Now())
		tx.OnCommit(a.Tasks.Reopen)
		return err
	})
	return ans, err
}

// peerKey carries the uid of a connection's peer.
type peerKey struct{}

// serveAdmin opens the socket. Only the user of the process may connect, and
// users of roles, who reach nothing but held mail: the file's mode says so, and
// the peer's uid is checked besides.
func (a *App) serveAdmin() error {
	path := a.Config.adminSocket()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	mask := 0o177
	if len(a.Config.strangers()) > 0 {
		mask = 0o111
	}
	old := syscall.Umask(mask)
	ln, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return err
	}
	s := a.httpServer(http.HandlerFunc(a.handleAdmin))
	s.WriteTimeout = 0 // a verb may take as long as it needs
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		uid, err := peerUID(c)
		if err != nil {
			return ctx
		}
		return context.WithValue(ctx, peerKey{}, uid)
	}
	a.run(func() { _ = s.Serve(ln) })
	return nil
}

func peerUID(c net.Conn) (uint32, error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return 0, errors.New("app: not a unix socket")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *syscall.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, err
	}
	return cred.Uid, nil
}

// peerOf is the user at the other end of a connection.
func peerOf(ctx context.Context) (uid uint32, ok bool) {
	uid, ok = ctx.Value(peerKey{}).(uint32)
	return uid, ok
}

func (a *App) handleAdmin(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		a.serveHeld(w, r)
		return
	}
	uid, ok := peerOf(r.Context())
	verb := strings.TrimPrefix(r.URL.Path, "/")
	if !ok || !a.mayUse(uid, verb) {
		http.Error(w, "not your socket", http.StatusForbidden)
		return
	}
	var c Call
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&c); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	actor := "uid:" + strconv.FormatUint(uint64(uid), 10)
	if verb == "evidence-export" || verb == "emergency-read" {
		a.stream(w, r, verb, c, actor)
		return
	}
	ans, err := a.Do(r.Context(), verb, c, actor)
	if err != nil {
		var red *RedError
		ans.Problem, ans.Red = err.Error(), errors.As(err, &red) || quarantine.WhyOf(err) != ""
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ans) // the client is gone: nothing to do
}

// mayUse reports whether a user may use a verb: the gateway's own and root all
// of them, users of roles those about held mail and what is kept of it. What
// they may do with these is said by the desk.
func (a *App) mayUse(uid uint32, verb string) bool {
	if administers(uid) {
		return true
	}
	area, _, _ := strings.Cut(verb, "-")
	return a.Desk.Roles.Knows(uid) && (verb == "console-link" || slices.Contains([]string{"held", "evidence", "emergency"}, area))
}

// administers reports whether a user is the gateway's own, or root.
func administers(uid uint32) bool { return uid == uint32(os.Getuid()) || uid == 0 }

// Ask reaches a running gateway. running is false when there is none.
func Ask(ctx context.Context, c *Config, verb string, call Call) (ans Answer, running bool, err error) {
	res, err := reach(ctx, c, verb, call)
	if res == nil || err != nil {
		return ans, err != nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return ans, true, fmt.Errorf("app: the running gateway answered %s", res.Status)
	}
	return ans, true, json.NewDecoder(res.Body).Decode(&ans)
}

// reach sends a call to a running gateway; its answer is nil when there is none.
func reach(ctx context.Context, c *Config, verb string, call Call) (*http.Response, error) {
	path := c.adminSocket()
	if _, err := os.Stat(path); err != nil {
		return nil, nil
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
	body, err := json.Marshal(call)
	if err != nil {
		return nil, err
	}
	res, err := ask(ctx, client, verb, body)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return nil, nil // a socket that a crash left behind
	}
	return res, err
}

func requestID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
