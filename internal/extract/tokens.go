package extract

import (
	"bytes"
	"io"

	"golang.org/x/net/html"

	"postern.dev/postern/internal/buffers"
)

// tokens gives the tokens of a page as html.Tokenizer gives them, and faster:
// it reads plain text and plain tags itself, by the search for an octet
// instead of octet by octet. Whatever is not plain (comments, declarations,
// scripts and the like, odd attributes, the end of the input) it gives to a
// Tokenizer that begins there, and goes on behind what that one took. Between
// two tokens a Tokenizer remembers nothing but whether raw text follows, so
// that both read alike; FuzzTokens compares them.
type tokens struct {
	r     io.Reader
	lent  *[buffers.Size]byte
	buf   []byte
	at    int // the next token begins here
	err   error
	cdata bool
	slow  *html.Tokenizer // gives the current token; nil when it is a plain one
	stays bool            // and the next one too

	kind  html.TokenType
	raw   []byte // of a plain token
	name  []byte
	attrs []attribute
	next  int  // attribute that TagAttr gives
	sheet int  // octets of the style sheet that follows
	style bool // the plain token is one
}

func newTokens(r io.Reader) *tokens {
	t := &tokens{r: r, lent: buffers.Get()}
	t.buf = t.lent[:0]
	return t
}

// close gives the buffer back. No token is valid any more.
func (t *tokens) close() {
	buffers.Put(t.lent)
	t.lent, t.buf, t.raw, t.name = nil, nil, nil, nil
}

// longToken is from where a token is not a plain one any more.
const longToken = 1 << 20

// more reads behind what is there; it reports whether there is more now.
func (t *tokens) more() bool {
	if t.err != nil || len(t.buf)-t.at >= longToken {
		return false
	}
	if t.at > 0 {
		t.buf = t.buf[:copy(t.buf, t.buf[t.at:])]
		t.at = 0
	}
	if len(t.buf) == cap(t.buf) {
		t.buf = append(make([]byte, 0, 2*cap(t.buf)), t.buf...)
	}
	for range 100 {
		n, err := t.r.Read(t.buf[len(t.buf):cap(t.buf)])
		t.buf = t.buf[:len(t.buf)+n]
		t.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	t.err = io.ErrNoProgress
	return false
}

// Next goes to the next token.
func (t *tokens) Next() html.TokenType {
	if t.slow != nil {
		if t.stays || len(t.slow.Raw()) >= maxToken { // its text, which may be empty; or too much
			return t.slowly()
		}
		t.resume()
	}
	if t.style = t.sheet > 0; t.style {
		t.kind, t.raw = html.TextToken, t.buf[t.at:t.at+t.sheet]
		t.at, t.sheet = t.at+t.sheet, 0
		return t.kind
	}
	for {
		n, ok := t.plain(t.buf[t.at:])
		if ok {
			t.raw = t.buf[t.at : t.at+n]
			t.at += n
			return t.kind
		}
		switch {
		case n == 0 && t.err == nil && (t.more() || t.err == io.EOF):
			continue
		case t.at == len(t.buf) && t.err == io.EOF:
			t.kind = html.ErrorToken
			return t.kind
		}
		t.slow = html.NewTokenizer(t) // it is not plain, or all is there
		t.slow.SetMaxBuf(maxToken)
		t.slow.AllowCDATA(t.cdata)
		return t.slowly()
	}
}

// slowly has the Tokenizer give the next token. Behind a start tag it may have
// to read raw text.
func (t *tokens) slowly() html.TokenType {
	t.kind = t.slow.Next()
	t.stays = t.kind == html.StartTagToken || t.kind == html.SelfClosingTagToken
	return t.kind
}

// Read implements io.Reader for a Tokenizer.
func (t *tokens) Read(p []byte) (int, error) {
	if t.at == len(t.buf) {
		t.buf, t.at = t.buf[:0], 0
		if !t.more() {
			return 0, t.err
		}
	}
	n := copy(p, t.buf[t.at:])
	t.at += n
	return n, nil
}

// resume goes on behind the token of the Tokenizer: with what it has read and
// not used.
func (t *tokens) resume() {
	ahead := t.slow.Buffered()
	if n := len(ahead); n <= t.at {
		t.at -= n
	} else {
		t.buf, t.at = append(bytes.Clone(ahead), t.buf[t.at:]...), 0
	}
	t.slow = nil
}

// Err is the error of an ErrorToken.
func (t *tokens) Err() error {
	if t.slow == nil {
		return t.err
	}
	return t.slow.Err()
}

// AllowCDATA is that of html.Tokenizer.
func (t *tokens) AllowCDATA(allow bool) {
	t.cdata = allow
	if t.slow != nil {
		t.slow.AllowCDATA(allow)
	}
}

// NextIsNotRawText is that of html.Tokenizer.
func (t *tokens) NextIsNotRawText() {
	t.sheet = 0
	if t.slow != nil {
		t.slow.NextIsNotRawText()
	}
}

// Raw is the token as it stands in the page. It must be asked for before Text.
func (t *tokens) Raw() []byte {
	if t.slow != nil {
		return t.slow.Raw()
	}
	return t.raw
}

// Text is the text of a text, without its entities. It can be asked for once.
func (t *tokens) Text() []byte {
	switch {
	case t.slow != nil:
		return t.slow.Text()
	case t.kind != html.TextToken:
		return nil
	}
	text := lineFeeds(t.raw)
	if !t.style && bytes.IndexByte(text, '&') >= 0 {
		text = []byte(html.UnescapeString(string(text)))
	}
	return text
}

// lineFeeds makes the line ends of b line feeds, where it lies.
func lineFeeds(b []byte) []byte {
	from := bytes.IndexByte(b, '\r')
	if from < 0 {
		return b
	}
	to := from
	for from < len(b) {
		if b[from] == '\r' {
			b[to] = '\n'
			if to++; from+1 < len(b) && b[from+1] == '\n' {
				from++
			}
			from++
			continue
		}
		n := bytes.IndexByte(b[from:], '\r')
		if n < 0 {
			n = len(b) - from
		}
		to += copy(b[to:], b[from:from+n])
		from += n
	}
	return b[:to]
}

// TagName is the name of a tag in small letters, and whether it has
// attributes.
func (t *tokens) TagName() (name []byte, attrs bool) {
	if t.slow != nil {
		return t.slow.TagName()
	}
	return t.name, len(t.attrs) > 0
}

// TagAttr is the next attribute, and whether there are more.
func (t *tokens) TagAttr() (key, value []byte, more bool) {
	if t.slow != nil {
		return t.slow.TagAttr()
	}
	a := t.attrs[t.next]
	t.next++
	return a.key, a.value, t.next < len(t.attrs)
}

// plain reads the token at the beginning of b when it is a plain one. n is 0
// when it takes more octets to know.
func (t *tokens) plain(b []byte) (n int, ok bool) {
	for {
		i := bytes.IndexByte(b[n:], '<')
		if i < 0 {
			if n = len(b); t.err == nil || n == 0 {
				return 0, false
			}
			break
		}
		if n += i; n+1 == len(b) {
			return t.short()
		}
		if c := b[n+1]; isLetter(c) || c == '/' || c == '!' || c == '?' {
			break
		}
		n++
	}
	if n > 0 {
		t.kind = html.TextToken
		return n, true
	}
	switch {
	case b[1] == '/':
		return t.endTag(b)
	case isLetter(b[1]):
		return t.startTag(b)
	}
	return 1, false
}

// short is the answer when a token does not end in what is there.
func (t *tokens) short() (int, bool) {
	if t.err != nil {
		return 1, false
	}
	return 0, false
}

func (t *tokens) endTag(b []byte) (int, bool) {
	i := 2 + nameLen(b[2:])
	switch {
	case i == len(b):
		return t.short()
	case b[i] != '>' || !isLetter(b[2]):
		return 1, false
	}
	t.kind, t.name, t.attrs = html.EndTagToken, small(b[2:i]), t.attrs[:0]
	return i + 1, true
}

func (t *tokens) startTag(b []byte) (int, bool) {
	i := 1 + nameLen(b[1:])
	if i == len(b) {
		return t.short()
	}
	t.kind, t.name, t.attrs, t.next = html.StartTagToken, small(b[1:i]), t.attrs[:0], 0
	style := string(t.name) == "style"
	if !style && rawText(t.name) {
		return 1, false
	}
	for {
		blank := i
		for i < len(b) && white(b[i]) {
			i++
		}
		if i+1 >= len(b) && (i == len(b) || b[i] != '>') {
			return t.short()
		}
		switch {
		case b[i] == '>':
			return i + 1, !style || t.sheetEnds(b[i+1:])
		case b[i] == '/' && b[i+1] == '>':
			t.kind = html.SelfClosingTagToken
			return i + 2, !style || t.sheetEnds(b[i+2:])
		case i == blank:
			return 1, false
		}
		n, ok := t.attr(b[i:])
		if !ok {
			return n, false
		}
		i += n
	}
}

// sheetEnds finds out where the style sheet at the beginning of b ends. It is
// false when that is not seen.
func (t *tokens) sheetEnds(b []byte) bool {
	const end = "</style"
	for n := 0; ; n++ {
		i := bytes.IndexByte(b[n:], '<')
		if n += i; i < 0 || len(b)-n <= len(end) {
			return false
		}
		if c := b[n+len(end)]; bytes.EqualFold(b[n:n+len(end)], []byte(end)) && (white(c) || c == '/' || c == '>') {
			if bytes.IndexByte(b[:n], 0) >= 0 {
				return false
			}
			t.sheet = n
			return true
		}
	}
}

// attr reads an attribute with a quoted value, or one of harmless letters.
func (t *tokens) attr(b []byte) (n int, ok bool) {
	n = nameLen(b)
	if n+2 >= len(b) {
		return t.short()
	}
	if n == 0 || b[n] != '=' {
		return 1, false
	}
	a := attribute{key: b[:n]}
	n++
	switch quote := b[n]; {
	case quote == '"' || quote == '\'':
		n++
		end := bytes.IndexByte(b[n:], quote)
		if end < 0 {
			return t.short()
		}
		a.value = b[n : n+end]
		n += end + 1
	default:
		end := n + nameLen(b[n:])
		if end == len(b) {
			return t.short()
		}
		if end == n || !white(b[end]) && b[end] != '>' {
			return 1, false
		}
		a.value = b[n:end]
		n = end
	}
	for _, c := range []byte("\r\x00") {
		if bytes.IndexByte(a.value, c) >= 0 {
			return 1, false
		}
	}
	if bytes.IndexByte(a.value, '&') >= 0 {
		if a.value, ok = unescaped(a.value); !ok {
			return 1, false
		}
	}
	a.key = small(a.key)
	for _, other := range t.attrs {
		if bytes.Equal(other.key, a.key) {
			return 1, false
		}
	}
	t.attrs = append(t.attrs, a)
	return n, true
}

// unescaped is a value without its entities, when these are "&amp;" alone: for
// others attributes have rules of their own.
func unescaped(value []byte) (plain []byte, ok bool) {
	if bytes.Count(value, []byte("&")) != bytes.Count(value, []byte("&amp;")) {
		return nil, false
	}
	return bytes.ReplaceAll(value, []byte("&amp;"), []byte("&")), true
}

// nameLen is how many octets at the beginning of b are those of plain names.
func nameLen(b []byte) int {
	for i, c := range b {
		if !isLetter(c) && !isDigit(c) && c != '-' && c != ':' && c != '_' {
			return i
		}
	}
	return len(b)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// small is b in small letters. When it has none else it is b itself: what it
// was taken from may be read once more, as it stands.
func small(b []byte) []byte {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			return bytes.ToLower(b)
		}
	}
	return b
}

// rawText reports whether raw text follows a start tag.
func rawText(name []byte) bool {
	switch string(name) {
	case "iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp":
		return true
	}
	return false
}
