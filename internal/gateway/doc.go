// Package gateway is the way of one message, from the front door to the back
// door: flow.go, read from top to bottom.
//
// It upholds the second law: a 250 is a promise. It says 250 only when the
// next hop has said it for all recipients (cut-through), or when the message
// is durable in our spool (custody). After it every recipient has exactly one
// outcome, whatever crashes.
//
// It does not speak SMTP, does not look into content and does not know what
// a policy says: it asks the rooms that do, in a fixed order, and keeps the
// order of what is made durable.
//
// Standards: RFC 5321 §6.1 (responsibility for a message), RFC 1047 (duplicate
// messages), RFC 3461 §5 (relaying with DSN), RFC 5321 §6.3 (loops).
package gateway
