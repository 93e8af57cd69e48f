package story

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/senderauth"
)

// The words about our mails to people, and theirs to us.

// consoleAt gives the tenant the name in links and of our own addresses.
func consoleAt(s *stage, words []string) error {
	if len(words) != 1 || s.house != nil {
		return errors.New("console at NAME, before the house stands")
	}
	s.plan.Tenant += "console: " + words[0] + "\n"
	return nil
}

// tenantSigns gives the tenant a key for our mails.
func tenantSigns(s *stage, words []string) error {
	if len(words) != 1 {
		return errors.New("tenant signs DOMAIN")
	}
	if _, err := s.sealerOf(words[0]); err != nil {
		return err
	}
	key, err := sealKey()
	if err != nil {
		return err
	}
	path := filepath.Join(s.plan.Dir, "sign.pem")
	s.plan.Tenant += fmt.Sprintf("notices: { sign: { domain: %s, selector: story, key: \"file:%s\" } }\n", words[0], path)
	return os.WriteFile(path, key, 0o600)
}

// sawSignature verifies the last mail in a mailbox as its reader's server
// would.
func sawSignature(s *stage, words []string) error {
	if len(words) != 5 || words[0] != "of" || words[2] != "is" || words[3] != "by" {
		return errors.New("signature of A is by DOMAIN")
	}
	all := s.house.Exchange.Mailbox(words[1])
	if len(all) == 0 {
		return errors.New("the mailbox is empty")
	}
	v := senderauth.Verifier{Resolver: s.keys}
	raw := mail.Bytes(all[len(all)-1].Raw)
	list := v.Verify(s.ctx, raw, senderauth.Wanted{DKIM: true}, time.Now()).Signatures
	from := mail.ParseHeader(raw).Addresses("From")
	for _, x := range list {
		if x.Covers("from", "to", "subject") && x.Domain == words[4] && len(from) == 1 && from[0].Domain() == words[4] {
			return nil
		}
	}
	return fmt.Errorf("they are %+v, and From is %v", list, from)
}

// mailAnswer sends FILE to the address for answers of the last request that
// somebody got; (to) and (id) in it are that address and the request's
// Message-ID.
func mailAnswer(s *stage, words []string) error {
	if err := s.need(); err != nil {
		return err
	}
	if len(words) < 3 || words[1] != "from" {
		return errors.New("mail answer FILE from A [of B] [by IP] [signed DOMAIN] [as CLASS]")
	}
	o, err := options(words[3:], "of", "by", "signed", "as")
	if err != nil {
		return err
	}
	from, of := words[2], words[2]
	if o["of"] != "" {
		of = o["of"]
	}
	to, id := "", ""
	for _, d := range s.house.Exchange.Mailbox(of) {
		h := mail.ParseHeader(mail.Bytes(d.Raw))
		if list := h.Addresses("Reply-To"); len(list) == 1 {
			to, id = string(list[0]), h.Get("Message-ID")
		}
	}
	raw, ok := s.files[words[0]]
	if !ok || to == "" {
		return fmt.Errorf("there is no file %s, or no request in the mailbox of %s", words[0], of)
	}
	raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("(to)"), []byte(to)), []byte("(id)"), []byte(id))
	s.direct, s.last = nil, ""
	s.sent = len(s.house.Exchange.Log())
	if o["by"] == "" {
		x := shipment{raw: raw, from: from, to: []string{to}, opts: map[string]string{"as": o["as"]}}
		s.last, err = s.house.Exchange.Submit(x.from, x.to, x.raw, x.options())
		s.settle()
		return err
	}
	if o["signed"] != "" {
		key, err := sealKey()
		if err != nil {
			return err
		}
		signer, err := senderauth.NewSigner(o["signed"], "story", key)
		if err != nil {
			return err
		}
		field, err := signer.Sign(bytes.NewReader(raw), time.Now())
		if err != nil {
			return err
		}
		raw = append(field, raw...)
	}
	err = s.bring(o["by"], "-", shipment{raw: raw, from: from, to: []string{to}})
	var refused *smtp.SMTPError
	if errors.As(err, &refused) {
		e := refused.EnhancedCode
		s.direct = []string{fmt.Sprintf("%d %d.%d.%d %s", refused.Code, e[0], e[1], e[2], refused.Message)}
		err = nil
	}
	s.settle()
	return err
}

// sawNowhere looks for words on the disk, in the log and in the record.
func sawNowhere(s *stage, words []string) error {
	want := []byte(strings.Join(words, " "))
	if bytes.Contains(s.log.bytes(), want) {
		return errors.New("it is in the log")
	}
	return filepath.WalkDir(s.house.App.Config.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && bytes.Contains(data, want) {
			err = fmt.Errorf("it is in %s", filepath.Base(path))
		}
		return err
	})
}
