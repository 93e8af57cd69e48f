// Package web is the console: pages for administrators on the console
// listener, and the same data as JSON. It shows whether mail flows, where one
// message is, and why, and lets people with a role decide about held mail.
//
// It upholds two laws:
//
//	what comes from mail is data: it is escaped, cut to a length and shown
//	with marks for characters that one cannot see, and no page runs a script;
//	nothing is shown before a session, and a session begins only with a link
//	that was made on this machine, works once and ends after 15 minutes.
//
// A page of another site reaches nothing here: the Host field must name this
// very listener (which stops DNS rebinding), a request that changes something
// must come from our own pages, and the session's cookie is never sent along
// from elsewhere.
//
// The package itself decides nothing: explanations are made by others, and who
// may see held mail and decide about it is said by the desk of the room
// quarantine alone. It knows nothing of SMTP or of how a message is taken.
//
// Standards: RFC 9110 (HTTP), RFC 6265 (cookies), RFC 3629 (UTF-8), OpenAPI
// 3.1 (openapi.json), Content Security Policy Level 3, WCAG 2.2 AA.
package web
