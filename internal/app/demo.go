package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/smtp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/dsn"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/mailflow"
)

// DemoOptions change the demo; tests use the later ones to break it.
type DemoOptions struct {
	// Dir keeps data; "" uses a folder that is removed afterwards.
	Dir string
	// Console is the console's address; "" is off.
	Console string
	// InProcess looks without a child.
	InProcess bool
	// Edit changes Exchange's set-up, Policies the policies; Lose names a
	// sample that is lost on its way.
	Edit     func(*mailflow.Setup)
	Policies string
	Lose     string
}

// DemoRow is what happened to one sample. Every value comes from the octets
// in the pretend Exchange's sinks or from the audit record.
type DemoRow struct {
	Sample  string   `json:"sample"`
	About   string   `json:"about"`
	Sent    string   `json:"sent"`
	Octets  int      `json:"octets"`
	Found   []string `json:"found"`
	Done    []string `json:"done"`
	Ended   []string `json:"ended"`
	Way     string   `json:"way"`
	Ref     string   `json:"ref,omitempty"`
	Message string   `json:"message,omitempty"`
	// Steps are the parts of the gateway's time, in milliseconds.
	Steps map[string]float64 `json:"steps_ms"`
	Total float64            `json:"total_ms"`
	Ok    bool               `json:"ok"`
	// Wrong says what is not as expected.
	Wrong []string `json:"wrong,omitempty"`
}

// Demo is a house with its samples sent.
type Demo struct {
	House *House
	Rows  []DemoRow
	// Balance is the conservation check: lines that do not add up.
	Balance []string
	// unanswered says why the manager could not answer, by sample.
	unanswered map[string]string
	dir        string
	remove     bool
}

// Ok reports whether every sample had its expected outcome.
func (d *Demo) Ok() bool {
	return len(d.Balance) == 0 && !slices.ContainsFunc(d.Rows, func(r DemoRow) bool { return !r.Ok })
}

// Close ends the demo.
func (d *Demo) Close() error {
	var err error
	if d.House != nil {
		err = d.House.Close()
	}
	if d.remove {
		_ = os.RemoveAll(d.dir)
	}
	return err
}

// RunDemo starts a gateway and a pretend tenant on real sockets of this
// machine, sends the samples, and says what became of each.
func RunDemo(ctx context.Context, o DemoOptions) (*Demo, error) {
	d := &Demo{dir: o.Dir, unanswered: map[string]string{}}
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "postern-demo-")
		if err != nil {
			return d, err
		}
		d.dir, d.remove = dir, true
	}
	if o.Policies == "" {
		o.Policies = demoPolicies
	}
	var err error
	d.House, err = Build(ctx, Plan{
		Dir: filepath.Join(d.dir, "house"), Loopback: true, InProcess: o.InProcess, Policies: o.Policies, People: true,
		Tenant: "console: " + demoName + "\n",
		Configure: func(c *Config) {
			if o.Console != "" {
				c.Console.Listen = o.Console
				c.Public = Public{Listen: "127.0.0.1:0", Name: "localhost"}
			}
		},
		Edit: func(s *mailflow.Setup) {
			brokenException(s)
			if o.Edit != nil {
				o.Edit(s)
			}
		},
	})
	if err != nil {
		return d, err
	}
	err = d.House.App.ServeConsole()
	if errors.Is(err, syscall.EADDRINUSE) { // a gateway, or another demo
		d.House.App.Config.Console.Listen = "127.0.0.1:0"
		err = d.House.App.ServeConsole()
	}
	if err == nil {
		err = d.House.App.servePublic()
	}
	if err != nil {
		return d, err
	}
	list := samples(d.House.Params)
	refused := map[string]string{}
	for _, s := range list {
		if s.name == o.Lose {
			continue
		}
		if err := d.send(s, refused); err != nil {
			return d, fmt.Errorf("sample %s: %w", s.name, err)
		}
	}
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := d.House.Settle(wait); err != nil {
		return d, err
	}
	for _, s := range list {
		if s.answer == "" || s.name == o.Lose {
			continue
		}
		if err := d.answer(ctx, s); err != nil {
			d.unanswered[s.name] = err.Error()
		}
	}
	if err := d.House.Settle(wait); err != nil {
		return d, err
	}
	for _, s := range list {
		row, err := d.row(ctx, s, refused)
		if err != nil {
			return d, err
		}
		d.Rows = append(d.Rows, row)
	}
	_, d.Balance, err = d.House.App.Balance(ctx)
	return d, err
}

func (d *Demo) send(s sample, refused map[string]string) error {
	switch s.by {
	case byInternet:
		for _, r := range d.House.Exchange.Arrive(s.from, s.to, s.raw, s.options) {
			if !r.Ok() {
				return fmt.Errorf("refused: %s", r)
			}
		}
		return nil
	case byStranger:
		refused[s.name] = d.stranger(s)
		return nil
	}
	_, err := d.House.Exchange.Submit(s.from, s.to, s.raw, s.options)
	return err
}

// stranger speaks to the gateway as another tenant of Exchange Online does:
// Microsoft's certificate, but somebody else's mail.
func (d *Demo) stranger(s sample) string {
	cert, err := d.House.Exchange.Authority().Certificate("mail.protection.outlook.com")
	if err != nil {
		return err.Error()
	}
	c, err := smtp.Dial(d.House.outward)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	err = c.StartTLS(&tls.Config{
		ServerName: d.House.Params.GatewayCert, RootCAs: d.House.Exchange.Authority().Pool(),
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
	})
	if err == nil {
		err = c.Mail(s.from)
	}
	for _, to := range s.to {
		if err == nil {
			err = c.Rcpt(to)
		}
	}
	if err != nil {
		return err.Error()
	}
	w, err := c.Data()
	if err != nil {
		return err.Error()
	}
	_, _ = w.Write(s.raw) // the answer to the end of data tells
	if err := w.Close(); err != nil {
		return err.Error()
	}
	return "250 taken"
}

// row reads sink and record, and compares with what the sample expects.
func (d *Demo) row(ctx context.Context, s sample, refused map[string]string) (DemoRow, error) {
	r := DemoRow{Sample: s.name, About: s.about, Sent: string(s.by), Octets: len(s.raw), Steps: map[string]float64{}, Found: []string{}}
	records, err := d.records(ctx, s)
	if err != nil {
		return r, err
	}
	if len(records) > 0 {
		d.fromRecord(&r, records[0], s)
	}
	for _, to := range s.to {
		got := d.ended(s, to, records, refused)
		r.Ended = append(r.Ended, local(to)+": "+string(got))
		if want := s.ends[to]; got != want {
			r.Wrong = append(r.Wrong, fmt.Sprintf("%s ended as %q, expected %q", to, got, want))
		}
	}
	if text := d.unanswered[s.name]; text != "" {
		r.Wrong = append(r.Wrong, text)
	}
	r.Wrong = append(r.Wrong, d.octets(s)...)
	r.Wrong = append(r.Wrong, checkRecord(s, records)...)
	r.Ok = len(r.Wrong) == 0
	return r, nil
}

// records are those of a sample, the newest first.
func (d *Demo) records(ctx context.Context, s sample) ([]audit.Message, error) {
	q, err := audit.ParseQuery("message-id:"+s.name+"@demo.contoso.example", time.Now())
	if err != nil {
		return nil, err
	}
	return d.House.App.Audit.Search(ctx, q)
}

func local(address string) string {
	name, _, _ := strings.Cut(address, "@")
	return name
}

// fromRecord fills the cells that the newest record of the sample has.
func (d *Demo) fromRecord(r *DemoRow, m audit.Message, s sample) {
	r.Ref, r.Message, r.Way = m.Ref, m.ID, string(m.Way)
	counts := map[string]int{}
	for _, f := range m.Findings {
		counts[f.Type] += f.Count
	}
	for kind, n := range counts {
		r.Found = append(r.Found, fmt.Sprintf("%d %s", n, kind))
	}
	for _, u := range m.Unseen {
		r.Found = append(r.Found, "not seen: "+string(u.Reason))
	}
	slices.Sort(r.Found)
	r.Found = slices.Compact(r.Found)
	seen := map[string]bool{}
	for _, x := range m.Recipients {
		if x.Verdict != "" && !seen[x.Verdict] {
			seen[x.Verdict] = true
			r.Done = append(r.Done, x.Verdict)
		}
	}
	if len(r.Done) == 0 && m.Problem != "" {
		r.Done = append(r.Done, "refused "+m.Problem)
	}
	var last time.Time
	for _, step := range m.Steps {
		if step.Name == "connected" {
			continue
		}
		if !last.IsZero() {
			r.Steps[step.Name] += float64(step.At.Sub(last).Microseconds()) / 1000
		}
		last = step.At
		if step.Name == "answered" || strings.HasPrefix(step.Name, "next hop") || step.Name == "in custody" {
			r.Total = float64(step.At.Sub(m.Received).Microseconds()) / 1000
			if s.ends != nil && step.Name != "in custody" {
				break
			}
		}
	}
}

// ended finds where a recipient's copy is, by the octets in the sinks.
func (d *Demo) ended(s sample, to string, records []audit.Message, refused map[string]string) end {
	id := s.name + "@demo.contoso.example"
	if text, direct := refused[s.name]; direct {
		if strings.HasPrefix(text, "550 ") && strings.Contains(text, "5.7.1") {
			return endRefused
		}
		return end("not refused: " + text)
	}
	copies := d.copies(id, to)
	report := d.reported(id, to)
	switch {
	case len(copies) > 1:
		return end(fmt.Sprintf("%d copies", len(copies)))
	case len(copies) == 1 && report:
		return "delivered and reported"
	case len(copies) == 1 && copies[0].Folder != "":
		return endMailbox
	case len(copies) == 1:
		return endInternet
	case slices.ContainsFunc(records, func(m audit.Message) bool { return m.Problem == "P703" }) && report:
		return endLooped
	case report:
		return endReport
	}
	for _, m := range records {
		for _, x := range m.Recipients {
			if string(x.Address) == to && x.Delivery == audit.Held {
				return endHeld
			}
		}
	}
	return "nowhere"
}

// copies are the deliveries of a message to a recipient.
func (d *Demo) copies(id, to string) []fakeexchange.Delivered {
	var list []fakeexchange.Delivered
	for _, x := range append(d.House.Exchange.Internet(), d.House.Exchange.Mailbox(to)...) {
		if x.To == to && hasID(x.Raw, id) {
			list = append(list, x)
		}
	}
	return list
}

func hasID(raw []byte, id string) bool {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	return bytes.Contains(head, []byte("Message-ID: <"+id+">"))
}

// reported tells whether the sender got a report that names the recipient.
func (d *Demo) reported(id, to string) bool {
	for _, x := range d.House.Exchange.Mailbox(ann) {
		m := mail.Parse(mail.Bytes(x.Raw), mail.Limits{})
		status, ok := dsn.Read(m)
		if !ok || !bytes.Contains(x.Raw, []byte(id)) {
			continue
		}
		for _, block := range status.Recipients {
			if string(dsn.AddressOf(block)) == to {
				return true
			}
		}
	}
	return false
}

// octets compares every delivered copy with what was sent: nothing but added
// header fields, and neither secret nor mark in what left.
func (d *Demo) octets(s sample) (wrong []string) {
	p := d.House.Params
	for _, to := range s.to {
		for _, x := range d.copies(s.name+"@demo.contoso.example", to) {
			if bytes.Contains(x.Raw, []byte(p.Secret)) {
				wrong = append(wrong, "the tenant's secret stands in the copy for "+to)
			}
			if bytes.Contains(x.Raw, []byte(p.Mark)) && x.Folder == "" {
				wrong = append(wrong, "the mark stands in the copy for "+to)
			}
			if !s.rewritten && !sameOctets(s.raw, x.Raw) {
				wrong = append(wrong, "octets differ in the copy for "+to)
			}
		}
	}
	return wrong
}

// sameOctets reports whether got is sent with further header fields and
// nothing else.
func sameOctets(sent, got []byte) bool {
	sentHead, sentBody, _ := bytes.Cut(sent, []byte("\r\n\r\n"))
	gotHead, gotBody, _ := bytes.Cut(got, []byte("\r\n\r\n"))
	if !bytes.Equal(sentBody, gotBody) {
		return false
	}
	at := 0
	for _, line := range bytes.Split(sentHead, []byte("\r\n")) {
		i := bytes.Index(gotHead[at:], line)
		if i < 0 {
			return false
		}
		at += i + len(line)
	}
	return true
}

// checkRecord compares the record with what the sample expects.
func checkRecord(s sample, records []audit.Message) (wrong []string) {
	if len(records) == 0 {
		return []string{"no record: the message never came by"}
	}
	var problems []string
	found := map[string]bool{}
	verdict := map[string]string{}
	for _, m := range slices.Backward(records) {
		problems = append(problems, m.Problem)
		for _, f := range m.Findings {
			found[f.Type] = true
		}
		for _, x := range m.Recipients {
			if x.Verdict != "" {
				verdict[string(x.Address)] = x.Verdict
			}
		}
	}
	for _, kind := range s.found {
		if !found[kind] {
			wrong = append(wrong, "not found: "+kind)
		}
	}
	for to, want := range s.action {
		if got := verdict[to]; got != want {
			wrong = append(wrong, fmt.Sprintf("verdict for %s is %q, expected %q", to, got, want))
		}
	}
	if s.problem != "" && !slices.Contains(problems, s.problem) {
		wrong = append(wrong, "the record does not name problem "+s.problem)
	}
	slices.Sort(wrong)
	return wrong
}
