// Package journal opens what Exchange sends for monitoring: journal reports,
// and copies made by a rule (BlindCopyTo).
//
// It keeps this promise: it never fails and never says nothing. What a report
// names is read, what it attaches is given out octet for octet, and every
// line or part that was not understood is listed in Problems.
//
// It does not ask who sent the report (anybody can write one; tenant decides
// by the secret address it came to), and does not look into the message that
// is attached.
//
// Standards: Microsoft's journal report format (Exchange 2007 and later,
// Exchange Online), RFC 2046 §5.1.3 and §5.2.1 (multipart/mixed,
// message/rfc822), RFC 5322 §3.4 (addresses).
package journal
