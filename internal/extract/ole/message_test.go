package ole_test

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/extract/cfb"
)

// letterFile writes a message of Outlook with a named property, a recipient,
// an attached file and an attached message.
func letterFile() *cfb.Entry {
	props := func(head int) *cfb.Entry { return stream("__properties_version1.0", make([]byte, head)) }
	inner := storage("__substg1.0_3701000D", props(24), stream("__substg1.0_1000001F", wide("the inner body")))
	return storage("",
		props(32),
		stream("__substg1.0_0037001F", wide("A subject")),
		stream("__substg1.0_1000001F", wide("A body 4111")),
		stream("__substg1.0_10130102", []byte("<p>html</p>")),
		stream("__substg1.0_8000001F", wide("Secret")),
		storage("__nameid_version1.0",
			stream("__substg1.0_00020102", nil),
			stream("__substg1.0_00030102", join(u32(0), u16(2<<1|1, 0))),
			stream("__substg1.0_00040102", join(u32(22), wide("MSIP_Label_"))),
		),
		storage("__recip_version1.0_#00000000", props(8), stream("__substg1.0_3001001F", wide("Bob")),
			stream("__substg1.0_39FE001F", wide("bob@example.com"))),
		storage("__attach_version1.0_#00000000", props(8), stream("__substg1.0_3707001F", wide("a.txt")),
			stream("__substg1.0_37010102", []byte("attached 4111"))),
		storage("__attach_version1.0_#00000001", props(8), stream("__substg1.0_3001001F", wide("Fwd")), inner),
	)
}

func TestAMessageOfOutlook(t *testing.T) {
	p := read(t, letterFile())
	has(t, p, "subject=A subject", "custom:MSIP_Label_=Secret", "To: Bob bob@example.com", "[body]\nA body 4111")
	if p.files["a.txt"] != "attached 4111" || p.files["body.html"] != "<p>html</p>" {
		t.Errorf("%q", p.files)
	}
	root, err := cfb.Open([]byte(p.files["Fwd"]))
	if err != nil {
		t.Fatal(err)
	}
	if has(t, read(t, root), "the inner body"); !strings.Contains(p.files["Fwd"], "M\x00S\x00I\x00P") {
		t.Error("the names of the properties are not in the inner message")
	}
}
