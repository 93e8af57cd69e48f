package extract

import (
	"bytes"
	"strings"
)

// seals looks for the marks of encryption while a part streams by. It finds
// the obvious ones: a file that it does not recognize is unsupported, which
// is no better.
type seals struct {
	head []byte        // the first octets
	tail [overlap]byte // the end of the last piece, so that no mark is cut in two
	kept int           // octets of tail
	pdf  bool
	cfb  bool
	aes  bool
	pgp  bool
}

// marks, in the order of the fields of seals.
const (
	pdfMark = "/Encrypt"
	cfbMark = "E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00"
	aesMark = "\x06\xf1\x07\x01" // 7z's coder for AES
	pgpMark = "-----BEGIN PGP MESSAGE-----"
)

const overlap = len(cfbMark) - 1

func (s *seals) look(p []byte) {
	if len(s.head) < sniffSize {
		s.head = append(s.head, p[:min(len(p), sniffSize-len(s.head))]...)
	}
	if len(p) == 0 {
		return
	}
	var room [2 * overlap]byte
	join := append(append(room[:0], s.tail[:s.kept]...), p[:min(len(p), overlap)]...)
	if s.kept > 0 {
		s.marks(join)
	}
	s.marks(p)
	if len(p) >= overlap {
		join = p
	}
	s.kept = copy(s.tail[:], join[max(0, len(join)-overlap):])
}

func (s *seals) marks(p []byte) {
	s.pdf = s.pdf || s.starts("%PDF") && bytes.Contains(p, []byte(pdfMark))
	s.cfb = s.cfb || s.starts("\xd0\xcf\x11\xe0") && bytes.Contains(p, []byte(cfbMark))
	s.aes = s.aes || s.starts("7z\xbc\xaf") && bytes.Contains(p, []byte(aesMark))
	s.pgp = s.pgp || bytes.Contains(p, []byte(pgpMark))
}

func (s *seals) starts(magic string) bool { return bytes.HasPrefix(s.head, []byte(magic)) }

// found is a sentence that says what is encrypted; "" when nothing obvious is.
func (s *seals) found(k Kind, in Input) string {
	declared := strings.ToLower(in.Declared)
	switch {
	case s.starts("PK\x03\x04") && lockedZip(s.head):
		return "an encrypted ZIP archive"
	case s.cfb:
		return "an encrypted Office document"
	case s.pdf:
		return "an encrypted PDF document"
	case s.aes:
		return "an encrypted 7z archive"
	case s.pgp || declared == "application/pgp-encrypted" || binaryPGP(s.head, declared, in.Name):
		return "an OpenPGP message"
	case declared == "application/x-microsoft-rpmsg-message" || strings.HasSuffix(strings.ToLower(in.Name), ".rpmsg") ||
		s.starts("\x76\xe8\x04\x60\xc4\x11\xe3\x86"): // MS-OXORMMS §2.2.1
		return "a message protected by Microsoft Purview"
	case enveloped(s.head, declared, in):
		return "an S/MIME encrypted message"
	}
	return ""
}

// lockedZip walks the local headers as far as they can be seen.
func lockedZip(b []byte) bool {
	for len(b) >= 30 && bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		flags := int(b[6]) | int(b[7])<<8
		if flags&1 != 0 {
			return true
		}
		size := int(b[18]) | int(b[19])<<8 | int(b[20])<<16 | int(b[21])<<24
		next := 30 + (int(b[26]) | int(b[27])<<8) + (int(b[28]) | int(b[29])<<8) + size
		if flags&8 != 0 || next <= 0 || next > len(b) {
			return false
		}
		b = b[next:]
	}
	return false
}

// binaryPGP knows an OpenPGP file by its name and its first packet: a
// session key (RFC 9580 §5.1 and §5.3), old or new format.
func binaryPGP(head []byte, declared, name string) bool {
	name = strings.ToLower(name)
	if !strings.HasSuffix(name, ".pgp") && !strings.HasSuffix(name, ".gpg") && !strings.Contains(declared, "pgp") {
		return false
	}
	if len(head) == 0 || head[0]&0x80 == 0 {
		return false
	}
	tag := head[0] >> 2 & 0x0f
	if head[0]&0x40 != 0 {
		tag = head[0] & 0x3f
	}
	return tag == 1 || tag == 3
}

// The content types of CMS, as they stand in DER (RFC 5652 §14).
const (
	oidEnveloped     = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"
	oidAuthEnveloped = "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"
)

// enveloped finds S/MIME's encrypted forms (RFC 8551 §3.2.2).
func enveloped(head []byte, declared string, in Input) bool {
	switch strings.ToLower(in.Params["smime-type"]) {
	case "enveloped-data", "authenveloped-data":
		return true
	}
	name := strings.ToLower(in.Name)
	if !strings.Contains(declared, "pkcs7-mime") && !strings.HasSuffix(name, ".p7m") {
		return false
	}
	head = head[:min(len(head), 64)]
	return bytes.Contains(head, []byte(oidEnveloped)) || bytes.Contains(head, []byte(oidAuthEnveloped))
}
