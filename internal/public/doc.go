// Package public is the listener that people reach from anywhere: the pages on
// which somebody decides about held mail, says why his own mail should go, or
// sees what was kept back for him. It serves nothing else.
//
// It upholds three laws:
//
//	looking changes nothing: GET and HEAD, however often, by whatever program,
//	decide nothing; a decision is a press of a button by somebody who is
//	identified, with a word that only his own page holds;
//	a link identifies nobody: it says which message is meant. Who somebody is
//	comes from a code that was sent to the mailbox, or from a sign-in at the
//	tenant's own provider;
//	before somebody is identified, a page says nothing about mail, and nothing
//	about who exists.
//
// What comes from mail is data: it is escaped, cut to a length and shown with
// marks for characters that one cannot see; no page runs a script, and no page
// loads anything from elsewhere.
//
// The package knows nothing of SMTP and of how a message is taken. Whether
// somebody may do something is said by the room quarantine alone.
//
// Standards: RFC 9110 (HTTP), RFC 6265 (cookies), RFC 6797 (HSTS), RFC 6585
// (429), RFC 4647 (languages), Content Security Policy Level 3, WCAG 2.2 AA,
// OpenID Connect Core 1.0, RFC 7636 (PKCE).
package public
