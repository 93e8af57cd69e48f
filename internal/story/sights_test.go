package story

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/audit"
	"postern.dev/postern/internal/fakeexchange"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
)

// The words for what is seen.

func choose(s *stage, words []string) error {
	s.subject = strings.Join(words, " ")
	return nil
}

// record is that of the chosen message.
func (s *stage) record() (audit.Message, error) {
	q := audit.Query{Limit: 100}
	all, err := s.house.App.Audit.Search(s.ctx, q)
	if err != nil {
		return audit.Message{}, err
	}
	for _, m := range all {
		if s.subject == "" || strings.Contains(m.Subject, s.subject) {
			return m, nil
		}
	}
	return audit.Message{}, fmt.Errorf("no record of %q", s.subject)
}

// answers are what the gateway said to the client that brought the last
// message.
func (s *stage) answers() []string {
	if s.direct != nil {
		return s.direct
	}
	var list []string
	for _, e := range s.house.Exchange.Log()[s.sent:] {
		if (e.Step == "sent" || e.Step == "delayed" || e.Step == "failed") && !strings.Contains(e.Detail, "Queued mail for delivery (") {
			list = append(list, e.Detail)
		}
	}
	return list
}

func sawReply(s *stage, words []string) error {
	got := s.answers()
	if len(got) == 0 {
		return errors.New("the gateway was asked nothing")
	}
	want := strings.Join(words, " ")
	last := got[len(got)-1]
	rest, ok := strings.CutPrefix(last, want)
	if ok && (rest == "" || rest[0] == ' ' || strings.Contains(want, " ")) {
		return nil
	}
	if len(words) > 2 && strings.HasPrefix(last, words[0]+" "+words[1]) && strings.Contains(last, strings.Join(words[2:], " ")) {
		return nil
	}
	return fmt.Errorf("the answers were %q", got)
}

func sawPasses(s *stage, words []string) error {
	n := 0
	for _, e := range s.house.Exchange.Log()[s.sent:] {
		if e.Step == "sent" {
			n++
		}
	}
	return same(words, n)
}

func same(words []string, got int) error {
	if len(words) == 0 {
		return errors.New("how many?")
	}
	want, err := strconv.Atoi(words[len(words)-1])
	if err == nil && want != got {
		err = fmt.Errorf("%d", got)
	}
	return err
}

func sawState(s *stage, words []string) error {
	m, err := s.record()
	if err != nil {
		return err
	}
	state := "none"
	err = s.house.App.DB.View(s.ctx, func(tx *store.Tx) error {
		row, err := spool.Get(tx, m.ID)
		if errors.Is(err, spool.ErrNotFound) {
			return nil
		}
		state = string(row.State)
		return err
	})
	if err == nil && state != words[0] {
		err = fmt.Errorf("it is %s", state)
	}
	return err
}

func sawRecord(s *stage, words []string) error {
	m, err := s.record()
	if err != nil {
		return err
	}
	if len(words) < 3 {
		return errors.New("record FIELD [of B] is|has VALUE")
	}
	var subject any = m
	field := words[0]
	words = words[1:]
	if words[0] == "of" {
		subject = nil
		for _, r := range m.Recipients {
			if string(r.Address) == words[1] {
				subject = r
			}
		}
		if subject == nil {
			return fmt.Errorf("the record has no recipient %s", words[1])
		}
		words = words[2:]
	}
	text, err := json.Marshal(subject)
	if err != nil {
		return err
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return err
	}
	got := ""
	if v, ok := tree[field]; ok && v != nil {
		got = fmt.Sprint(v)
		if reflect.TypeOf(v).Kind() != reflect.String {
			b, _ := json.Marshal(v)
			got = string(b)
		}
	}
	want := strings.Join(words[1:], " ")
	if words[0] == "is" && got == want || words[0] == "is" && want == "nothing" && got == "" ||
		words[0] == "has" && strings.Contains(got, want) {
		return nil
	}
	return fmt.Errorf("%s is %q", field, got)
}

func sawAudit(s *stage, words []string) error {
	if len(words) < 2 {
		return errors.New("audit QUERY is N")
	}
	q, err := audit.ParseQuery(strings.Join(words[:len(words)-2], " "), time.Now())
	if err != nil {
		return err
	}
	list, err := s.house.App.Audit.Search(s.ctx, q)
	if err != nil {
		return err
	}
	return same(words, len(list))
}

func sawTimeline(s *stage, words []string) error {
	m, err := s.record()
	if err != nil {
		return err
	}
	var names []string
	for _, step := range m.Steps {
		names = append(names, step.Name)
		if step.Name == strings.Join(words[1:], " ") {
			return nil
		}
	}
	return fmt.Errorf("its steps are %q", names)
}

func sawProblem(s *stage, words []string) error {
	there := bytes.Contains(s.log.bytes(), []byte("code="+words[0]))
	if there == (len(words) == 1) {
		return nil
	}
	return fmt.Errorf("in the log: %v", there)
}

// sawCustody counts the bodies on the disk.
func sawCustody(s *stage, words []string) error {
	n := 0
	dir := s.house.App.Config.Data
	err := filepath.WalkDir(filepath.Join(dir, "bodies"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		return err
	}
	return same(words, n)
}

// octetsOf checks that raw is file with fields in front of it and nothing
// else changed.
func (s *stage) octetsOf(raw []byte, file string) (front []byte, err error) {
	want, ok := s.files[file]
	if !ok {
		return nil, fmt.Errorf("there is no file %s in the story", file)
	}
	front, ok = bytes.CutSuffix(raw, want)
	if !ok {
		return nil, errors.New("not octet for octet the same")
	}
	if len(front) > 0 && !bytes.HasSuffix(front, []byte("\r\n")) || bytes.Contains(front, []byte("\r\n\r\n")) {
		return nil, errors.New("what stands in front is no header")
	}
	return front, nil
}

func (s *stage) find(all []fakeexchange.Delivered, file, to string) (found [][]byte) {
	for _, d := range all {
		if to != "" && !strings.EqualFold(d.To, to) {
			continue
		}
		if front, err := s.octetsOf(d.Raw, file); err == nil {
			found = append(found, front)
		}
	}
	return found
}

func exchangeGets(s *stage, words []string) error {
	all := s.house.Exchange.Taken()
	if len(words) == 1 {
		if words[0] == "nothing" {
			words[0] = "0"
		}
		return same(words, len(all))
	}
	if len(words) < 3 || words[1] != "under" {
		return errors.New("exchange gets FILE under HEADER[: VALUE]")
	}
	header := strings.Join(words[2:], " ")
	found := s.find(all, words[0], "")
	if len(found) == 0 {
		return fmt.Errorf("it was not handed back octet for octet; %d messages were", len(all))
	}
	header = strings.ReplaceAll(header, "(mark)", s.house.Params.Mark)
	for _, front := range found {
		for _, line := range strings.Split(string(front), "\r\n") {
			if strings.HasPrefix(line, header+":") || line == header {
				return nil
			}
		}
	}
	return fmt.Errorf("in front of it stands\n%s", found[0])
}

func internetGets(s *stage, words []string) error {
	all := s.house.Exchange.Internet()
	to := ""
	if len(words) == 3 && words[1] == "for" {
		to = words[2]
	}
	if n, err := strconv.Atoi(words[0]); err == nil || words[0] == "nothing" {
		got := 0
		for _, d := range all {
			if to == "" || strings.EqualFold(d.To, to) {
				got++
			}
		}
		if got != n {
			return fmt.Errorf("%d", got)
		}
		return nil
	}
	switch n := len(s.find(all, words[0], to)); {
	case n == 1:
		return nil
	case n > 1 && to == "":
		return nil
	case n == 0:
		return s.nearest(all, words[0])
	default:
		return fmt.Errorf("%d times", n)
	}
}

// nearest says what came instead.
func (s *stage) nearest(all []fakeexchange.Delivered, file string) error {
	text := fmt.Sprintf("it did not arrive octet for octet; %d messages did", len(all))
	for _, d := range all {
		text += fmt.Sprintf("\nfor %s:\n%.3000q", d.To, d.Raw)
	}
	return errors.New(text)
}

func nobodyGets(s *stage, words []string) error {
	all := s.house.Exchange.Internet()
	for _, who := range s.people() {
		all = append(all, s.house.Exchange.Mailbox(who)...)
	}
	if n := len(s.find(all, words[0], "")); n > 0 {
		return fmt.Errorf("%d got it", n)
	}
	return nil
}

func mailboxGets(s *stage, words []string) error {
	box := s.house.Exchange.Mailbox(words[0])
	words = words[1:]
	switch {
	case len(words) == 0:
		return errors.New("mailbox A gets what?")
	case words[0] == "nothing":
		if len(box) > 0 {
			return s.nearest(box, "")
		}
		return nil
	case len(words) == 2 && words[1] == "mails":
		return same(words[:1], len(box))
	case words[0] == "report" && len(words) >= 3:
		return s.reportAbout(box, words[2], strings.Join(words[min(4, len(words)):], " "))
	case words[0] == "notice":
		want := strings.Join(words[2:], " ")
		for _, d := range box {
			if !isReport(d.Raw) && bytes.Contains(unfolded(d.Raw), []byte(want)) {
				return nil
			}
		}
		return s.nearest(box, "")
	case words[0] == "no" && words[1] == "report":
		for _, d := range box {
			if isReport(d.Raw) {
				return errors.New(string(d.Raw))
			}
		}
		return nil
	}
	if n := len(s.find(box, words[0], "")); n != 1 {
		return fmt.Errorf("%d times; %w", n, s.nearest(box, words[0]))
	}
	return nil
}

func isReport(raw []byte) bool {
	return bytes.Contains(raw, []byte("Content-Type: message/delivery-status"))
}

// unfolded is text without the line ends that a writer may set anywhere, and
// with the letters that quoted-printable writes as numbers.
func unfolded(raw []byte) []byte {
	raw = bytes.ReplaceAll(raw, []byte("=\r\n"), nil)
	var b []byte
	for i := 0; i < len(raw); i++ {
		var c [1]byte
		if raw[i] == '=' && i+2 < len(raw) {
			if _, err := hex.Decode(c[:], raw[i+1:i+3]); err == nil {
				b, i = append(b, c[0]), i+2
				continue
			}
		}
		b = append(b, raw[i])
	}
	return bytes.Join(bytes.Fields(b), []byte(" "))
}

// reportAbout looks for exactly one report that names an address as failed.
func (s *stage) reportAbout(box []fakeexchange.Delivered, about, saying string) error {
	n := 0
	for _, d := range box {
		if isReport(d.Raw) && bytes.Contains(bytes.ToLower(d.Raw), []byte("final-recipient: rfc822;"+strings.ToLower(about))) ||
			isReport(d.Raw) && bytes.Contains(bytes.ToLower(d.Raw), []byte("final-recipient: rfc822; "+strings.ToLower(about))) {
			if saying == "" || bytes.Contains(unfolded(d.Raw), []byte(saying)) {
				n++
			}
		}
	}
	if n != 1 {
		return fmt.Errorf("%d reports; %w", n, s.nearest(box, ""))
	}
	return nil
}

func sawReport(s *stage, words []string) error {
	if len(words) < 4 || words[0] != "of" {
		return errors.New("report of A has|lacks WORDS")
	}
	box := s.house.Exchange.Mailbox(words[1])
	for i := len(box) - 1; i >= 0; i-- {
		if !isReport(box[i].Raw) {
			continue
		}
		has := bytes.Contains(unfolded(box[i].Raw), []byte(strings.Join(words[3:], " ")))
		if has == (words[2] == "has") {
			return nil
		}
		return errors.New(string(box[i].Raw))
	}
	return errors.New("there is no report")
}

func sawModeration(s *stage, words []string) error {
	return same(words, len(s.house.Exchange.Approvals()))
}

func exchangeWaits(s *stage, words []string) error {
	return same(words, len(s.house.Exchange.Queue()))
}
