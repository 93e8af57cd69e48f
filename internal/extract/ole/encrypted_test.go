package ole_test

import (
	"testing"

	"postern.dev/postern/internal/extract/cfb"
)

func agileInfo() []byte {
	return join(u16(4, 4), u32(0x40), []byte(`<encryption><keyData saltSize="16" blockSize="16" keyBits="128" hashSize="20" `+
		`cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA1" saltValue="AAAAAAAAAAAAAAAAAAAAAA=="/>`+
		`<keyEncryptors><keyEncryptor><encryptedKey spinCount="10" blockSize="16" keyBits="128" cipherAlgorithm="AES" `+
		`cipherChaining="ChainingModeCBC" hashAlgorithm="SHA1" saltValue="AAAAAAAAAAAAAAAAAAAAAA==" `+
		`encryptedVerifierHashInput="AAAAAAAAAAAAAAAAAAAAAA==" encryptedVerifierHashValue="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" `+
		`encryptedKeyValue="AAAAAAAAAAAAAAAAAAAAAA=="/></keyEncryptor></keyEncryptors></encryption>`))
}

// propertySet is a DocumentSummaryInformation with a custom property.
func propertySet() []byte {
	user := join(u32(0, 3), u32(0, 32, 1, 64, 2, 72),
		u32(1, 2, 15), []byte("MSIP_Label_Name"), []byte{0, 0, 0, 0, 0},
		u32(2, 1252), u32(30, 7), []byte("Secret\x00\x00"))
	first := join(u32(8, 0))
	return join(u16(0xFFFE, 0, 0, 0), make([]byte, 16), u32(2),
		[]byte("\x02\xd5\xcd\xd5\x9c\x2e\x1b\x10\x93\x97\x08\x00\x2b\x2c\xf9\xae"), u32(68),
		[]byte("\x05\xd5\xcd\xd5\x9c\x2e\x1b\x10\x93\x97\x08\x00\x2b\x2c\xf9\xae"), u32(76), first, user)
}

func TestWhatIsLockedIsSaid(t *testing.T) {
	locked := document("text", 0)
	locked.Child("WordDocument").Content[11] |= 1
	sheet := storage("", stream("Workbook", join(rec(0x0809, u16(0x0600, 5, 0, 0), u32(0, 0)), rec(0x002F, u16(1, 1, 1), make([]byte, 48)))))
	tests := []struct {
		name string
		file *cfb.Entry
	}{
		{"a document", locked},
		{"a workbook", sheet},
		{"a package", storage("", stream("EncryptionInfo", agileInfo()), stream("EncryptedPackage", make([]byte, 100)))},
		{"a package of a method that is not known", storage("", stream("EncryptionInfo", []byte("x")), stream("EncryptedPackage", nil))},
		{"a package under rights management", storage("", stream("EncryptedPackage", nil),
			storage("\x06DataSpaces", storage("DataSpaceInfo", stream("DRMEncryptedDataSpace", nil))))},
		{"a document under rights management", storage("", stream("\x09DRMContent", []byte("x")))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p := read(t, tt.file, "a", "b"); len(p.notes) != 1 || p.notes[0] != "encrypted" || len(p.files) > 0 {
				t.Errorf("%q %q", p.notes, p.files)
			}
		})
	}
}

func TestLabelsAreProperties(t *testing.T) {
	has(t, read(t, storage("", stream("\x05DocumentSummaryInformation", propertySet()))), "custom:MSIP_Label_Name=Secret")
	label := `<clbl:labelList xmlns:clbl="x"><clbl:label id="{1}" enabled="1" siteId="{2}"/></clbl:labelList>`
	has(t, read(t, storage("", stream("EncryptedPackage", nil), stream("EncryptionInfo", nil),
		storage("\x06DataSpaces", storage("TransformInfo", stream("LabelInfo", []byte(label)))))), "labelinfo:{1}:enabled=1", "labelinfo:{1}:siteId={2}")
}
