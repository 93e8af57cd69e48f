package public

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/tenant"
)

// Somebody is a person of a tenant, as its directory knows him.
type Somebody struct {
	// Address is the primary one, All are all of them.
	Address mail.Address
	All     []mail.Address
	Name    string
	// Languages are those in which he reads, the best first.
	Languages []string
}

// visit is one request: what it is about, and who asks.
type visit struct {
	*Site
	r      *http.Request
	tenant *tenant.Tenant
	speech *speech
	// base is the page's own address, without a query.
	base string
	// message is what the page is about; "" for the list of a person.
	message string
	// invited is to whom the link was sent; "" without a link.
	invited mail.Address
	now     time.Time

	// who is identified, when known is set; secret is what his browser holds.
	known    bool
	who      quarantine.Person
	somebody Somebody
	secret   string
	// officer is the visitor with the rights of his roles about held mail that
	// is not his business otherwise; nil without any.
	officer *quarantine.Person
}

// visited reads what a request is about and who asks. ok is false for an
// address that leads nowhere.
func (s *Site) visited(r *http.Request) (v *visit, ok bool, err error) {
	v = &visit{Site: s, r: r, now: time.Now()}
	err = s.DB.View(r.Context(), func(tx *store.Tx) error {
		id := r.PathValue("tenant")
		switch token := r.PathValue("token"); {
		case token != "":
			// A link that is over still leads to the page that says how it ended.
			t, _, err := s.Doors.FindToken(tx, token, quarantine.ToSee, v.now)
			if err != nil || t.Message == "" {
				return err
			}
			id, v.message, v.invited, v.base = t.Tenant, t.Message, t.Address, "/approve/"+strings.ToLower(token)
		default:
			v.message, v.base = r.PathValue("message"), "/approve/my/"+id
			if v.message != "" {
				v.base += "/" + v.message
			}
		}
		if v.tenant = s.tenantAt(r, id); v.tenant == nil {
			return nil
		}
		ok = true
		return v.identify(tx)
	})
	v.speech = s.speechFor(r, v.tenant)
	return v, ok, err
}

// identify finds out who asks: by the cookie of a device, or of a sign-in.
// Whoever has left the tenant since is nobody.
func (v *visit) identify(tx *store.Tx) error {
	value := cookieOf(v.r, "is-"+v.tenant.ID)
	if value == "" {
		return nil
	}
	if sealed, signedIn := strings.CutPrefix(value, "s."); signedIn {
		parts, ok := v.unseal("session", sealed, v.now)
		if !ok || len(parts) != 3 || parts[0] != v.tenant.ID {
			return nil
		}
		if left, err := v.Doors.HasLeft(tx, sealed); err != nil || left {
			return err
		}
		v.who = quarantine.Person{Address: mail.Address(parts[1]), By: quarantine.BySignIn}
	} else {
		p, ok, err := v.Doors.Known(tx, v.tenant.ID, value, v.now)
		if err != nil || !ok {
			return err
		}
		v.who = p
	}
	if v.somebody, v.known = v.personOf(v.who.Address); v.known {
		v.who.Address, v.who.Also, v.who.Tenant, v.secret = v.somebody.Address, v.somebody.All, v.tenant.ID, value
		v.asOfficer()
	}
	return nil
}

// asOfficer finds out whether a role is the visitor's. Where people can sign
// in, a code that went to the mailbox is not enough for it.
func (v *visit) asOfficer() {
	if v.Officer == nil || v.who.By != quarantine.BySignIn && v.tenant.SignIn != nil {
		return
	}
	if p := v.Officer(v.tenant.ID, v.who.Address); p.Rights.Metadata && p.Tenant == v.tenant.ID {
		v.officer = &p
	}
}

// as is the visitor as somebody who does something about a hold: himself,
// or by his role where it is not his business otherwise. With a role he does
// nothing about mail of his own, or for him.
func (v *visit) as(h *quarantine.Hold, a quarantine.Act) quarantine.Person {
	own := v.is(h.Sender) || v.is(h.Recipient) || slices.ContainsFunc(h.Own, v.is) || slices.ContainsFunc(h.Aliases, v.is)
	if v.officer == nil || own || h.May(v.who, a) == nil {
		return v.who
	}
	return *v.officer
}

// personOf is who has a mailbox of the tenant, and is still there.
func (v *visit) personOf(a mail.Address) (Somebody, bool) {
	if a.Null() {
		return Somebody{}, false
	}
	return v.Person(v.tenant.ID, a)
}

// is reports whether an address is the visitor's.
func (v *visit) is(a mail.Address) bool {
	if a.Null() {
		return false
	}
	for _, own := range append(v.somebody.All, v.who.Address) {
		if own.Key() == a.Key() {
			return true
		}
	}
	return false
}

// word is what the forms of this visitor's page carry: another browser, another
// person and another page have another one.
func (v *visit) word() string {
	until := fmt.Sprint(v.now.Add(formLife).Unix() / 3600)
	return until + "." + v.mac("form", until+"\x00"+v.secret+"\x00"+v.base)
}

// pressed reports whether a form is one of this visitor's page.
func (v *visit) pressed() bool {
	until, mac, _ := strings.Cut(v.r.PostForm.Get("form"), ".")
	var hour int64
	if _, err := fmt.Sscanf(until, "%d", &hour); err != nil || v.now.Unix()/3600 > hour || !v.known {
		return false
	}
	return hmac.Equal([]byte(mac), []byte(v.mac("form", until+"\x00"+v.secret+"\x00"+v.base)))
}

// page is what the templates get; note is the name of what has just happened.
func (v *visit) page(title, note, tone string, data any) page {
	p := page{
		lang: v.speech, Title: v.speech.say(title), Organization: v.tenant.Name, Contact: v.contact(), Base: v.base,
		Tone: tone, Data: data,
	}
	if v.known {
		p.Who, p.Form, p.Mine = string(v.who.Address), v.word(), "/approve/my/"+v.tenant.ID
	}
	if note != "" {
		p.Note = v.speech.say(note)
	}
	return p
}

func (v *visit) contact() string {
	if v.tenant.Contact != "" {
		return v.tenant.Contact
	}
	return v.speech.say("administrators", "organization", v.tenant.Name)
}

// gone answers with another page of ours.
func gone(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther)
}
