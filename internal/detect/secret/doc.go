// Package secret finds credentials: private keys, tokens of services, tokens
// in headers and addresses, hashes of passwords, and passwords that somebody
// has written down, in code, in configuration and in prose.
//
// It upholds one law: the text is read once, eight bytes at a time, and no
// regular expression meets it. What it says of a place depends only on the
// text within reach of it, so that it does not matter where a window begins.
//
// Three things are looked for in each step: pieces of words that speak of a
// secret (engine.go), a colon or an equals sign behind a short such word, and
// tokens of fifteen bytes or more without a space (token.go), which are
// compared with the forms in rules*.go. A value beside a word is judged by
// value.go: what looks like a variable, a path, an example or a plain word is
// no secret.
//
// The package does not ask any service whether a token is valid, and knows
// no message, part or policy.
//
// Standards: RFC 7468 (PEM), RFC 7519 (JWT), RFC 7517 (JWK), RFC 7617 (Basic),
// RFC 6750 (Bearer), RFC 3986 §3.2.1 (user information in an address).
package secret
