package fakeexchange

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"path"
	"strconv"
	"strings"
)

// isType is MessageTypeMatches.
func (v *view) isType(want string) bool {
	media, params := mediaType(value(v.raw, "Content-Type"))
	switch strings.ToLower(want) {
	case "oof":
		return v.automaticReply()
	case "autoforward":
		return v.m.class == AutoForward || value(v.raw, "X-MS-Exchange-Organization-AutoForwarded") != ""
	case "calendaring":
		return v.m.class == Calendaring || media == "text/calendar" || hasPart(v.raw, "text/calendar")
	case "encrypted":
		return encrypted(v.raw)
	case "signed":
		return media == "multipart/signed" || pkcs7(media) && strings.EqualFold(params["smime-type"], "signed-data")
	case "readreceipt":
		return media == "multipart/report" && strings.EqualFold(params["report-type"], "disposition-notification")
	case "permissioncontrolled":
		return hasPart(v.raw, "application/x-microsoft-rpmsg-message")
	case "voicemail":
		return v.m.class == Voicemail || strings.EqualFold(value(v.raw, "Content-Class"), "voice-uc")
	}
	return false // ApprovalRequest: no rule sees those here
}

// automaticReply knows an out-of-office reply (exchange.md 8.2): by its class
// when it is made here, by its headers when it comes back.
func (v *view) automaticReply() bool {
	if v.m.direct {
		return v.m.class == OOF
	}
	return v.sw.OOFKnownOnReturn && v.m.trusted &&
		strings.EqualFold(value(v.raw, "X-MS-Exchange-Generated-Message-Source"), "Mailbox Rules Agent")
}

func encrypted(raw []byte) bool {
	media, params := mediaType(value(raw, "Content-Type"))
	return media == "multipart/encrypted" ||
		pkcs7(media) && !strings.EqualFold(params["smime-type"], "signed-data")
}

func pkcs7(media string) bool {
	return media == "application/pkcs7-mime" || media == "application/x-pkcs7-mime"
}

func mediaType(v string) (string, map[string]string) {
	media, params, err := mime.ParseMediaType(v)
	if err != nil && media == "" {
		media, _, _ = strings.Cut(v, ";")
	}
	return strings.ToLower(strings.TrimSpace(media)), params
}

// importance is what Outlook shows: Importance, else X-Priority.
func (v *view) importance() string {
	if i := value(v.raw, "Importance"); i != "" {
		return i
	}
	digits, _, _ := strings.Cut(value(v.raw, "X-Priority"), " ")
	switch n, _ := strconv.Atoi(digits); n {
	case 1, 2:
		return "High"
	case 4, 5:
		return "Low"
	}
	return "Normal"
}

// bodyText is the text that content conditions see: nothing of an encrypted
// message (exchange.md 2.4 point 6), 150 KB of others.
func (v *view) bodyText() string {
	if encrypted(v.raw) {
		return ""
	}
	var b strings.Builder
	walkParts(v.raw, func(h textproto.MIMEHeader, content []byte) {
		media, _ := mediaType(h.Get("Content-Type"))
		if media == "" || strings.HasPrefix(media, "text/") {
			b.Write(content)
			b.WriteByte('\n')
		}
	})
	text := b.String()
	return text[:min(len(text), 150<<10)]
}

// attachment is a part with a file name.
type attachment struct {
	name string
	size int
}

func (a attachment) extension() string { return strings.TrimPrefix(path.Ext(a.name), ".") }

func attachments(raw []byte) []attachment {
	var list []attachment
	walkParts(raw, func(h textproto.MIMEHeader, content []byte) {
		_, disposition, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
		_, typed := mediaType(h.Get("Content-Type"))
		name := disposition["filename"]
		if name == "" {
			name = typed["name"]
		}
		if name != "" {
			list = append(list, attachment{name: decodeHeader(name), size: len(content)})
		}
	})
	return list
}

func hasPart(raw []byte, media string) bool {
	found := false
	walkParts(raw, func(h textproto.MIMEHeader, _ []byte) {
		m, _ := mediaType(h.Get("Content-Type"))
		found = found || m == media
	})
	return found
}

// walkParts calls leaf for every part that is not a multipart, decoded. It is
// simple on purpose: what is broken is left out.
func walkParts(raw []byte, leaf func(textproto.MIMEHeader, []byte)) {
	h := textproto.MIMEHeader{}
	all, body := fieldsOf(raw)
	for _, f := range all {
		h.Add(f.name, strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(string(raw[f.value:f.end]))))
	}
	walkPart(h, raw[body:], 0, leaf)
}

func walkPart(h textproto.MIMEHeader, body []byte, depth int, leaf func(textproto.MIMEHeader, []byte)) {
	media, params := mediaType(h.Get("Content-Type"))
	if !strings.HasPrefix(media, "multipart/") || params["boundary"] == "" || depth > 20 {
		leaf(h, decodeBody(h.Get("Content-Transfer-Encoding"), body))
		return
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			return
		}
		content, _ := io.ReadAll(p)
		walkPart(p.Header, content, depth+1, leaf)
	}
}

func decodeBody(encoding string, body []byte) []byte {
	var r io.Reader
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, bytes.NewReader(body))
	case "quoted-printable":
		r = quotedprintable.NewReader(bytes.NewReader(body))
	default:
		return body
	}
	decoded, _ := io.ReadAll(r)
	return decoded
}
