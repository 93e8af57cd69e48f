package pdf

import (
	"bytes"
	"crypto/aes"
	cbc "crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
)

// method is how strings or streams are encrypted.
type method byte

const (
	plain method = iota
	byRC4
	byAES128
	byAES256
)

// cipher decrypts a document that the standard security handler encrypted
// (ISO 32000-1 §7.6, ISO 32000-2 §7.6).
type cipher struct {
	key              []byte
	strings, streams method
	metadata         bool // metadata is encrypted as well
}

// lock is what the encryption dictionary says.
type lock struct {
	revision, length int
	o, u, oe, ue     []byte
	permissions      int32
	id               []byte
	metadata         bool
}

// unlock opens an encrypted document. It reports false when no password does.
func (d *document) unlock(passwords []string) bool {
	o := d.trailer["Encrypt"]
	if o == nil {
		return true
	}
	e := d.dictOf(o)
	if e == nil {
		return true // nothing there: nothing is encrypted
	}
	c := &cipher{metadata: true}
	if b, ok := d.resolve(e["EncryptMetadata"]).(bool); ok {
		c.metadata = b
	}
	if filter := d.nameOf(e["Filter"]); filter != "Standard" && filter != "" {
		return false
	}
	k := d.lockOf(e, c.metadata)
	if !d.methods(e, c, &k) {
		return false
	}
	for _, p := range append([]string{""}, passwords...) {
		if c.key = k.open([]byte(p)); c.key != nil {
			break
		}
	}
	if c.key == nil {
		return false
	}
	d.cipher = c
	// What was loaded so far was not decrypted.
	clear(d.cache)
	clear(d.packs)
	d.kept = 0
	if d.rebuilt {
		d.rebuildPacks(d.places)
	}
	if d.root = d.dictOf(d.trailer["Root"]); d.root["Pages"] == nil {
		d.rebuild()
		if d.root = d.dictOf(d.trailer["Root"]); d.root["Pages"] == nil {
			d.searchRoot()
		}
	}
	return true
}

func (d *document) lockOf(e dict, metadata bool) lock {
	str := func(key name) []byte {
		s, _ := d.resolve(e[key]).(text)
		return s
	}
	k := lock{
		revision: d.intOf(e["R"]), length: 5, o: str("O"), u: str("U"), oe: str("OE"), ue: str("UE"),
		permissions: int32(uint32(int64(d.numberOf(e["P"], 0)))), metadata: metadata,
	}
	if n := d.intOf(e["Length"]); n >= 40 && n <= 256 {
		k.length = n / 8
	}
	if id := d.arrayOf(d.trailer["ID"]); len(id) > 0 {
		s, _ := d.resolve(id[0]).(text)
		k.id = s
	}
	return k
}

// methods reads which ciphers are used.
func (d *document) methods(e dict, c *cipher, k *lock) bool {
	switch d.intOf(e["V"]) {
	case 1:
		c.strings, c.streams, k.length = byRC4, byRC4, 5
	case 2, 3:
		c.strings, c.streams = byRC4, byRC4
	case 4, 5, 6:
		filters := d.dictOf(e["CF"])
		pick := func(key name) (method, bool) {
			n := d.nameOf(e[key])
			if n == "" || n == "Identity" {
				return plain, true
			}
			switch d.nameOf(d.dictOf(filters[n])["CFM"]) {
			case "V2":
				return byRC4, true
			case "AESV2":
				return byAES128, true
			case "AESV3":
				return byAES256, true
			case "None", "":
				return plain, true
			}
			return plain, false
		}
		var ok1, ok2 bool
		c.strings, ok1 = pick("StrF")
		c.streams, ok2 = pick("StmF")
		if !ok1 || !ok2 {
			return false
		}
		if d.intOf(e["V"]) == 4 {
			k.length = 16
		}
	default:
		return false
	}
	k.length = min(k.length, 16)
	return k.revision >= 2 && k.revision <= 6
}

// padding fills passwords up to 32 octets (ISO 32000-1 §7.6.3.3).
const padding = "\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08" +
	"\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A"

func padded(p []byte) []byte {
	return append(append([]byte(nil), p[:min(len(p), 32)]...), padding...)[:32]
}

// open gives the file's key when the password is that of a user or of the
// owner; otherwise nil.
func (k *lock) open(password []byte) []byte {
	if k.revision >= 5 {
		return k.openNew(password)
	}
	if len(k.u) < 16 || len(k.o) < 32 {
		return nil
	}
	if key := k.userKey(password); k.userMatches(key) {
		return key
	}
	// The owner's password decrypts the user's (algorithm 7).
	sum := md5.Sum(padded(password))
	key := sum[:]
	if k.revision >= 3 {
		for range 50 {
			s := md5.Sum(key)
			key = s[:]
		}
	}
	key = key[:k.length]
	user := append([]byte(nil), k.o[:32]...)
	if k.revision == 2 {
		user = crypt4(key, user)
	} else {
		for i := 19; i >= 0; i-- {
			user = crypt4(xored(key, byte(i)), user)
		}
	}
	if key := k.userKey(user); k.userMatches(key) {
		return key
	}
	return nil
}

// userKey is algorithm 2.
func (k *lock) userKey(password []byte) []byte {
	h := md5.New()
	h.Write(padded(password))
	h.Write(k.o[:32])
	var p [4]byte
	binary.LittleEndian.PutUint32(p[:], uint32(k.permissions))
	h.Write(p[:])
	h.Write(k.id)
	if k.revision >= 4 && !k.metadata {
		h.Write([]byte{0xff, 0xff, 0xff, 0xff})
	}
	key := h.Sum(nil)
	if k.revision >= 3 {
		for range 50 {
			s := md5.Sum(key[:k.length])
			key = s[:]
		}
	}
	return key[:k.length]
}

// userMatches is algorithm 6: the key makes what stands in U.
func (k *lock) userMatches(key []byte) bool {
	if k.revision == 2 {
		return len(k.u) >= 32 && bytes.Equal(crypt4(key, []byte(padding)), k.u[:32])
	}
	h := md5.New()
	h.Write([]byte(padding))
	h.Write(k.id)
	u := h.Sum(nil)
	for i := range 20 {
		u = crypt4(xored(key, byte(i)), u)
	}
	return bytes.Equal(u, k.u[:16])
}

func xored(key []byte, x byte) []byte {
	out := make([]byte, len(key))
	for i, c := range key {
		out[i] = c ^ x
	}
	return out
}

func crypt4(key, b []byte) []byte {
	c, err := rc4.NewCipher(key)
	if err != nil {
		return b
	}
	out := make([]byte, len(b))
	c.XORKeyStream(out, b)
	return out
}

// openNew is algorithm 2.A of ISO 32000-2: revisions 5 and 6.
func (k *lock) openNew(password []byte) []byte {
	if len(k.u) < 48 || len(k.o) < 48 || len(k.ue) < 32 || len(k.oe) < 32 {
		return nil
	}
	password = password[:min(len(password), 127)]
	u := k.u[:48]
	if bytes.Equal(k.hash(password, u[32:40], nil), u[:32]) {
		return unCBC(k.hash(password, u[40:48], nil), make([]byte, 16), k.ue[:32])
	}
	if bytes.Equal(k.hash(password, k.o[32:40], u), k.o[:32]) {
		return unCBC(k.hash(password, k.o[40:48], u), make([]byte, 16), k.oe[:32])
	}
	return nil
}

// hash is algorithm 2.B.
func (k *lock) hash(password, salt, user []byte) []byte {
	first := sha256.Sum256(bytes.Join([][]byte{password, salt, user}, nil))
	sum := first[:]
	if k.revision < 6 {
		return sum
	}
	for i := 0; ; i++ {
		block := bytes.Repeat(bytes.Join([][]byte{password, sum, user}, nil), 64)
		c, err := aes.NewCipher(sum[:16])
		if err != nil {
			return nil
		}
		cbc.NewCBCEncrypter(c, sum[16:32]).CryptBlocks(block, block)
		n := 0
		for _, x := range block[:16] {
			n += int(x)
		}
		switch n % 3 {
		case 0:
			s := sha256.Sum256(block)
			sum = s[:]
		case 1:
			s := sha512.Sum384(block)
			sum = s[:]
		default:
			s := sha512.Sum512(block)
			sum = s[:]
		}
		if i >= 63 && int(block[len(block)-1]) <= i-32 {
			return sum[:32]
		}
	}
}

// unCBC decrypts whole blocks.
func unCBC(key, iv, b []byte) []byte {
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	out := make([]byte, len(b)/16*16)
	cbc.NewCBCDecrypter(c, iv).CryptBlocks(out, b[:len(out)])
	return out
}

// forStrings decrypts the strings of an object; nil when they are plain.
func (c *cipher) forStrings(id ref) func([]byte) []byte {
	if c.strings == plain {
		return nil
	}
	return func(b []byte) []byte { return c.decrypt(c.strings, id, b) }
}

// stream gives the octets of a stream, decrypted.
func (c *cipher) stream(s *stream, identity bool) []byte {
	kind := s.dict["Type"]
	if identity || kind == name("XRef") || kind == name("Metadata") && !c.metadata {
		return s.raw
	}
	return c.decrypt(c.streams, s.id, s.raw)
}

func (c *cipher) decrypt(m method, id ref, b []byte) []byte {
	if m == plain || len(b) == 0 {
		return b
	}
	key := c.key
	if m != byAES256 {
		// Algorithm 1: the key of the object.
		h := md5.New()
		h.Write(key)
		h.Write([]byte{byte(id.num), byte(id.num >> 8), byte(id.num >> 16), byte(id.gen), byte(id.gen >> 8)})
		if m == byAES128 {
			h.Write([]byte("sAlT"))
		}
		key = h.Sum(nil)[:min(len(key)+5, 16)]
	}
	if m == byRC4 {
		return crypt4(key, b)
	}
	if len(b) < 32 {
		return nil
	}
	out := unCBC(key, b[:16], b[16:])
	if n := len(out); n > 0 {
		if pad := int(out[n-1]); pad >= 1 && pad <= 16 && pad <= n {
			out = out[:n-pad]
		}
	}
	return out
}
