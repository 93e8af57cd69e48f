package secret

import "postern.dev/postern/internal/detect"

// otherRules are keys and hashes that are not of one service.
func otherRules() []rule {
	const crypt = "crypt(5)"
	return []rule{
		{id: "jwt", kind: JWT, name: "JSON Web Token", from: "RFC 7519", prefix: "eyJ ewog ewoi",
			body: base64std | base64url, min: 12, raw: true, check: jsonToken},
		{id: "private-key-der", kind: PrivateKey, name: "Private key without its frame", from: "RFC 5958, RFC 8017",
			prefix: "MII", body: base64std, min: 12, raw: true, check: bareKey},
		{id: "private-key-pkcs8-ec", kind: PrivateKey, name: "Private key without its frame",
			from: "RFC 5958, RFC 5915", prefix: "MIGHAgEAMB MHcCAQEEI MC4CAQAwBQYDK2Vw", body: base64std, min: 40,
			raw: true, check: unframed},
		{id: "firefox", kind: Password, name: "Password stored by Firefox", from: "firefox-source-docs.mozilla.org",
			prefix: "MDoEEPgAAAAAAAAAAAAAAAAAAAE MDIEEPgAAAAAAAAAAAAAAAAAAAE MEIEEPgAAAAAAAAAAAAAAAAAAAE",
			body:   base64std, min: 30, level: detect.Medium, raw: true},
		{id: "ntlm", kind: Authorization, name: "NTLM authentication", from: "MS-NLMP", prefix: "TlRMTVNTUAADAAAA",
			body: base64std, min: 60, raw: true},
		{id: "url", kind: URL, name: "Password in an address", from: "RFC 3986 §3.2.1", prefix: "://", body: none,
			loose: true, raw: true, check: userInfo},
		{id: "hash-md5", kind: PasswordHash, name: "Hash of a password (MD5)", from: crypt, prefix: "$1$ $apr1$",
			body: none, raw: true, check: saltedHash},
		{id: "hash-sha", kind: PasswordHash, name: "Hash of a password (SHA-2)", from: crypt, prefix: "$5$ $6$",
			body: none, raw: true, check: saltedHash},
		{id: "hash-bcrypt", kind: PasswordHash, name: "Hash of a password (bcrypt)", from: crypt,
			prefix: "$2a$ $2b$ $2y$ $2x$", body: none, raw: true, check: bcrypt},
		{id: "hash-yescrypt", kind: PasswordHash, name: "Hash of a password (yescrypt)", from: crypt,
			prefix: "$y$ $gy$ $7$", body: none, raw: true, check: yescrypt},
		{id: "hash-argon2", kind: PasswordHash, name: "Hash of a password (Argon2)", from: "RFC 9106",
			prefix: "$argon2id$ $argon2i$ $argon2d$", body: none, raw: true, check: argon},
		{id: "hash-sunmd5", kind: PasswordHash, name: "Hash of a password (SunMD5)", from: crypt,
			prefix: "$md5$ $md5,", body: none, raw: true, check: sunHash},
		{id: "hash-pbkdf2", kind: PasswordHash, name: "Hash of a password (PBKDF2)", from: "docs.djangoproject.com",
			prefix: "pbkdf2_sha256$ pbkdf2_sha512$ $pbkdf2-sha256$ $pbkdf2-sha512$ bcrypt_sha256$$", body: none,
			loose: true, raw: true, check: argon},
		{id: "hash-ldap", kind: PasswordHash, name: "Hash of a password (LDAP)", from: "RFC 2307",
			prefix: "{SSHA} {SHA} {SMD5} {SSHA256} {SSHA512}", body: base64std, min: 24, max: 120, loose: true,
			raw: true},
		{id: "hash-cisco", kind: PasswordHash, name: "Hash of a password (Cisco)", from: "www.cisco.com",
			prefix: "$8$ $9$", body: none, raw: true, check: cisco},
		{id: "one-time-password", kind: Generic, name: "Secret of a one-time password", from: "Key Uri Format",
			prefix: "otpauth://", body: none, loose: true, raw: true, check: oneTime},
		{id: "authress", kind: Token, name: "Authress key", from: "authress.io", prefix: "authress_ scauth_",
			body: base64std | base64url | dot, min: 60, max: 300, loose: true},
		{id: "nats-seed", kind: PrivateKey, name: "NATS seed", from: "docs.nats.io",
			prefix: "SUA SAA SOA SCA SNA SXA", body: upNum, min: 55, max: 55, level: detect.High},
	}
}
