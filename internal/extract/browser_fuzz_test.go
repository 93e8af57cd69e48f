package extract_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"postern.dev/postern/internal/extract"
)

// tags are the pieces of a page; "@" becomes a word that stands once.
var tags = []string{
	"@", "@", " ", "<p>", "</p>", "<div>", "</div>", "<b>", "</b>", "<table><tr><td>", "</table>", "<script>", "</script>", "<style>",
	"</style>", "<!--", "-->", "<title>", "</title>", "<textarea>", "</textarea>", "<svg>", "</svg>", "<math><mi>", "</math>", "<noscript>",
	"</noscript>", "<template>", "</template>", "<iframe>", "</iframe>", "<xmp>", "</xmp>", "<plaintext>", "<select><option>", "</select>",
	"<![CDATA[", "]]>", "<?xml ?>", "<!DOCTYPE html>", "&amp;", "&#64;", "<a href='x'>", "</a>", "<img alt='", "'>", "\"", "'", "<", ">", "</",
	"<p hidden>", "<p style=\"display:none\">", "<body>", "</body>", "<html>", "<head>", "</head>", "<br/>", "<object>", "</object>", "\x00",
	"<foreignObject>", "<desc>", "<frameset>", "</frameset>", "<noembed>", "</noembed>", "<li>", "<button>", "<form>", "</form>", "<em/",
}

var shown = regexp.MustCompile(`word\d{4}`)

// FuzzPageLikeABrowser builds pages of odd tags: every word that a browser's
// parser shows as text is in ours, or the page is said to be unseen in part.
func FuzzPageLikeABrowser(f *testing.F) {
	f.Add([]byte{3, 0, 4, 5, 0, 6})
	f.Add([]byte{11, 0, 12, 0, 13, 0, 14, 1, 15, 0, 16, 0})
	f.Add([]byte{21, 17, 0, 18, 13, 0, 14, 0, 22, 0, 36, 0, 37, 0})
	f.Add([]byte{17, 0, 3, 0, 18, 0, 19, 3, 0, 20, 0, 29, 0, 30, 0, 31, 0, 32, 33, 0, 3, 0})
	f.Add([]byte{9, 0, 34, 0, 35, 10, 0, 27, 0, 28, 25, 0, 26, 0, 48, 0, 49, 44, 0, 45, 0})
	f.Fuzz(func(t *testing.T, plan []byte) {
		var b strings.Builder
		for i, n := range plan[:min(len(plan), 200)] {
			b.WriteString(strings.ReplaceAll(tags[int(n)%len(tags)], "@", fmt.Sprintf(" word%04d ", i)))
		}
		tree, err := html.ParseWithOptions(strings.NewReader(b.String()), html.ParseOptionEnableScripting(false))
		if err != nil {
			return
		}
		got, r := read(extract.Input{Declared: "text/html"}, b.String(), 1<<20)
		if len(r.Unseen) > 0 {
			return
		}
		for _, word := range shown.FindAllString(textOf(tree), -1) {
			if !strings.Contains(got, word) {
				t.Fatalf("%s is shown of %q, and we see %q", word, b.String(), got)
			}
		}
	})
}

// textOf joins the texts of a tree, without those that no browser draws.
func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data + " "
	}
	if n.Type == html.ElementNode {
		switch n.Data {
		case "script", "style", "noembed", "noframes", "iframe":
			return ""
		case "title":
			if n.Namespace != "" {
				return ""
			}
		}
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(textOf(c))
	}
	return b.String()
}
