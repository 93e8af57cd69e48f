// Package tenant says whose mail it is.
//
// It upholds one law: a message belongs to a tenant only when everything
// that the connection, Exchange's headers and the tenant's own header say
// agrees, by the table of facts of its kind of arrival (facts.go). What does
// not agree is refused or deferred with a text that an administrator
// understands; nothing is guessed, and an empty list never means "all".
//
// That Microsoft's addresses and certificate identify Exchange Online, but no
// tenant, is the lesson of EchoSpoofing (2024): a relay that trusted the
// service instead of the tenant sent millions of forged mails.
//
// The package does not look into content and does not decide what is done
// with a message.
//
// Standards: RFC 5321 §4.1.1.3 (RCPT), RFC 3207 (STARTTLS), RFC 6125 (names in
// certificates). The X-MS-Exchange-CrossTenant headers are Microsoft's.
package tenant
