package receive

import (
	"fmt"
	"net"
	"strings"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/telemetry"
)

// phase is where a client is in the conversation.
type phase uint8

const (
	fresh     phase = 1 << iota // connected, or TLS has just begun
	ready                       // said EHLO or HELO; between transactions
	mailing                     // MAIL was taken
	addressed                   // at least one RCPT was taken
	chunking                    // at least one BDAT was taken
	spoiled                     // a chunk was refused: the message is lost
)

const (
	anyPhase    = fresh | ready | mailing | addressed | chunking | spoiled
	transacting = mailing | addressed | chunking | spoiled
)

// The permitted paths:
//
//	fresh ─EHLO→ ready ─MAIL→ mailing ─RCPT→ addressed ─DATA→ ready
//	                                         addressed ─BDAT→ chunking ─BDAT LAST→ ready
//	                                         addressed, chunking ─refused BDAT→ spoiled ─BDAT LAST→ ready
//	ready ─STARTTLS→ fresh (everything is forgotten, RFC 3207 §4.2)
//	any but fresh ─RSET, EHLO, HELO→ ready
//
// A BDAT that has no place is still read to its end: its octets are content,
// never commands. A pair that is not here is answered by misplaced.
var rows = []struct {
	in   phase
	verb string
	do   func(*conn, string)
	idle bool // brings no message nearer
}{
	{anyPhase, "EHLO", (*conn).ehlo, true},
	{anyPhase, "HELO", (*conn).helo, true},
	{ready, "STARTTLS", (*conn).startTLS, true},
	{ready, "MAIL", (*conn).mail, true},
	{mailing | addressed, "RCPT", (*conn).rcpt, false},
	{addressed, "DATA", (*conn).data, false},
	{addressed | chunking, "BDAT", (*conn).bdat, false},
	{fresh | ready | mailing | spoiled, "BDAT", (*conn).strayBDAT, true},
	{anyPhase, "RSET", (*conn).rset, true},
	{anyPhase, "NOOP", (*conn).noop, true},
	{anyPhase, "VRFY", (*conn).vrfy, true},
	{anyPhase, "EXPN", (*conn).notOffered, true},
	{anyPhase, "TURN", (*conn).notOffered, true},
	{anyPhase, "AUTH", (*conn).notOffered, true},
	{anyPhase, "HELP", (*conn).help, true},
	{anyPhase, "QUIT", (*conn).quit, true},
}

// httpVerbs begin requests of browsers that were lured here: each further
// line of them could be a command (cross-protocol request forgery).
const httpVerbs = " GET POST PUT HEAD OPTIONS CONNECT DELETE PATCH TRACE "

// do runs one command line.
func (c *conn) do(line string) {
	if c.errors >= c.s.cfg.MaxErrors {
		c.bye(replyTooManyErrors())
		return
	}
	line = strings.TrimRight(line, " ") // RFC 5321 §4.1.1
	verb, args, _ := strings.Cut(line, " ")
	verb = upper(verb)
	if verb != "" && strings.Contains(httpVerbs, " "+verb+" ") {
		c.bye(replyNotHTTP())
		return
	}
	if !clean(line) {
		c.garbled(verb)
		return
	}
	known := false
	for _, row := range rows {
		if row.verb != verb {
			continue
		}
		known = true
		if row.in&c.phase == 0 {
			continue
		}
		if row.idle {
			if c.idles++; c.idles > c.s.cfg.MaxIdleCommands {
				c.bye(replyTooManyIdle())
				return
			}
		}
		row.do(c, args)
		return
	}
	if !known {
		c.fault(replyUnknown())
		return
	}
	c.fault(misplaced(verb, c.phase))
}

// garbled answers a line with control characters. After a broken BDAT nobody
// knows where its chunk ends, so the conversation cannot go on.
func (c *conn) garbled(verb string) {
	if strings.HasPrefix(verb, "BDAT") {
		c.bye(replyGarbled())
		return
	}
	c.fault(replyGarbled())
}

// misplaced is the answer to a command that has no row for this phase.
func misplaced(verb string, p phase) mail.Reply {
	switch {
	case p == fresh:
		return sequence("Say EHLO first")
	case p == chunking:
		return sequence("Chunks have begun: BDAT or RSET")
	case p == spoiled:
		return replyChunkLost()
	case verb == "MAIL":
		return sequence("A transaction is open already")
	case verb == "DATA" && p == mailing:
		return replyNoRecipients()
	case verb == "STARTTLS":
		return sequence("A transaction is open: RSET first")
	default:
		return sequence("MAIL first")
	}
}

// clean reports whether a command line holds text only.
func clean(line string) bool {
	for i := 0; i < len(line); i++ {
		if line[i] < ' ' || line[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(line)
}

func (c *conn) ehlo(args string) {
	if !c.hello(args) {
		return
	}
	c.esmtp = true
	c.reply(mail.NewReply(250, "", strings.Join(append([]string{c.s.cfg.Name}, c.extensions()...), "\n")))
}

func (c *conn) helo(args string) {
	if !c.hello(args) {
		return
	}
	c.esmtp = false
	c.reply(mail.NewReply(250, "", c.s.cfg.Name))
}

// hello notes the client's name, which proves nothing, and begins anew
// (RFC 5321 §4.1.4).
func (c *conn) hello(args string) bool {
	if args == "" || len(args) > 255 || strings.Contains(args, " ") || !visible(args) {
		c.fault(syntax("One host name or address literal is needed"))
		return false
	}
	c.reset(ready)
	c.peer.Hello = args
	return true
}

// extensions are the lines of the EHLO reply.
func (c *conn) extensions() []string {
	cfg := &c.s.cfg
	list := []string{
		"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING", "BINARYMIME",
		fmt.Sprintf("SIZE %d", cfg.MaxSize),
		fmt.Sprintf("LIMITS MAILMAX=%d RCPTMAX=%d", cfg.MaxMessages, cfg.MaxRecipients),
	}
	if c.peer.TLS == nil && cfg.Certificate != nil {
		list = append(list, "STARTTLS")
	}
	if c.offersRequireTLS() {
		list = append(list, "REQUIRETLS")
	}
	return list
}

func (c *conn) offersRequireTLS() bool { return c.s.cfg.OfferRequireTLS && c.peer.TLS != nil }

// mustTLS reports whether mail needs TLS on this connection.
func (c *conn) mustTLS() bool {
	if c.peer.TLS != nil {
		return false
	}
	if want := c.s.cfg.RequireTLS; want != nil {
		return *want
	}
	switch local := c.raw.LocalAddr().(type) {
	case *net.TCPAddr:
		return !local.IP.IsLoopback()
	default:
		return false // a pipe or a Unix socket does not leave the machine
	}
}

func (c *conn) rset(args string) {
	if args != "" {
		c.fault(replyNoArgument())
		return
	}
	if c.phase != fresh {
		c.reset(ready)
	}
	c.reply(ok("2.0.0", "Reset"))
}

// reset forgets the transaction.
func (c *conn) reset(to phase) {
	if c.tx.body != nil {
		c.closeBody(c.tx.body)
	}
	c.tx = transaction{}
	c.phase = to
}

func (c *conn) closeBody(b Buffer) {
	if err := b.Close(); err != nil {
		c.s.cfg.Log.Error("a message buffer could not be closed", telemetry.KeyError, err)
	}
}

func (c *conn) quit(args string) {
	if args != "" {
		c.fault(replyNoArgument())
		return
	}
	c.bye(replyBye())
}

func (c *conn) noop(string)       { c.reply(ok("2.0.0", "OK")) }
func (c *conn) help(string)       { c.reply(replyHelp()) }
func (c *conn) notOffered(string) { c.fault(replyNotOffered()) }

func (c *conn) vrfy(args string) {
	if args == "" {
		c.fault(syntax("A name is needed"))
		return
	}
	c.reply(replyVerify())
}
