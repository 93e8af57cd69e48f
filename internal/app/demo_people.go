package app

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// The people of the demo: Ann's manager answers one request by mail. While
// the demo stays, whoever tries it is the manager for the other.

// demoBoss is the manager, demoName the host name in the links that people get.
const (
	demoBoss = "boss@contoso.example"
	demoName = "mail.contoso.example"
)

// request is the mail in which the manager is asked about a sample: both name
// the reference of the record.
func (d *Demo) request(ctx context.Context, s sample) (raw []byte, err error) {
	records, err := d.records(ctx, s)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	for _, x := range d.House.Exchange.Mailbox(demoBoss) {
		if strings.Contains(plain(x.Raw), "ref: "+records[0].Ref) {
			return x.Raw, nil
		}
	}
	return nil, nil
}

// answer has the manager answer the request about a sample, from his mailbox.
func (d *Demo) answer(ctx context.Context, s sample) error {
	request, err := d.request(ctx, s)
	if err != nil {
		return err
	}
	to := mail.ParseHeader(mail.Bytes(request)).Addresses("Reply-To")
	if len(to) != 1 {
		return fmt.Errorf("%s got no request that can be answered", demoBoss)
	}
	raw := written("answer-to-"+s.name, demoBoss, string(to[0]), "Content-Type: text/plain; charset=utf-8\n\n"+s.answer+"\n")
	_, err = d.House.Exchange.Submit(demoBoss, []string{string(to[0])}, raw, s.options)
	return err
}

// plain is what a mail says in its first text.
func plain(raw []byte) string {
	for _, p := range mail.Parse(mail.Bytes(raw), mail.Limits{}).Parts() {
		if !p.Leaf() {
			continue
		}
		r, _ := p.Text() // a part of our own mails can be read
		text, err := io.ReadAll(r)
		if err == nil {
			return string(text)
		}
	}
	return ""
}

// Waiting is a request in the manager's mailbox whose page is open: the link
// of the mail, with the demo's own address in the place of the tenant's name.
func (d *Demo) Waiting(ctx context.Context) (about, link string) {
	if d.House.App.public == nil {
		return "", ""
	}
	path := regexp.MustCompile(`https://` + regexp.QuoteMeta(demoName) + `(/approve/[0-9a-f]+)`)
	for _, s := range samples(d.House.Params) {
		if s.answer != "" || s.ends[bob] != endHeld {
			continue
		}
		raw, err := d.request(ctx, s)
		if found := path.FindStringSubmatch(plain(raw)); err == nil && found != nil {
			_, port, _ := strings.Cut(d.House.App.public.String(), ":")
			return s.name, "http://localhost:" + port + found[1]
		}
	}
	return "", ""
}

// Watch says what arrives in the manager's mailbox, until ctx ends: the code
// that binds a browser is sent there.
func (d *Demo) Watch(ctx context.Context, say func(subject, text string)) {
	seen := len(d.House.Exchange.Mailbox(demoBoss))
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
		all := d.House.Exchange.Mailbox(demoBoss)
		for _, x := range all[min(seen, len(all)):] {
			say(mail.ParseHeader(mail.Bytes(x.Raw)).Text("Subject"), plain(x.Raw))
		}
		seen = len(all)
	}
}
