package senderauth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// ErrEnded is returned for a message to whose chain no set can be added: a
// sealer found it broken before, it has 50 sets, or its state could not be
// found out.
var ErrEnded = errors.New("senderauth: the chain is at its end")

// Seal makes the ARC set for a message that is read from r as it leaves, with
// every change made (RFC 8617 §5.1). The set is to stand in front of it. before
// is what Verify said of the chain of the message as it came, results what we
// found out about it, in the form of Authentication-Results.
func (s *Signer) Seal(r io.Reader, before Chain, results string, now time.Time) ([]byte, error) {
	cv := before.Result
	switch {
	case !s.CanSeal():
		return nil, fmt.Errorf("%w: a seal needs an RSA key", ErrSigner)
	case cv != None && cv != Pass && cv != Fail, before.Sealed, before.Instance >= maxSets:
		return nil, fmt.Errorf("%w (%s, %d sets)", ErrEnded, cv, before.Instance)
	}
	m, err := readMessage(r)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(m.fields, func(f field) bool { return f.name == "from" }) {
		return nil, fmt.Errorf("%w: the message has no From", ErrSigner)
	}
	var sets []arcSet
	if cv == Pass {
		now := collect(m.fields)
		if now == nil || now.err != nil || len(now.sets) != before.Instance {
			return nil, fmt.Errorf("%w: the message that leaves has another chain than the one that came", ErrEnded)
		}
		sets = now.sets
	}
	i := before.Instance + 1
	aar := fmt.Sprintf("ARC-Authentication-Results: i=%d; %s\r\n", i, results)
	ams, err := s.cover(m, "ARC-Message-Signature", fmt.Sprintf("i=%d;", i), now)
	if err != nil {
		return nil, err
	}
	// Of a chain that is broken only the newest set is covered (§5.1.2).
	h := sha256.New()
	for _, set := range sets {
		set.hash(h)
		writeLine(h, set.seals.raw)
	}
	newest := arcSet{results: lineField(aar), messages: lineField(ams)}
	newest.hash(h)
	as := fmt.Sprintf("ARC-Seal: i=%d; a=rsa-sha256; t=%d; cv=%s;\r\n\td=%s; s=%s;\r\n\tb=", i, now.Unix(), cv, s.Domain, s.Selector)
	h.Write(relaxedField(nil, []byte(as)))
	value, err := s.sign(h.Sum(nil))
	if err != nil {
		return nil, err
	}
	return []byte(as + foldValue(value) + "\r\n" + ams + aar), nil
}

// lineField is a field of ours without its line end.
func lineField(text string) field { return field{raw: []byte(text[:len(text)-2])} }
