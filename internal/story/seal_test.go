package story

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"postern.dev/postern/internal/dns"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/senderauth"
)

// The words about seals (ARC).

// sealKey is a private key for all stories: making one takes its time.
func sealKey() ([]byte, error) {
	oneKey.Do(func() {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			oneKey.err = err
			return
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		oneKey.pem, oneKey.err = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
	})
	return oneKey.pem, oneKey.err
}

var oneKey struct {
	sync.Once
	pem []byte
	err error
}

// sealerOf is a sealer whose key stands in the DNS.
func (s *stage) sealerOf(domain string) (*senderauth.Signer, error) {
	if s.house != nil {
		return nil, errors.New("seals are spoken of before the house stands")
	}
	key, err := sealKey()
	if err != nil {
		return nil, err
	}
	signer, err := senderauth.NewSigner(domain, "story", key)
	if err != nil {
		return nil, err
	}
	if s.keys == nil {
		s.keys = dns.Static{}
	}
	record := dns.Records{TXT: []string{signer.Record()}}
	s.keys[signer.Name()] = record
	s.zone = append(s.zone, func(z dns.Static) { z[signer.Name()] = record })
	return signer, nil
}

// tenantSeals gives the tenant a key.
func tenantSeals(s *stage, words []string) error {
	if len(words) != 1 {
		return errors.New("tenant seals DOMAIN")
	}
	if _, err := s.sealerOf(words[0]); err != nil {
		return err
	}
	key, err := sealKey()
	if err != nil {
		return err
	}
	path := filepath.Join(s.plan.Dir, "seal.pem")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return err
	}
	s.plan.Tenant += fmt.Sprintf("seal: { domain: %s, selector: story, key: \"file:%s\" }\n", words[0], path)
	return nil
}

// forwarderSeals makes a message that somebody forwarded and sealed.
func forwarderSeals(s *stage, words []string) error {
	if len(words) != 4 || words[2] != "as" {
		return errors.New("forwarder seals DOMAIN FILE as FILE")
	}
	signer, err := s.sealerOf(words[0])
	if err != nil {
		return err
	}
	raw, ok := s.files[words[1]]
	if !ok {
		return fmt.Errorf("there is no file %s in the story", words[1])
	}
	v := s.verify(raw)
	set, err := signer.Seal(bytes.NewReader(raw), v.Chain, words[0]+"; arc="+string(v.Chain.Result), time.Now())
	s.files[words[3]] = append(set, raw...)
	return err
}

func (s *stage) verify(raw []byte) senderauth.Verdict {
	v := senderauth.Verifier{Resolver: s.keys}
	return v.Verify(s.ctx, mail.Bytes(raw), senderauth.Wanted{ARC: true}, time.Now())
}

// sawChain verifies the last mail in somebody's mailbox, as the reader's own
// server would.
func sawChain(s *stage, words []string) error {
	if len(words) < 4 || words[0] != "of" || words[2] != "is" {
		return errors.New("chain of A is pass|fail|none [by DOMAIN,DOMAIN] [with METHOD=RESULT]")
	}
	o, err := options(words[4:], "by", "with")
	if err != nil {
		return err
	}
	all := s.house.Exchange.Mailbox(words[1])
	if len(all) == 0 {
		return errors.New("the mailbox is empty")
	}
	c := s.verify(all[len(all)-1].Raw).Chain
	if string(c.Result) != words[3] || o["by"] != "" && strings.Join(c.Sealers, ",") != o["by"] {
		return fmt.Errorf("it is %+v", c)
	}
	if o["with"] == "" {
		return nil
	}
	for _, m := range c.Results[len(c.Results)-1].Methods {
		if m.Name+"="+string(m.Result) == o["with"] {
			return nil
		}
	}
	return fmt.Errorf("its last results are %+v", c.Results)
}
