package secret

// family is what kind of secret a name speaks of, and so what its value must
// look like.
type family uint8

const (
	ofPassword family = iota
	ofToken           // tokens, secrets, credentials, and keys of a known kind
	ofKey             // a "key" that may be one of a map
	ofLogin           // user and password in one, as user:password
	noFamily
)

// task is what a keyword begins.
type task uint8

const (
	named      task = iota // a name, with a value behind it
	pem                    // -----BEGIN
	putty                  // a key file of PuTTY
	identified             // IDENTIFIED BY of SQL
	header                 // Authorization:
	bearer                 // Bearer
	secure                 // ConvertTo-SecureString
	curl                   // curl -u
)

// keyword is a piece of text at which a secret may begin. The four pieces of
// three bytes from at on find it (see grams), so that len(text) >= at+6; they
// are chosen to be rare in prose.
type keyword struct {
	text string
	at   int
	task task
	of   family
	// whole keywords do not begin inside a word of small letters:
	// "opensecrets" speaks of none.
	whole bool
}

var keywordTable = []keyword{
	{text: "password", at: 1},
	{text: "passwd", at: 0},
	{text: "passphrase", at: 2},
	{text: "passwort", at: 1}, // de
	{text: "kennwort", at: 1},
	{text: "wachtwoord", at: 2},            // nl
	{text: "mot de passe", at: 6},          // fr
	{text: "contrase", at: 2, whole: true}, // es, contraseña
	{text: "clave de acceso", at: 0, whole: true},
	{text: "palavra-passe", at: 0, whole: true},   // pt
	{text: "parola d'ordine", at: 2, whole: true}, // it
	{text: "senha ", at: 0, whole: true}, {text: "heslo ", at: 0, whole: true}, {text: "clave ", at: 0, whole: true},
	{text: "parola:", at: 1, whole: true},                                     // it, ro, tr
	{text: "has\xc5\x82o", at: 0, whole: true},                                // pl, hasło
	{text: "senord", at: 0},                                                   // sv, lösenord
	{text: "adgangskode", at: 0},                                              // da
	{text: "passord", at: 0},                                                  // nb
	{text: "salasana", at: 0},                                                 // fi
	{text: "jelsz\xc3\xb3", at: 0},                                            // hu, jelszó
	{text: "\xc5\x9fifre", at: 0},                                             // tr, şifre
	{text: "пароль", at: 0}, {text: "Пароль", at: 0}, {text: "ПАРОЛЬ", at: 0}, // ru, uk
	{text: "密码", at: 0}, {text: "密碼", at: 0}, // zh
	{text: "パスワード", at: 3}, // ja
	{text: "비밀번호", at: 0},  // ko
	{text: "userpwd", at: 1, of: ofLogin},
	{text: "secret", at: 0, of: ofToken, whole: true},
	{text: "credential", at: 0, of: ofToken, whole: true},
	{text: "-token", at: 0, of: ofToken},
	{text: "<token", at: 0, of: ofToken},
	{text: "<pass>", at: 0}, {text: "<pass ", at: 0},
	{text: `token "`, at: 0, of: ofToken},
	{text: "token '", at: 0, of: ofToken},
	{text: "apikey", at: 0, of: ofToken},
	{text: "api_key", at: 0, of: ofToken},
	{text: "api-key", at: 0, of: ofToken},
	{text: "accesskey", at: 2, of: ofToken},
	{text: "-----begin", at: 4, task: pem},
	{text: "putty-user-key-file-", at: 4, task: putty},
	{text: "identified", at: 4, task: identified},
	{text: "authorization", at: 4, task: header},
	{text: "bearer", at: 0, task: bearer, of: ofToken},
	{text: "convertto-securestring", at: 5, task: secure},
	{text: "curl -", at: 0, task: curl},
}

// unlikely are words that make a name speak of something else: a token type
// is no token.
var unlikely = map[string]bool{
	"mock": true, "fake": true, "dummy": true, "example": true, "sample": true, "masked": true, "encrypted": true,
	"enc": true, "hashed": true, "hash": true, "public": true, "pub": true, "type": true, "types": true, "id": true,
	"ids": true, "skip": true, "next": true, "page": true, "sync": true, "continuation": true, "cancellation": true,
	"csrf": true, "xsrf": true, "tokenized": true, "tokenizer": true, "primary": true, "foreign": true, "sort": true,
	"partition": true, "cache": true, "keyboard": true, "keyword": true, "keywords": true, "length": true, "len": true,
	"count": true, "policy": true, "expiry": true, "expires": true, "expiration": true, "ttl": true, "age": true,
	"limit": true, "enabled": true, "required": true, "changed": true, "attempts": true, "prompt": true, "hint": true,
	"placeholder": true, "regex": true, "pattern": true, "no": true, "not": true, "has": true, "is": true,
	"index": true, "idempotency": true, "anonymous": true, "sealed": true, "checksum": true, "digest": true,
	"fingerprint": true, "signature": true, "integrity": true, "commit": true, "revision": true, "etag": true,
	"scope": true, "scopes": true, "usage": true, "field": true, "fields": true, "column": true, "arn": true,
	"alias": true, "ref": true, "reference": true, "test": true, "mask": true, "keypad": true, "reset": true,
	"image": true, "digests": true, "distinguished": true, "registry": true, "hkey": true, "hotkey": true,
}

// doubtful words need a value that cannot be anything else.
var doubtful = map[string]bool{
	"path": true, "file": true, "filename": true, "name": true, "names": true, "url": true, "uri": true,
	"endpoint": true, "title": true, "description": true, "message": true, "error": true, "text": true,
	"class": true, "format": true, "method": true, "version": true, "date": true, "time": true, "at": true,
	"provider": true, "manager": true, "handler": true, "callback": true, "factory": true, "service": true,
	"input": true, "box": true, "view": true, "form": true, "help": true, "list": true, "map": true, "node": true,
	"item": true, "option": true, "options": true, "mode": true, "flag": true, "param": true, "params": true,
	"rotation": true, "history": true, "lock": true, "ring": true, "chain": true, "store": true, "vault": true,
	"number": true, "code": true, "set": true, "get": true, "show": true, "use": true, "save": true, "forgot": true,
	"update": true, "delete": true, "create": true, "change": true, "word": true, "words": true, "per": true,
}

// keyOf are the words before "key" that make it a secret.
var keyOf = map[string]bool{
	"api": true, "access": true, "secret": true, "private": true, "account": true, "auth": true, "authentication": true,
	"encryption": true, "license": true, "licence": true, "master": true, "signing": true, "service": true,
	"shared": true, "storage": true, "client": true, "app": true, "application": true, "user": true, "admin": true,
	"ssh": true, "gpg": true, "rsa": true, "aes": true, "hmac": true, "jwt": true, "session": true, "deploy": true,
	"subscription": true, "server": true, "write": true, "authorization": true, "activation": true, "recovery": true,
	"webhook": true, "root": true, "bot": true, "crypto": true, "cipher": true, "apikey": true, "integration": true,
}

// passOf are the words before "pass" and "pw" in names written in one.
var passOf = map[string]bool{
	"db": true, "user": true, "admin": true, "root": true, "mysql": true, "ftp": true, "smtp": true, "mail": true,
	"my": true, "sql": true, "pg": true, "redis": true, "store": true, "ldap": true, "http": true, "proxy": true,
	"svc": true, "login": true, "any": true, "key": true, "imap": true, "sftp": true, "ssh": true, "wifi": true,
	"vpn": true, "rds": true, "mongo": true, "postgres": true,
}

// shorts are the last words of names that are too short to be keywords of
// the automaton; they are looked for before a colon and an equals sign.
var shorts = map[string]family{
	"pw": ofPassword, "pwd": ofPassword, "pass": ofPassword, "psw": ofPassword, "pswd": ofPassword, "mdp": ofPassword,
	"pword": ofPassword, "passcode": ofPassword, "senha": ofPassword, "heslo": ofPassword, "clave": ofPassword,
	"userpw": ofPassword, "passw": ofPassword, "lozinka": ofPassword, "passwords": ofPassword,
	"token": ofToken, "tokens": ofToken, "auth": ofToken, "creds": ofToken, "cred": ofToken, "api": ofKey, "key": ofKey,
	"keys": ofKey, "sig": noFamily, "kty": noFamily, "login": noFamily,
}
