package amend

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"postern.dev/postern/internal/mail"
)

// banners puts the banners on top of every text that is shown: of an
// alternative, of all its texts.
func (a *amendment) banners(list []Banner) {
	if why := a.untouchable(); why != "" {
		a.kept("banner: %s", why)
		return
	}
	texts, why := shown(a.m.Root)
	if len(texts) == 0 {
		if why == "" {
			why = "the message has no text"
		}
		a.kept("banner: %s", why)
		return
	}
	for _, p := range texts {
		if why := a.unsure(p); why != "" {
			a.kept("banner in part %s (%s): %s", p.Path, p.Type, why)
			continue
		}
		if why := a.onTop(p, list); why != "" {
			a.kept("banner in part %s (%s): %s", p.Path, p.Type, why)
		}
	}
}

// untouchable says why a message must not get a banner: it is signed or
// encrypted, or something else than a text that people read. What is attached
// as a message counts for itself.
func (a *amendment) untouchable() string {
	for _, u := range a.m.Unseen {
		if u.Reason == mail.TooDeep || u.Reason == mail.TooManyParts {
			return "the message was not read as a whole"
		}
	}
	stack := []*mail.Part{a.m.Root}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if why := protected(p); why != "" {
			return why
		}
		if !strings.HasPrefix(p.Type, "message/") {
			stack = append(stack, p.Children...)
		}
	}
	return ""
}

func protected(p *mail.Part) string {
	switch p.Type {
	case "multipart/signed", "application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature":
		return "the message is signed"
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return "the message is signed or encrypted (S/MIME)"
	case "multipart/encrypted", "application/pgp-encrypted":
		return "the message is encrypted"
	case "application/x-microsoft-rpmsg-message":
		return "the message is protected by Microsoft's rights management"
	case "application/ms-tnef", "application/vnd.ms-tnef":
		return "the text is in Microsoft's TNEF"
	case "multipart/report":
		return "it is a report"
	case "message/partial", "message/external-body":
		return "the message is not here as a whole"
	}
	switch name := strings.ToLower(p.Name); {
	case strings.HasSuffix(name, ".p7m"), strings.HasSuffix(name, ".p7s"):
		return "the message is signed or encrypted (S/MIME)"
	case strings.HasSuffix(name, ".rpmsg"):
		return "the message is protected by Microsoft's rights management"
	case name == "winmail.dat":
		return "the text is in Microsoft's TNEF"
	}
	return ""
}

// shown are the parts that mail programs show first.
func shown(p *mail.Part) (texts []*mail.Part, why string) {
	switch {
	case p.Type == "text/plain" || p.Type == "text/html":
		if p.Attachment() || p.Hidden {
			return nil, ""
		}
		return []*mail.Part{p}, ""
	case !strings.HasPrefix(p.Type, "multipart/"):
		return nil, ""
	case encoded(p):
		return nil, "a multipart is encoded"
	}
	var parts []*mail.Part
	for _, c := range p.Children {
		if !c.Hidden {
			parts = append(parts, c)
		}
	}
	if p.Type != "multipart/alternative" && len(parts) > 1 {
		if p.Type == "multipart/related" && p.Params["start"] != "" {
			return nil, "its parts are related in another order"
		}
		parts = parts[:1]
	}
	for _, c := range parts {
		t, w := shown(c)
		texts = append(texts, t...)
		if why == "" {
			why = w
		}
	}
	return texts, why
}

func encoded(p *mail.Part) bool {
	switch p.Encoding {
	case "", "7bit", "8bit", "binary":
		return false
	}
	return true
}

// unsure says why programs could read a part in two ways.
func (a *amendment) unsure(p *mail.Part) string {
	for _, u := range a.m.Unseen {
		if u.Reason != mail.Malformed && u.Reason != mail.Ambiguous {
			continue
		}
		if u.Part == "" || u.Part == p.Path || strings.HasPrefix(p.Path, u.Part+".") {
			return "mail programs could read it in two ways"
		}
	}
	return ""
}

// window is how far the place of a banner is looked for. The styles in front
// of the text that Outlook writes have up to 100 KiB.
const window = 512 << 10

// onTop puts the banners that are not there yet on top of a text.
func (a *amendment) onTop(p *mail.Part, list []Banner) (why string) {
	t, why := a.text(p)
	if why != "" {
		return why
	}
	if bytes.Contains(t.plain, []byte("-----BEGIN PGP ")) {
		return "the text is signed or encrypted (PGP)"
	}
	w := writer{html: p.Type == "text/html", newline: t.newline, charset: p.Charset,
		ascii: t.encoding == "" && (!a.m.EightBit || p.Encoding != "8bit" && p.Encoding != "binary")}
	at := 0
	if bytes.HasPrefix(t.plain, []byte("\xef\xbb\xbf")) {
		at = 3
	}
	if w.html {
		top, found := topOf(t.plain)
		if !found && !t.whole {
			return "the beginning of its text was not found"
		}
		at = max(at, top)
	}
	lacks, ok := w.lacking(list, t.plain[at:])
	switch {
	case !ok:
		return fmt.Sprintf("the banner cannot be written in the charset %q", p.Charset)
	case len(lacks) == 0:
		return ""
	}
	put, ok := t.insert(at, lacks, w.html)
	if !ok {
		return "its encoding is damaged"
	}
	a.Put = append(a.Put, put)
	a.changed("banner in part %s (%s)", p.Path, p.Type)
	return ""
}

// text is the beginning of a part's text, with the place of every octet.
type text struct {
	encoding string // "", quoted-printable or base64
	newline  string
	plain    []byte
	// at are the places of the octets in the message, and of the end behind
	// them. For base64 they are those of the groups.
	at []int64
	// whole says that the whole text is here.
	whole bool
}

func (a *amendment) text(p *mail.Part) (t text, why string) {
	if !compatible(p.Charset) {
		return t, fmt.Sprintf("nothing can be put into the charset %q", p.Charset)
	}
	if !a.separate(p) {
		return t, "no empty line ends its header"
	}
	raw := make([]byte, min(p.Content.Len(), window))
	if n, err := a.m.Body.ReadAt(raw, p.Content.Start); n < len(raw) && err != nil && err != io.EOF {
		return t, "it cannot be read"
	}
	t = text{newline: a.newline(), whole: p.Content.Len() <= window}
	ok := true
	switch p.Encoding {
	case "", "7bit", "8bit", "binary":
		t.plain = raw
		t.at = []int64{p.Content.Start}
	case "quoted-printable":
		t.encoding = p.Encoding
		t.plain, t.at, t.whole = quotedText(raw, p.Content.Start, t.whole)
	case "base64":
		t.encoding = p.Encoding
		t.plain, t.at, ok = base64Text(raw, p.Content.Start, t.whole)
	default:
		return t, fmt.Sprintf("its transfer encoding is %q", p.Encoding)
	}
	if !ok {
		return t, "its encoding is damaged"
	}
	if bytes.HasPrefix(t.plain, []byte("\xff\xfe")) || bytes.HasPrefix(t.plain, []byte("\xfe\xff")) ||
		bytes.IndexByte(t.plain[:min(len(t.plain), 64)], 0) >= 0 {
		return t, "its text is not in the charset that it names"
	}
	return t, ""
}

// separate reports whether an empty line stands between the header of a part
// and its text: what is put there must not become a field.
func (a *amendment) separate(p *mail.Part) bool {
	end := a.raw(mail.Range{Start: max(0, p.Content.Start-3), End: p.Content.Start}, 3)
	switch {
	case bytes.HasSuffix(end, []byte("\n\n")), bytes.HasSuffix(end, []byte("\n\r\n")):
		return true
	}
	return string(end) == "\n" || string(end) == "\r\n" // it begins with the empty line
}
