package public

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
)

// Deed is what an identified person does about held mail.
type Deed struct {
	Message string
	// To are the recipients whom it is about; never empty.
	To     []mail.Address
	Act    quarantine.Act
	Person quarantine.Person
	// Text is a comment, a question, an answer or a reason, Choice the reason
	// that was chosen from a list.
	Text, Choice string
	// Other is to whom somebody hands on.
	Other mail.Address
}

// Done is what came of a deed.
type Done struct {
	// Done is for how many recipients it was carried out; Agreed for how many
	// it counts, while others have to agree too.
	Done, Agreed int
}

// look answers GET and HEAD. It changes nothing.
func (s *Site) look(w http.ResponseWriter, r *http.Request) error {
	v, ok, err := s.visited(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	switch {
	case !ok:
		s.fail(w, r, fault{status: http.StatusNotFound, text: "fault_link"})
		return nil
	case query.Has("sign-in"):
		return v.signIn(w)
	case !v.known:
		v.door(w, http.StatusOK, "", "", "")
		return nil
	}
	note := ""
	if parts, ok := v.unseal("did", query.Get("did"), v.now); ok && len(parts) == 2 && parts[0] == v.base {
		note = parts[1]
	}
	return v.answer(w, http.StatusOK, note, "good", "")
}

// answer shows the page that the visit is about.
func (v *visit) answer(w http.ResponseWriter, status int, note, tone, typed string) error {
	if v.message == "" {
		return v.list(w, status, note, tone)
	}
	m, ok, err := v.matter(v.r.Context())
	switch {
	case err != nil:
		return err
	case !ok:
		v.show(w, http.StatusForbidden, "fault", v.page("not_yours_title", "", "", map[string]string{"text": v.speech.say("not_yours")}))
		return nil
	}
	m.Typed = typed
	p := v.page(m.Title(), note, tone, m)
	p.Ref = m.Ref()
	v.show(w, status, "matter", p)
	return nil
}

// press answers POST: the only requests that change something.
func (s *Site) press(w http.ResponseWriter, r *http.Request) error {
	v, ok, err := s.visited(r)
	switch {
	case err != nil:
		return err
	case !ok:
		s.fail(w, r, fault{status: http.StatusNotFound, text: "fault_link"})
		return nil
	}
	if err := r.ParseForm(); err != nil {
		s.fail(w, r, fault{status: http.StatusRequestEntityTooLarge, text: "fault_long"})
		return nil
	}
	switch do := r.PostForm.Get("do"); do {
	case "code":
		return v.askCode(w)
	case "enter":
		return v.enterCode(w)
	default:
		if !v.known {
			v.door(w, http.StatusForbidden, "note_first", "warn", "")
			return nil
		}
		if !v.pressed() {
			return v.answer(w, http.StatusForbidden, "note_again", "warn", r.PostForm.Get("text"))
		}
		return v.do(w, do)
	}
}

// mostText is how much of a text is read, in octets; quarantine has a bound in
// characters.
const mostText = 10_000

// do carries out what an identified person has pressed.
func (v *visit) do(w http.ResponseWriter, do string) error {
	form := v.r.PostForm
	text := strings.TrimSpace(strings.ReplaceAll(form.Get("text"), "\r\n", "\n"))
	switch do {
	case "leave":
		return v.leave(w)
	case "look", "look-whole":
		return v.lookInto(w, do == "look-whole")
	}
	act := quarantine.Act(do)
	if v.message == "" || !slices.Contains(acts(), act) {
		return v.answer(w, http.StatusUnprocessableEntity, "no_not-possible", "bad", "")
	}
	d := Deed{Message: v.message, Act: act, Person: v.who, Choice: form.Get("choice"), Text: text}
	for _, to := range form["to"] {
		if a := mail.Address(to); a != "" && !slices.Contains(d.To, a) && len(d.To) < mostLines {
			d.To = append(d.To, a)
		}
	}
	note := ""
	switch {
	case len(d.To) == 0:
		note = "note_nobody"
	case len(text) > mostText:
		note = "note_long"
	case act == quarantine.HandOn:
		other, err := mail.ParseAddress(strings.TrimSpace(form.Get("other")))
		p, ok := v.Person(v.tenant.ID, other)
		if err != nil || !ok {
			note = "note_other"
		}
		d.Other = p.Address
	}
	if note != "" {
		return v.answer(w, http.StatusUnprocessableEntity, note, "bad", text)
	}
	if v.officer != nil {
		m, ok, err := v.matter(v.r.Context())
		if err != nil {
			return err
		}
		if ok {
			d.Person, d.To = m.doer(act, d.To)
		}
	}
	return v.carryOut(w, d)
}

// acts are those that people do on these pages.
func acts() []quarantine.Act {
	return []quarantine.Act{
		quarantine.Approve, quarantine.Reject, quarantine.HandOn, quarantine.Ask, quarantine.Answer, quarantine.Cancel,
		quarantine.Remove, quarantine.Send, quarantine.Explain, quarantine.AskAgain, quarantine.Request, quarantine.Release,
	}
}

// carryOut does it and leads to the page that shows what came of it. Pressing
// twice is no error: the page says who decided what and when.
func (v *visit) carryOut(w http.ResponseWriter, d Deed) error {
	ctx, cancel := context.WithTimeout(v.r.Context(), 20*time.Second)
	defer cancel()
	done, err := v.Do(ctx, d)
	var no *quarantine.Refusal
	switch {
	case errors.As(err, &no):
		tone := "bad"
		if no.Code == quarantine.OverAlready || no.Code == quarantine.SaidAlready {
			tone = "warn"
		}
		return v.answer(w, http.StatusConflict, "no_"+string(no.Code), tone, d.Text)
	case err != nil:
		return err
	}
	note := "did_" + string(d.Act)
	if done.Done == 0 && done.Agreed > 0 {
		note = "did_agreed"
	}
	gone(w, v.r, v.base+"?did="+v.seal("did", v.now.Add(didLife), v.base, note))
	return nil
}
