package story

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/store"
)

// The words for what people and machines do.

// shipment is "FILE from A to B,C" with options behind it.
type shipment struct {
	raw  []byte
	from string
	to   []string
	opts map[string]string
}

func (s *stage) shipment(words []string) (x shipment, err error) {
	if len(words) < 5 || words[1] != "from" || words[3] != "to" {
		return x, fmt.Errorf("FILE from A to B")
	}
	raw, ok := s.files[words[0]]
	if !ok {
		return x, fmt.Errorf("there is no file %s in the story", words[0])
	}
	x.opts, err = options(words[5:], "notify", "ret", "envid", "as", "ip", "results")
	if name := x.opts["results"]; name != "" {
		text, ok := s.files[name]
		if !ok {
			return x, fmt.Errorf("there is no file %s in the story", name)
		}
		x.opts["results"] = strings.TrimSpace(string(text))
	}
	x.raw, x.from, x.to = raw, strings.Trim(words[2], "<>"), list(words[4])
	return x, err
}

func (x shipment) options() fakeexchange.Options {
	o := fakeexchange.Options{
		Class: fakeexchange.Class(x.opts["as"]), EnvID: x.opts["envid"], Ret: mail.Ret(strings.ToUpper(x.opts["ret"])),
		IP: x.opts["ip"], Results: x.opts["results"],
	}
	for _, n := range list(x.opts["notify"]) {
		o.Notify |= map[string]mail.Notify{
			"never": mail.NotifyNever, "success": mail.NotifySuccess, "failure": mail.NotifyFailure, "delay": mail.NotifyDelay,
		}[n]
	}
	return o
}

func exchangeSends(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	x, err := s.shipment(words)
	if err != nil {
		return err
	}
	s.direct = nil
	s.sent = len(s.house.Exchange.Log())
	s.last, err = s.house.Exchange.Submit(x.from, x.to, x.raw, x.options())
	s.settle()
	return err
}

func internetSends(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	x, err := s.shipment(words)
	if err != nil {
		return err
	}
	s.last, s.direct = "", nil
	s.sent = len(s.house.Exchange.Log())
	for _, r := range s.house.Exchange.Arrive(x.from, x.to, x.raw, x.options()) {
		if !r.Ok() {
			err = fmt.Errorf("exchange did not take it: %s", r)
		}
	}
	s.settle()
	return err
}

// serverSends speaks with the gateway as another server would.
func serverSends(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	if len(words) < 3 {
		return errors.New("server sends IP NAME FILE from A to B")
	}
	x, err := s.shipment(words[2:])
	if err != nil {
		return err
	}
	s.direct, s.last = nil, ""
	err = s.bring(words[0], words[1], x)
	var refused *smtp.SMTPError
	if errors.As(err, &refused) {
		e := refused.EnhancedCode
		s.direct = []string{fmt.Sprintf("%d %d.%d.%d %s", refused.Code, e[0], e[1], e[2], refused.Message)}
		err = nil
	}
	s.settle()
	return err
}

func (s *stage) bring(ip, name string, x shipment) error {
	conn, err := s.house.Wire.DialFrom(ip)(s.ctx, "tcp", "gw.postern.example:25")
	if err != nil {
		return err
	}
	config := &tls.Config{ServerName: "gw.postern.example", RootCAs: s.house.Exchange.Authority().Pool()}
	if name != "-" {
		cert, err := s.house.Exchange.Authority().Certificate(name)
		if err != nil {
			return err
		}
		config.Certificates = []tls.Certificate{cert}
	}
	c, err := smtp.NewClientStartTLS(conn, config)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Mail(x.from, nil); err != nil {
		return err
	}
	for _, to := range x.to {
		if err := c.Rcpt(to, nil); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(x.raw); err != nil {
		return err
	}
	resp, err := w.CloseWithResponse()
	if err != nil {
		return err
	}
	s.direct = []string{"250 " + resp.StatusText}
	_ = c.Quit() // the message is taken, whatever happens now
	return nil
}

func validate(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	if len(words) != 2 {
		return errors.New("validate CONNECTOR A,B")
	}
	replies, err := s.house.Exchange.Validate(s.ctx, s.house.Params.Name, words[0], list(words[1]))
	s.direct, s.last = nil, ""
	for _, r := range replies {
		s.direct = append(s.direct, r.String())
	}
	s.settle()
	return err
}

func makeFile(s *stage, words []string) error {
	if len(words) != 2 {
		return errors.New("make FILE SIZE")
	}
	n, err := strconv.Atoi(words[1])
	head := "From: Ann <ann@contoso.example>\r\nTo: bob@fabrikam.example\r\nSubject: large\r\n" +
		"Message-ID: <large@contoso.example>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\n"
	line := strings.Repeat("the quick brown fox ", 4)[:76] + "\r\n"
	var b strings.Builder
	b.WriteString(head)
	for b.Len() < n {
		b.WriteString(line)
	}
	s.files[words[0]] = []byte(b.String())
	return err
}

func moderator(s *stage, words []string) error {
	if len(words) < 2 {
		return errors.New("moderator A approves|rejects")
	}
	defer s.settle()
	for _, a := range s.house.Exchange.Approvals() {
		if a.State != "pending" {
			continue
		}
		if words[1] == "approves" {
			return s.house.Exchange.Approve(a.ID, words[0])
		}
		comment := strings.Join(words[2:], " ")
		return s.house.Exchange.Reject(a.ID, words[0], comment)
	}
	return errors.New("nothing waits for a moderator")
}

func after(s *stage, words []string) error {
	if len(words) != 1 {
		return errors.New("after D")
	}
	d, err := time.ParseDuration(words[0])
	time.Sleep(d)
	s.settle()
	return err
}

func plantFault(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	if len(words) < 3 {
		return errors.New("fault SIDE STAGE WHAT")
	}
	f := fakeexchange.Fault{Side: fakeexchange.Side(words[0]), Stage: fakeexchange.Stage(words[1])}
	for i := 2; i < len(words); i++ {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		var err error
		switch words[i] {
		case "drop":
			f.Drop = true
			continue
		case "keep": // it has the message all the same
			f.After = true
			continue
		case "twice":
			f.Twice = true
			continue
		case "always":
			f.Times = -1
			continue
		case "stranger":
			f.Stranger = true
			continue
		case "plain":
			f.PlainText = true
			continue
		case "for":
			f.To = value
		case "times":
			f.Times, err = strconv.Atoi(value)
		case "delay":
			f.Delay, err = time.ParseDuration(value)
		case "reply":
			f.Reply, err = mail.ParseReply([]string{value})
		default:
			err = fmt.Errorf("a fault does not know the word %s", words[i])
		}
		if err != nil {
			return err
		}
		i++
	}
	s.house.Exchange.Inject(f)
	return nil
}

func clearFaults(s *stage, _ []string) error {
	s.house.Exchange.ClearFaults()
	return nil
}

// engine makes looking fail for a cause, take its time, or work again.
func engine(s *stage, words []string) error {
	var d time.Duration
	var err error
	if len(words) == 2 && words[0] == "takes" {
		d, err = time.ParseDuration(words[1])
	}
	s.eye.set(func(e *eye) {
		switch words[0] {
		case "takes":
			e.takes = d
		case "works":
			e.takes, e.unseen = 0, ""
		default:
			e.unseen = mail.Cause(words[0])
		}
	})
	return err
}

// storeFull lets the database file grow no more.
func storeFull(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	lines := []string{"DROP TRIGGER full1", "DROP TRIGGER full2", "PRAGMA max_page_count = 1073741823"}
	if words[0] == "full" { // what is written wants a new page, and there is none
		lines = []string{
			"CREATE TABLE IF NOT EXISTS filler (b BLOB)",
			"CREATE TRIGGER full1 BEFORE INSERT ON intent BEGIN INSERT INTO filler VALUES (zeroblob(200000)); END",
			"CREATE TRIGGER full2 BEFORE INSERT ON message BEGIN INSERT INTO filler VALUES (zeroblob(200000)); END",
			"PRAGMA max_page_count = 1",
		}
	}
	return s.house.App.DB.Update(s.ctx, func(tx *store.Tx) error {
		for _, line := range lines {
			if _, err := tx.Exec(line); err != nil {
				return err
			}
		}
		return nil
	})
}

func diskFault(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	s.faults.FailAt(s.faults.Ops()+2, durable.NoSpace)
	return nil
}

func gatewayStops(s *stage, _ []string) error {
	if err := s.need(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	err := s.house.App.Shutdown(ctx)
	s.house.App = nil
	return err
}

func gatewayCrashes(s *stage, _ []string) error {
	err := s.house.Crash()
	s.settle()
	return err
}

func gatewayStarts(s *stage, _ []string) error {
	err := s.house.Start(s.ctx)
	s.settle()
	return err
}

func queueRetry(s *stage, _ []string) error {
	_, err := s.house.App.Do(s.ctx, "queue-retry", app.Call{All: true}, "story")
	s.settle()
	return err
}

func release(s *stage, words []string) error { return s.decide("held-release", words) }
func reject(s *stage, words []string) error  { return s.decide("held-reject", words) }

func (s *stage) decide(verb string, words []string) error {
	var call app.Call
	if len(words) > 0 && words[0] != "by" {
		for _, a := range list(words[0]) {
			call.To = append(call.To, mail.Address(a))
		}
		words = words[1:]
	}
	if len(words) < 2 || words[0] != "by" {
		return errors.New("release|reject [B] by A [COMMENT]")
	}
	call.Comment = strings.Join(words[2:], " ")
	m, err := s.record()
	if err != nil {
		return err
	}
	call.Message = m.ID
	_, err = s.house.App.Do(s.ctx, verb, call, words[1])
	s.settle()
	return err
}
