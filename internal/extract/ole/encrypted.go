package ole

import (
	"bytes"
	"strings"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/officecrypt"
)

// velvet is the password of workbooks that are locked without one: Excel
// opens them and asks nobody (MS-OFFCRYPTO §2.4.2.3).
const velvet = "VelvetSweatshop"

// keys are the passwords to be tried.
func (r *reader) keys() []string { return append([]string{velvet}, r.passwords...) }

// encrypted opens a package that Office has encrypted (MS-OFFCRYPTO §2.3.4).
func (r *reader) encrypted(s *cfb.Entry) {
	r.everyLabel(s, 0)
	if rights(s) {
		r.out.Note(encrypted, "the document is protected by rights management")
		return
	}
	plain, err := officecrypt.Package(s.Stream("EncryptionInfo"), s.Stream("EncryptedPackage"), r.keys())
	if err != nil {
		r.out.Note(encrypted, "the document is locked with a password")
		return
	}
	r.embed("package", "", plain)
}

// protected is a binary document under rights management (MS-OFFCRYPTO
// §2.2.11).
func (r *reader) protected(s *cfb.Entry) {
	r.everyLabel(s, 0)
	r.out.Note(encrypted, "the document is protected by rights management")
}

// rights reports whether the data spaces of a file name the one of rights
// management (MS-OFFCRYPTO §2.2).
func rights(s *cfb.Entry) bool {
	spaces := s.Child("\x06DataSpaces")
	if spaces == nil {
		return false
	}
	if spaces.Child("DataSpaceInfo").Child("DRMEncryptedDataSpace") != nil ||
		spaces.Child("TransformInfo").Child("DRMEncryptedTransform") != nil {
		return true
	}
	return bytes.Contains(spaces.Stream("DataSpaceMap"), []byte("D\x00R\x00M\x00E\x00n\x00c\x00r"))
}

func (r *reader) everyLabel(s *cfb.Entry, depth int) {
	for _, c := range s.Children {
		switch {
		case c.Storage && depth < 8:
			r.everyLabel(c, depth+1)
		case strings.Contains(strings.ToLower(c.Name), "labelinfo"):
			r.labels(c.Bytes())
		}
	}
}
