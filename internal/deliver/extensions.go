package deliver

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"postern.dev/postern/internal/mail"
)

// extensions is what a host offers in its answer to EHLO.
type extensions struct {
	startTLS, pipelining, chunking, binary, eightBit, utf8, dsn, requireTLS bool

	size     bool
	maxSize  int64 // 0: no fixed limit
	maxRcpts int   // LIMITS RCPTMAX; 0: none
	maxMails int   // LIMITS MAILMAX; 0: none
	auth     map[string]bool
}

func parseExtensions(r mail.Reply) extensions {
	var x extensions
	lines := strings.Split(r.Text, "\n")
	for _, line := range lines[1:] {
		words := strings.Fields(strings.ToUpper(strings.Replace(line, "=", " ", 1)))
		if strings.HasPrefix(strings.ToUpper(line), "LIMITS ") {
			words = strings.Fields(strings.ToUpper(line))
		}
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "STARTTLS":
			x.startTLS = true
		case "PIPELINING":
			x.pipelining = true
		case "CHUNKING":
			x.chunking = true
		case "BINARYMIME":
			x.binary = true
		case "8BITMIME":
			x.eightBit = true
		case "SMTPUTF8":
			x.utf8 = true
		case "DSN":
			x.dsn = true
		case "REQUIRETLS":
			x.requireTLS = true
		case "SIZE":
			x.size = true
			if len(words) > 1 {
				x.maxSize, _ = strconv.ParseInt(words[1], 10, 64)
				x.maxSize = max(x.maxSize, 0)
			}
		case "AUTH": // also "AUTH=LOGIN", as old servers write it
			if x.auth == nil {
				x.auth = map[string]bool{}
			}
			for _, w := range words[1:] {
				x.auth[w] = true
			}
		case "LIMITS":
			x.limits(words[1:])
		}
	}
	return x
}

func (x *extensions) limits(words []string) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		n, err := strconv.Atoi(value)
		if err != nil || n <= 0 {
			continue
		}
		switch name {
		case "RCPTMAX":
			x.maxRcpts = n
		case "MAILMAX":
			x.maxMails = n
		}
	}
}

// plan is how a message goes to a host with given extensions.
type plan struct {
	mail     string // parameters of MAIL, each after a space
	dsn      bool   // RCPT carries NOTIFY and ORCPT
	utf8     bool
	chunked  bool
	convert  bool     // bare line ends become CR LF
	modified []string // what is no longer as it came
}

// peer is what fit must know of the other side.
type peer struct {
	ext      extensions
	verified bool // TLS with the right name
	exchange bool
}

// fit says how a message goes, or why it cannot: a host that lacks an
// extension gets the message without it only where nothing is lost.
func fit(p peer, e mail.Envelope, o *mail.Outgoing, l Limits) (plan, *mail.Reply) {
	w := plan{chunked: p.ext.chunking, dsn: p.ext.dsn}
	no := func(r mail.Reply) (plan, *mail.Reply) { return plan{}, &r }
	size := o.Size()
	if p.ext.size {
		if p.ext.maxSize > 0 && size > p.ext.maxSize {
			return no(replyTooLarge())
		}
		w.mail += " SIZE=" + strconv.FormatInt(size, 10)
	}
	if e.RequireTLS {
		if !p.verified || !p.ext.requireTLS {
			return no(replyNeedsRequireTLS())
		}
		w.mail += " REQUIRETLS"
	}
	if e.UTF8 || e.NeedsUTF8() {
		switch {
		case p.ext.utf8:
			w.utf8 = true
			w.mail += " SMTPUTF8"
		case e.NeedsUTF8() || eightBitHeader(o):
			return no(replyNeedsUTF8())
		}
	}
	if o.Bare && !p.ext.chunking {
		if !l.Convert {
			return no(replyNeedsChunking())
		}
		w.convert = true
		w.modified = append(w.modified, "bare line ends became CR LF")
	}
	body, reply := w.body(p, e, o, l)
	if reply != nil {
		return no(*reply)
	}
	w.mail += body
	if w.dsn {
		if e.Ret != "" {
			w.mail += " RET=" + string(e.Ret)
		}
		if e.EnvID != "" && xtext(e.EnvID, false) {
			w.mail += " ENVID=" + e.EnvID
		}
	}
	return w, nil
}

// body is the BODY parameter.
func (w *plan) body(p peer, e mail.Envelope, o *mail.Outgoing, l Limits) (string, *mail.Reply) {
	if e.Body == mail.BodyBinary {
		if p.ext.binary && p.ext.chunking {
			return " BODY=BINARYMIME", nil
		}
		if !l.Convert {
			r := replyNeedsBinary()
			return "", &r
		}
		w.modified = append(w.modified, "binary content was declared as 8-bit content")
	}
	switch {
	case p.ext.eightBit && (o.EightBit || e.Body == mail.Body8Bit):
		return " BODY=8BITMIME", nil
	case p.ext.eightBit && e.Body == mail.Body7Bit:
		return " BODY=7BIT", nil
	case !p.ext.eightBit && o.EightBit && !p.exchange && !l.EightBit && !w.utf8:
		r := replyNeedsEightBit()
		return "", &r
	}
	return "", nil
}

// rcpt is the RCPT command for a recipient.
func (w plan) rcpt(r mail.Recipient) string {
	s := "RCPT TO:<" + string(r.Address) + ">"
	if !w.dsn {
		return s
	}
	if n := notify(r.Notify); n != "" {
		s += " NOTIFY=" + n
	}
	if r.ORcpt != "" && xtext(r.ORcpt, w.utf8) {
		s += " ORCPT=" + r.ORcpt
	}
	return s
}

func notify(n mail.Notify) string {
	if n&mail.NotifyNever != 0 {
		return "NEVER"
	}
	var words []string
	if n&mail.NotifySuccess != 0 {
		words = append(words, "SUCCESS")
	}
	if n&mail.NotifyFailure != 0 {
		words = append(words, "FAILURE")
	}
	if n&mail.NotifyDelay != 0 {
		words = append(words, "DELAY")
	}
	return strings.Join(words, ",")
}

// xtext reports whether s can stand in a parameter (RFC 3461 §4): no spaces,
// no control characters, and 8-bit ones only with SMTPUTF8 (RFC 6533 §3).
func xtext(s string, utf8 bool) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == 0x7f || s[i] > 0x7f && !utf8 {
			return false
		}
	}
	return len(s) <= 500
}

// eightBitHeader reports whether the header, as it leaves, needs SMTPUTF8. A
// header of more than a megabyte is taken for one that does.
func eightBitHeader(o *mail.Outgoing) bool {
	r := &io.LimitedReader{R: o.Reader(), N: 1 << 20}
	buf := make([]byte, 0, 32<<10)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		end := len(buf)
		i := bytes.Index(buf, []byte("\r\n\r\n"))
		if i >= 0 {
			end = i
		}
		for _, c := range buf[:end] {
			if c > 0x7f {
				return true
			}
		}
		if i >= 0 || err != nil {
			return i < 0 && r.N == 0
		}
		// The blank line may lie across two reads.
		keep := min(len(buf), 3)
		buf = append(buf[:0], buf[len(buf)-keep:]...)
	}
}
