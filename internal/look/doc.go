// Package look looks at one message: its parts become text, the text goes
// past every detector, and what was seen and not seen becomes a Report.
//
// It upholds two laws:
//
//	not seen is not clean: a step that hangs, dies, eats memory or talks
//	nonsense is recorded with its part and its cause, and costs nobody
//	else's findings (isolated.go);
//	no message is held in memory: text streams through windows, in the
//	child as in the parent.
//
// It does not decide anything, and it keeps nothing.
//
// Standards: RFC 2045 to RFC 2049 (what a part is), RFC 5322 §3.6 (header
// fields that people read).
package look
