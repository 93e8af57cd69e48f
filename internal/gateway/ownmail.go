package gateway

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/store"
)

// Mail to Postern itself: answers that decide, and drafts that are checked. It
// ends here, whatever it says: nothing of it is handed on to anybody.

// mostOwn is how large a mail to ourselves may be.
const mostOwn = 25 << 20

// ownRcpt takes or refuses a recipient that is an address of ours. Such mail
// comes alone, so that it can be judged by itself; whoever has a request may
// answer it from anywhere, because who he is must be proven anyhow.
func (g *Gateway) ownRcpt(ctx context.Context, p mail.Peer, e mail.Envelope, to mail.Recipient) *mail.Reply {
	refused := func(r mail.Reply) *mail.Reply { return &r }
	name, token := ownName(to.Address)
	switch name {
	case checkName:
		if r := g.Tenants.Current().AtRcpt(p, e.From, to.Address); r != nil {
			return &r.Reply
		}
	case replyName:
		t, err := g.tokenOf(ctx, token)
		if err != nil {
			return refused(replyStoreDown())
		}
		if t.Message == "" {
			return refused(replyNoSuchAddress())
		}
	default:
		return refused(replyNoSuchAddress())
	}
	if len(e.To) > 0 {
		return refused(replyComesAlone())
	}
	return nil
}

// ownName is what an address of ours is for, and what stands behind + in it.
func ownName(a mail.Address) (name, token string) {
	name, token, _ = strings.Cut(strings.ToLower(a.Local()), "+")
	return name, token
}

// tokenOf finds what the token of an answer stands for; its Message is "" for
// none.
func (g *Gateway) tokenOf(ctx context.Context, token string) (t quarantine.Token, err error) {
	if g.Doors == nil || token == "" || len(token) > 64 {
		return t, nil
	}
	err = g.DB.View(ctx, func(tx *store.Tx) (err error) {
		t, _, err = g.Doors.FindToken(tx, token, quarantine.ToDecide, time.Now())
		return err
	})
	return t, err
}

// forOurselves reports whether a message is for an address of ours alone.
func (g *Gateway) forOurselves(e mail.Envelope) bool {
	s := g.Tenants.Current()
	return len(e.To) == 1 && s.Ours(e.To[0].Address)
}

// toOurselves takes a mail to Postern itself.
func (g *Gateway) toOurselves(ctx context.Context, tr *trail, a *mail.Arrival, h *mail.Header) mail.Reply {
	if a.Body.Size() > mostOwn {
		return mail.NewReply(552, "5.3.4", fmt.Sprintf("A mail to Postern itself has at most %d octets", mostOwn))
	}
	id, refusal := g.Tenants.Current().Identify(a.Peer, a.Envelope, h)
	name, token := ownName(a.Envelope.To[0].Address)
	switch name {
	case replyName:
		return g.answerByMail(ctx, incoming{arrival: a, header: h, id: id, identified: refusal == nil}, token)
	case checkName:
		if refusal != nil {
			return g.turnAway(tr, h, refusal)
		}
		return g.checkDraft(ctx, a, h, id)
	}
	return replyNoSuchAddress()
}

// mostText is how much of a part is read for what its author says first.
const mostText = 512 << 10

// firstText is the text that a person wrote: of the first part that is text to
// read. A page is read as far as it is text.
func firstText(b mail.Body, limits mail.Limits) string {
	var page *mail.Part
	for _, p := range mail.Parse(b, limits).Leaves() {
		if p.Attachment() || p.Hidden {
			continue
		}
		switch {
		case p.Type == "text/plain" || p.Type == "":
			text, _ := p.Text()
			data, _ := io.ReadAll(io.LimitReader(text, mostText)) // what can be read of it
			if strings.TrimSpace(string(data)) != "" {
				return string(data)
			}
		case p.Type == "text/html" && page == nil:
			page = p
		}
	}
	if page == nil {
		return ""
	}
	text, _ := page.Text()
	return pageText(io.LimitReader(text, mostText))
}

// pageText is the text of a page, up to what it quotes.
func pageText(r io.Reader) string {
	var b strings.Builder
	z := html.NewTokenizer(r)
	z.SetMaxBuf(mostText)
	skip := ""
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return b.String()
		}
		if kind == html.TextToken {
			if skip == "" {
				b.WriteString(strings.Join(strings.FieldsFunc(html.UnescapeString(string(z.Raw())), lineEnd), " "))
			}
			continue
		}
		tag, _ := z.TagName()
		name := string(tag)
		switch {
		case kind == html.EndTagToken && name == skip:
			skip = ""
		case skip != "":
		case name == "blockquote" || name == "hr":
			return b.String()
		case kind == html.StartTagToken && slices.Contains([]string{"style", "script", "title", "head"}, name):
			skip = name
		case slices.Contains([]string{"p", "div", "br", "li", "tr", "td", "table", "ul", "ol", "body", "h1", "h2", "h3", "pre"}, name):
			b.WriteString("\n")
		}
	}
}

func lineEnd(r rune) bool { return r == '\n' || r == '\r' }
