package public

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// door is what a page shows to somebody who is not identified yet.
type door struct {
	// Invited is to whom the link was sent, mostly hidden: who has the link
	// need not know.
	Invited string
	// Asked is the mailbox that a code was asked for.
	Asked string
	// SignIn is where a sign-in begins; "" when the tenant has none.
	SignIn string
	// Typed is the address that was typed and is none.
	Typed string
	Other bool
}

// door shows how one is identified. It says nothing about mail.
func (v *visit) door(w http.ResponseWriter, status int, note, tone, typed string) {
	d := door{Typed: typed, Other: typed != ""}
	if v.invited != "" {
		d.Invited = hidden(v.invited)
	}
	if parts, ok := v.asked(); ok {
		d.Asked = parts[1]
		if parts[2] == "invited" {
			d.Asked = hidden(mail.Address(parts[1]))
		}
	}
	if v.signsIn() {
		d.SignIn = v.base + "?sign-in"
	}
	v.show(w, status, "entry", v.page("door_title", note, tone, d))
}

// asked is what this browser has asked a code for: the tenant, the mailbox, how
// that was named, and what tells the browser from others.
func (v *visit) asked() (parts []string, ok bool) {
	parts, ok = v.unseal("asked", cookieOf(v.r, "asked"), v.now)
	return parts, ok && len(parts) == 4 && parts[0] == v.tenant.ID
}

// hidden shows as much of an address as its owner needs to know it again.
func hidden(a mail.Address) string {
	local := []rune(a.Local())
	if len(local) == 0 {
		return ""
	}
	return string(local[0]) + "•••@" + a.Domain()
}

// askCode has a code sent to the mailbox that the link was sent to, or to
// another one. When the answer comes, the mail is in the store. The answer is the
// same whether there is such a mailbox or not, and comes as late.
func (v *visit) askCode(w http.ResponseWriter) error {
	to, how := v.invited, "invited"
	if text := strings.TrimSpace(v.r.PostForm.Get("address")); text != "" {
		a, err := mail.ParseAddress(text)
		if err != nil || len(text) > mostAddress || !strings.Contains(text, "@") {
			v.door(w, http.StatusUnprocessableEntity, "door_no_address", "bad", text[:min(len(text), mostAddress)])
			return nil
		}
		to, how = a, "typed"
	}
	if to == "" {
		v.door(w, http.StatusUnprocessableEntity, "door_no_address", "bad", "")
		return nil
	}
	if wait := v.rates.code(v.r, v.now); wait > 0 {
		v.fail(w, v.r, fault{status: http.StatusTooManyRequests, text: "fault_codes", wait: wait})
		return nil
	}
	browser := random()
	if parts, ok := v.asked(); ok {
		browser = parts[3]
	}
	err := v.sendCode(to, v.asker(browser, to))
	v.pause(v.now.Add(v.patience))
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie("asked", v.seal("asked", v.now.Add(askedLife), v.tenant.ID, string(to), how, browser), askedLife))
	gone(w, v.r, v.base)
	return nil
}

// asker is who asks for a code, as the doors count him.
func (v *visit) asker(browser string, to mail.Address) quarantine.Asker {
	a := quarantine.Asker{Browser: browser, Linked: v.invited != "" && v.invited.Key() == to.Key()}
	if network, bounded := clientOf(v.r); bounded { // else it is that of a server in front of us
		a.Network = network.String()
	}
	return a
}

// mostAddress is how long an address may be (RFC 5321 §4.5.3.1), in octets.
const mostAddress = 320

// sendCode makes a code and writes the mail with it, for somebody of the tenant.
func (v *visit) sendCode(to mail.Address, asker quarantine.Asker) error {
	p, ok := v.personOf(to)
	err := v.DB.Update(v.r.Context(), func(tx *store.Tx) error {
		if !ok { // nobody; the store is asked all the same, which takes its time
			return nil
		}
		c, err := v.Doors.NewCode(tx, v.tenant.ID, p.Address, asker, v.now)
		if err != nil {
			return err
		}
		return v.Code(tx, v.tenant, p, c)
	})
	if errors.Is(err, quarantine.ErrTooMany) {
		return nil // the last one sent is good for a while
	}
	return err
}

// wrongCode is how long the answer takes at least to a wrong code, and to who
// asks for one: how fast it comes does not tell whether the mailbox exists, in which case a try is
// written down, or a mail.
const wrongCode = 300 * time.Millisecond

// pause waits until a moment, or until nobody waits for the answer any more.
func (v *visit) pause(until time.Time) {
	select {
	case <-time.After(time.Until(until)):
	case <-v.r.Context().Done():
	}
}

// mostLabel is how much of a browser's name is kept with a device.
const mostLabel = 120

// enterCode binds this browser to the mailbox that a code was sent to.
func (v *visit) enterCode(w http.ResponseWriter) error {
	parts, ok := v.asked()
	code := strings.TrimSpace(v.r.PostForm.Get("code"))
	if !ok || len(code) > 20 {
		v.door(w, http.StatusUnprocessableEntity, "door_wrong", "bad", "")
		return nil
	}
	p, ok := v.personOf(mail.Address(parts[1]))
	var device string
	bound := false
	if ok {
		label := v.r.UserAgent()
		label = strings.ToValidUTF8(label[:min(len(label), mostLabel)], "")
		err := v.DB.Update(v.r.Context(), func(tx *store.Tx) (err error) {
			device, bound, err = v.Doors.Bind(tx, v.tenant.ID, p.Address, v.asker(parts[3], p.Address), code, label, v.now)
			return err
		})
		if err != nil {
			return err
		}
	}
	if !bound {
		v.pause(v.now.Add(v.patience))
		v.door(w, http.StatusUnprocessableEntity, "door_wrong", "bad", "")
		return nil
	}
	http.SetCookie(w, cookie("is-"+v.tenant.ID, device, deviceLife))
	http.SetCookie(w, cookie("asked", "", 0))
	gone(w, v.r, v.base)
	return nil
}

// leave makes this browser nobody's again.
func (v *visit) leave(w http.ResponseWriter) error {
	if v.known {
		err := v.DB.Update(v.r.Context(), func(tx *store.Tx) error {
			if sealed, signedIn := strings.CutPrefix(v.secret, "s."); signedIn {
				return v.Doors.Leave(tx, v.tenant.ID, sealed, v.now.Add(sessionLife))
			}
			_, err := v.Doors.Unbind(tx, v.tenant.ID, v.who.Address, v.secret)
			return err
		})
		if err != nil {
			return err
		}
	}
	http.SetCookie(w, cookie("is-"+v.tenant.ID, "", 0))
	http.SetCookie(w, cookie("asked", "", 0))
	gone(w, v.r, v.base)
	return nil
}
