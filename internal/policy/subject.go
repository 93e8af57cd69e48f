package policy

import (
	"cel.dev/cel-go/common/types/ref"
)

// Subject is whom a policy means by its sender.
type Subject string

// The subjects. Exchange shows who sends on behalf of a mailbox in the field
// Sender; the envelope bears the mailbox, or a rewritten address.
const (
	// SubjectEnvelope is the reverse-path; the default.
	SubjectEnvelope Subject = "envelope"
	// SubjectMailbox is the author in the header.
	SubjectMailbox Subject = "mailbox"
	// SubjectUser is who sent it on the mailbox's behalf, else the mailbox.
	SubjectUser Subject = "user"
	// SubjectBoth is the mailbox and the user: the policy holds when it holds
	// for either of them.
	SubjectBoth Subject = "both"
)

func subjectWords() []string {
	return []string{string(SubjectEnvelope), string(SubjectMailbox), string(SubjectUser), string(SubjectBoth)}
}

// each lists the subjects for which a policy is asked.
func (s Subject) each() []Subject {
	switch s {
	case "", SubjectEnvelope:
		return []Subject{SubjectEnvelope}
	case SubjectBoth:
		return []Subject{SubjectMailbox, SubjectUser}
	}
	return []Subject{s}
}

// sender is who the sender is for the policy that is evaluated.
func (m *moment) sender() ref.Val {
	switch m.subject {
	case SubjectMailbox:
		return m.variable("mailbox")
	case SubjectUser:
		return m.variable("user")
	}
	return m.variable("@sender")
}
