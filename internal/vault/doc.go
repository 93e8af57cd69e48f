// Package vault knows the keys of bodies: how a body is sealed in a file, with
// which key, and who can open that key.
//
// It upholds one law:
//
//	a body file is opened by its own key only, and that key lies nowhere in
//	clear: it is wrapped for a role, and whoever lacks the role's key reads
//	nothing. When the last wrapping is gone, so is the body, wherever copies of
//	the file remain.
//
// The roles are Delivery, whose key the process always has, since it must send
// without a person; Reading, Emergency and Evidence, whose keys may come from
// elsewhere (source.go) and are fetched when somebody reads. Without keys of
// their own these roles use keys that are derived from the first: they are
// then told apart by the program, and not by who has which key.
//
// The package does not decide who may read, and keeps no rows. It knows
// nothing of policy, people or the network.
//
// Standards: age-encryption.org/v1 (the bodies' cipher, and wrappings for
// public keys), RFC 5869 (HKDF), NIST SP 800-38D (AES-GCM, the other
// wrappings).
package vault
