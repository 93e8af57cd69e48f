// Package post keeps the mails of our own that belong to no message in
// custody, until they are handed on, and sees to it that nobody gets too many.
//
// It upholds three laws:
//
//	nobody gets more than five single notices within an hour: what comes after
//	them is kept, and sent as one digest when the hour is over;
//	what was kept or posted survives a stop and a crash: it is written in the
//	transaction of what it tells of, and removed in the one that says that it
//	is handed on, given up or put into a digest;
//	a row that has changed unnoticed is sent to nobody.
//
// The package knows nothing of what the mails say: it keeps data that the
// gateway reads. Reports of delivery are none of its business: each of them is
// sent.
//
// Standards: RFC 3834 §2 (restraint of whoever writes mail by machine).
package post
