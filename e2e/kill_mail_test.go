//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// In the campaign of kills a recipient's name says what must become of its
// mail. Everything that a message can come to is among them.
const (
	toTake, toTakeToo = "take@fabrikam.example", "take-too@fabrikam.example" // handed back
	toCopied          = "copied@fabrikam.example"                            // and a copy for the archive
	toElsewhere       = "elsewhere@fabrikam.example"                         // redirected to other
	toBlock           = "block@fabrikam.example"                             // blocked with our report
	toKeep            = "keep@fabrikam.example"                              // held until the end
	toRelease         = "release@fabrikam.example"                           // held, and a person lets it go
	toReject          = "reject@fabrikam.example"                            // held, and a person refuses
	toLapse           = "lapse@fabrikam.example"                             // held, refused when the time is over
	toRelent          = "relent@fabrikam.example"                            // held, and refused too: nobody could be asked
	toNobody          = "nobody@fabrikam.example"                            // refused by the next hop
	toLater           = "later@fabrikam.example"                             // deferred by the next hop at first

	other = "other@contoso.example"
)

const killPolicies = `kind: policy
id: copied
mode: enforce
when: recipient.local == "copied"
then: { copy: { to: [archive@contoso.example] } }
---
kind: policy
id: elsewhere
mode: enforce
when: recipient.local == "elsewhere"
then: { redirect: { to: [other@contoso.example] } }
---
kind: policy
id: blocked
mode: enforce
when: recipient.local == "block"
then: { block: {} }
---
kind: policy
id: decided
mode: enforce
when: recipient.local in ["keep", "release", "reject"]
then: { hold: { approver: manager, for: 48h } }
---
kind: policy
id: lapses
mode: enforce
when: recipient.local == "lapse"
then: { hold: { approver: manager, for: 1s, then: refuse } }
---
kind: policy
id: relents
mode: enforce
when: recipient.local == "relent"
then: { hold: { approver: manager, for: 1s, then: release } }
`

// mixtures are the envelopes of the load, as often as they come.
var mixtures = [][]string{
	{toTake}, {toTake}, {toTake}, {toTake}, {toTake, toTakeToo},
	{toCopied}, {toCopied}, {toElsewhere},
	{toBlock}, {toBlock},
	{toKeep}, {toRelease}, {toRelease}, {toReject}, {toLapse}, {toRelent},
	{toTake, toBlock, toRelease, toElsewhere, toCopied}, {toTake, toBlock, toReject},
	{toTake, toNobody}, {toTake, toLater}, {toKeep, toRelease, toLapse, toRelent},
	{toNobody}, {toLater},
}

// piece is a message of the load and what its sender saw of it.
type piece struct {
	token string
	to    []string
	sent  []byte // with the tenant's header field
	sum   [sha256.Size]byte
	data  bool // by DATA, not BDAT
	tries []try
	given bool // it came to an end: 2xx, or a 5xx
	left  bool // its sender gave it up before its end was sent
}

// try is one attempt of the sender.
type try struct {
	began, ended time.Time
	whole        bool // the end of the message was sent
	reply        reply
	broke        bool // there was no answer
}

const marker = "X-Load: "

// compose makes a message. Everything from the marker on must arrive as it
// is here.
func compose(r *rand.Rand) *piece {
	p := &piece{token: unique(), to: mixtures[r.IntN(len(mixtures))], data: r.IntN(3) == 0}
	size := []int{200, 2_000, 20_000}[r.IntN(3)]
	switch n := r.IntN(100); {
	case n < 2:
		size = 1_300_000 // it does not stay in memory
	case n < 6:
		size = 150_000
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%d\r\n%s", marker, size, exchangeHeader())
	fmt.Fprintf(&b, "From: Ann <%s>\r\nTo: undisclosed-recipients:;\r\nSubject: %s\r\n"+
		"Message-ID: <%s@contoso.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
		p.sender(), p.token, p.token)
	letters := []byte("abcdefghijklmnopqrstuvwxyz ....")
	for n := b.Len() + size; b.Len() < n; {
		line := make([]byte, 1+r.IntN(76))
		for i := range line {
			line[i] = letters[r.IntN(len(letters))]
		}
		b.Write(append(line, "\r\n"...))
	}
	p.sum = sha256.Sum256(b.Bytes())
	p.sent = append([]byte("X-Postern-Tenant: contoso;"+secret+";out;inline\r\n"), b.Bytes()...)
	return p
}

// sender is an address of its own, so that reports can be told apart.
func (p *piece) sender() string { return "s-" + p.token + "@contoso.example" }

// refused reports whether the next hop refused it while its sender waited.
func (p *piece) refused() bool {
	return len(p.to) == 1 && p.to[0] == toNobody && len(p.tries) > 0 && p.tries[len(p.tries)-1].reply.Code == 550
}

// onlyBack reports whether it goes back while its sender waits.
func (p *piece) onlyBack() bool {
	return !slices.ContainsFunc(p.to, func(a string) bool { return a != toTake && a != toTakeToo })
}

// mayGoBack reports whether it can be handed back while its sender waits.
func (p *piece) mayGoBack() bool {
	return !slices.ContainsFunc(p.to, func(a string) bool {
		return !slices.Contains([]string{toTake, toTakeToo, toLater, toNobody}, a)
	})
}

// due lists what must have happened in the end, each exactly once.
func (p *piece) due() (list []string) {
	held := false
	for _, a := range p.to {
		switch a {
		case toTake, toTakeToo, toLater:
			list = append(list, "mail to "+a)
		case toCopied:
			list = append(list, "mail to "+a, "mail to "+archive)
		case toElsewhere:
			list = append(list, "mail to "+other)
		case toBlock, toNobody:
			list = append(list, "report about "+a)
		case toKeep, toRelease:
			list, held = append(list, "mail to "+a), true
		case toReject, toLapse, toRelent: // nobody could be asked: what nobody has seen is not let go
			list, held = append(list, "report about "+a), true
		}
	}
	if held {
		list = append(list, "notice")
	}
	return list
}

// The steps of a transaction as its client sees them.
const (
	readMail, readRcpt, readGo   = "MAIL answered", "RCPT answered", "354 or the first chunk answered"
	sentHalf, sentAll, sentEnd   = "half of a chunk or line sent", "all sent but the end", "the end sent"
	readTaken                    = "250 read"
	decisionSent, decisionAnswer = "decision sent", "decision answered"
)

// bring is one attempt to hand a message over; told is called at each step
// and says whether to go on. With leave the client is gone as soon as it has
// sent the last octet.
func (p *piece) bring(c *client, leave bool, told func(step string) bool) (t try) {
	t.began = time.Now()
	defer func() { t.ended = time.Now() }()
	ask := func(text, name string, want int) bool {
		_, _ = io.WriteString(c.conn, text) // the answer tells
		r, err := c.read()
		if t.broke = err != nil; t.broke || r.Code != want {
			t.reply = r
			return false
		}
		t.broke = !told(name)
		return !t.broke
	}
	send := func(text, name string) bool {
		_, err := io.WriteString(c.conn, text)
		t.broke = err != nil || !told(name)
		return !t.broke
	}
	if !ask("MAIL FROM:<"+p.sender()+"> BODY=8BITMIME\r\n", readMail, 250) {
		return t
	}
	for _, a := range p.to {
		if !ask("RCPT TO:<"+a+">\r\n", readRcpt, 250) {
			return t
		}
	}
	begin, text, end := "DATA\r\n", strings.ReplaceAll("\r\n"+string(p.sent), "\r\n.", "\r\n..")[2:], ".\r\n"
	want := 354
	if !p.data {
		first, rest := p.sent[:len(p.sent)/3], p.sent[len(p.sent)/3:]
		begin, want = fmt.Sprintf("BDAT %d\r\n%s", len(first), first), 250
		text, end = fmt.Sprintf("BDAT %d LAST\r\n%s", len(rest), rest[:len(rest)-1]), string(rest[len(rest)-1:])
	}
	if !ask(begin, readGo, want) || !send(text[:len(text)/2], sentHalf) || !send(text[len(text)/2:], sentAll) {
		return t
	}
	_, err := io.WriteString(c.conn, end)
	t.whole = true
	if told(sentEnd); leave || err != nil {
		c.conn.Close()
		t.broke = true
		return t
	}
	r, err := c.read()
	if t.reply, t.broke = r, err != nil; !t.broke {
		told(readTaken)
	}
	return t
}
