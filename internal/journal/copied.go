package journal

import (
	"strings"

	"postern.dev/postern/internal/mail"
)

// Copied is the envelope of a copy that a rule made (BlindCopyTo), as far as
// its header tells: who got it by Bcc or through a group is not to be known.
func Copied(m *mail.Message) mail.Envelope {
	var e mail.Envelope
	for _, name := range [...]string{"From", "Sender"} {
		if list := m.Header.Addresses(name); len(list) > 0 {
			e.From = plain(list[0])
			break
		}
	}
	var list []mail.Address
	for _, name := range [...]string{"To", "Cc"} {
		for _, a := range m.Header.Addresses(name) {
			list = append(list, plain(a))
		}
	}
	e.To = recipients(list)
	e.UTF8 = e.NeedsUTF8()
	return e
}

// plain is an address that can be kept as text: a header may hold any octets.
func plain(a mail.Address) mail.Address {
	return mail.Address(strings.ToValidUTF8(string(a), "\uFFFD"))
}
