package extract

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/net/html"
)

// tokenizer is what both have.
type tokenizer interface {
	Next() html.TokenType
	Raw() []byte
	Text() []byte
	TagName() ([]byte, bool)
	TagAttr() ([]byte, []byte, bool)
	AllowCDATA(bool)
	NextIsNotRawText()
	Err() error
}

// spelled writes what a tokenizer gives, a line for each token, used as a page
// uses it.
func spelled(z tokenizer) string {
	var b strings.Builder
	for n := 0; ; n++ {
		kind := z.Next()
		if kind == html.ErrorToken {
			fmt.Fprintf(&b, "end: %v\n", z.Err())
			return b.String()
		}
		fmt.Fprintf(&b, "%v %q", kind, z.Raw())
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			name, more := z.TagName()
			fmt.Fprintf(&b, " %q", name)
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				fmt.Fprintf(&b, " %q=%q", key, value)
			}
			if string(name) == "noscript" && kind == html.StartTagToken {
				z.NextIsNotRawText()
			}
			z.AllowCDATA(string(name) == "svg")
		default:
			fmt.Fprintf(&b, " %q", z.Text())
		}
		b.WriteByte('\n')
	}
}

func alike(t *testing.T, page []byte) {
	t.Helper()
	for name, reader := range map[string]func() io.Reader{
		"whole":      func() io.Reader { return bytes.NewReader(page) },
		"in octets":  func() io.Reader { return iotest.OneByteReader(bytes.NewReader(page)) },
		"in halves":  func() io.Reader { return iotest.HalfReader(bytes.NewReader(page)) },
		"broken off": func() io.Reader { return io.MultiReader(bytes.NewReader(page), iotest.ErrReader(io.ErrClosedPipe)) },
	} {
		z := newTokens(reader())
		slow := html.NewTokenizer(reader())
		slow.SetMaxBuf(maxToken)
		got, want := spelled(z), spelled(slow)
		z.close()
		if got != want {
			t.Fatalf("%s, of %q:\n%s\nnot\n%s", name, page, got, want)
		}
	}
}

func pagesToTokenize() []string {
	return []string{
		"", "a", "a<", "<", "</", "<a", "</a", "<a ", "a < b <1 <a>b</a>", "</a >", "</A>", "</1>", "</>", "<A HREF='x'>",
		"<p class=\"MsoNormal\">Caf\u00e9 &amp; more&nbsp;\r\nand\rmore\x00</p>\n<br/><br /><img src=a/><hr/ >",
		"<a href=\"?a=1&amp;b=2\">x</a><a href='?a=1&copy=2&lt;'>y</a><a href=x&amp;y>z</a>",
		"<a a=\"1\" A=\"2\"><a a=1 b c=3 =d \"e\"><a b='1'c='2'><a b=\"\r\n\"><a b=\"\x00\"><a b=><a b = c><a b=\"x",
		"<style type=\"text/css\">p{a:\"&amp;\"}\r\nq{}</style><STYLE><p></sty</style/><style/>x</style ><style>\x00</style><style></stylex</style\f><style>y</sty",
		"<style>p{}</style><script>if(a<b)</script><title>a<b>c</b></title><noscript><p>x</p></noscript>",
		"<textarea></textarea><p><plaintext><p></plaintext>", "<STYLE></STYLE ><Script></scripT>",
		"<!DOCTYPE html><!-- c --><!--[if mso]><b>x</b><![endif]--><?xml version='1'?><svg><![CDATA[x]]>y</svg><![CDATA[z]]>",
		"<svg/><script/>x</script><p>" + strings.Repeat("word ", 3000) + "<b>" + strings.Repeat("<i>y</i>", 2000),
		"<img src=\"data:image/png;base64," + strings.Repeat("QUJD", 50_000) + "\" alt=\"p\">text<!--" + strings.Repeat("-x", 50_000) + "-->end",
		"<o:p></o:p><x-y a:b=\"c\" d_e=f-1 g=1.5>", "<p\f\ta=\"1\"\n>", "<p a=\"1\"/><p a=1/><p a=/><p / a>",
	}
}

func TestTokensAreThoseOfTheTokenizer(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	for _, page := range pagesToTokenize() {
		alike(t, []byte(page))
	}
}

func FuzzTokens(f *testing.F) {
	for _, page := range pagesToTokenize() {
		if len(page) < 1000 {
			f.Add([]byte(page))
		}
	}
	f.Fuzz(func(t *testing.T, page []byte) { alike(t, page) })
}

func TestATagWithoutEndIsCutOffAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	for _, page := range []string{
		"<p>x</p><a title=\"" + strings.Repeat("x", maxToken+10),
		"<p>x</p>" + strings.Repeat("x", maxToken+10) + "<p>y</p>",
	} {
		z, slow := newTokens(strings.NewReader(page)), html.NewTokenizer(strings.NewReader(page))
		slow.SetMaxBuf(maxToken)
		for {
			got, want := z.Next(), slow.Next()
			if got != want || !bytes.Equal(z.Raw(), slow.Raw()) {
				t.Fatalf("%v with %d octets, not %v with %d", got, len(z.Raw()), want, len(slow.Raw()))
			}
			if want == html.ErrorToken {
				break
			}
		}
		if z.Err() != slow.Err() {
			t.Errorf("%v, not %v", z.Err(), slow.Err())
		}
	}
}
