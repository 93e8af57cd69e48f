package xmlread

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// tokens writes what a reader gives as one line; neighboring texts are one.
func tokens(src io.Reader) string {
	var b strings.Builder
	z := New(src)
	text := false
	for {
		k := z.Next()
		if text && k != Text {
			b.WriteString("]")
		}
		switch k {
		case EOF:
			return b.String()
		case Start:
			fmt.Fprintf(&b, "<%s", z.Local)
			z.Attrs(func(n, v []byte) { fmt.Fprintf(&b, " %s=%s", n, v) })
			b.WriteString(">")
		case End:
			fmt.Fprintf(&b, "</%s>", z.Local)
		case Text:
			if !text {
				b.WriteString("[")
			}
			b.Write(z.Text)
		}
		text = k == Text
	}
}

func TestNext(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"a tag without its prefix", `<w:p w:id="1">x</w:p>`, `<p id=1>[x]</p>`},
		{"an empty element has an end", `<a/><b x='1'/>`, `<a></a><b x=1></b>`},
		{"references are replaced", `<a b="&lt;&#65;">&amp;&#x42;&quot;</a>`, `<a b=<A>[&B"]</a>`},
		{"a declared entity is not expanded", `<!DOCTYPE a [<!ENTITY x "1>2">]><a>&x;</a>`, `<a>[&x;]</a>`},
		{"a comment joins what stands around it", `<a>41<!-- <b> -->11</a>`, `<a>[4111]</a>`},
		{"CDATA is text", `<a>1<![CDATA[<b>&amp;]]]>2</a>`, `<a>[1<b>&amp;]2]</a>`},
		{"a bracket in a value does not end the tag", `<a b="x>y" c='"'>z</a>`, `<a b=x>y c=">[z]</a>`},
		{"namespaces are no attributes", `<a xmlns="u" xmlns:w="v" w:b="1"/>`, `<a b=1></a>`},
		{"a lonely bracket is text", `<a>1 < 2 &</a>`, `<a>[1 < 2 &]</a>`},
		{"a tag that is cut off counts", `<a>x<b c="4`, `<a>[x]<b c=4>`},
		{"processing instructions are left out", `<?xml version="1.0"?><a><?x y?>b</a>`, `<a>[b]</a>`},
		{"UTF-16 with a mark", "\xFF\xFE<\x00a\x00>\x00\xe9\x00<\x00/\x00a\x00>\x00", `<a>[é]</a>`},
		{"UTF-16 without a mark", "\x00<\x00a\x00>\x00x", `<a>[x]`},
		{"a declared charset", "<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>", `<a>[é]</a>`},
		{"a mark before UTF-8", "\xEF\xBB\xBF<a>x</a>", `<a>[x]</a>`},
		{"an unquoted value", `<a b=c d="e">`, `<a b=c d=e>`},
		{"an apostrophe in a value", `<a b="it's">x</a>`, `<a b=it's>[x]</a>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tokens(strings.NewReader(tt.in)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if got := tokens(iotest.OneByteReader(strings.NewReader(tt.in))); got != tt.want {
				t.Errorf("octet by octet:\ngot  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTheWindowChangesNothing(t *testing.T) {
	for _, pad := range []int{window - 5, window - 3, window - 1, window, window + 1} {
		body := strings.Repeat("x", pad) + "&amp;<b c=\"1\"/>" + "<!-- - -->y<![CDATA[z]]>"
		want := "<a>[" + strings.Repeat("x", pad) + "&]<b c=1></b>[yz]</a>"
		if got := tokens(strings.NewReader("<a>" + body + "</a>")); got != want {
			t.Errorf("pad %d: %s", pad, got[len(got)-40:])
		}
	}
}

func TestATagThatIsTooLongIsCutAndSaid(t *testing.T) {
	z := New(io.MultiReader(strings.NewReader(`<a b="`), bytes.NewReader(bytes.Repeat([]byte("x"), maxTag*2)), strings.NewReader(`"/>end`)))
	n := 0
	for k := z.Next(); k != EOF; k = z.Next() {
		n++
	}
	if !z.Cut || n < 2 {
		t.Errorf("cut %v after %d tokens", z.Cut, n)
	}
}

func TestDeclaredEntitiesAreSaid(t *testing.T) {
	z := New(strings.NewReader(`<!DOCTYPE a [<!ENTITY b "c">]><a/>`))
	for z.Next() != EOF {
	}
	if !z.Declared {
		t.Error("not said")
	}
}

func FuzzNext(f *testing.F) {
	f.Add([]byte(`<a b="c">d&amp;<![CDATA[e]]></a>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a x='">'/>`))
	f.Add([]byte("\xFF\xFE<\x00a\x00"))
	f.Add([]byte("<?xml version='1.0' encoding='utf-7'?><a>+AGE-</a>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := tokens(bytes.NewReader(b))
		if parts := tokens(iotest.OneByteReader(bytes.NewReader(b))); parts != whole {
			t.Errorf("whole %q\nparts %q", whole, parts)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	p := `<w:p w:rsidR="00AB12CD"><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">Some words of a text </w:t></w:r></w:p>`
	doc := []byte("<w:document>" + strings.Repeat(p, 5000) + "</w:document>")
	b.SetBytes(int64(len(doc)))
	z := &Reader{}
	for b.Loop() {
		z.Reset(bytes.NewReader(doc))
		for z.Next() != EOF {
		}
	}
}
