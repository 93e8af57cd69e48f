package public

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/spool"
)

// Bounds of what is shown of a mail.
const (
	maxLetter = 256 << 10 // octets of its text
	maxBlocks = 100_000   // characters that are shown of it
)

// preview is the page around a mail.
type preview struct {
	*matter
	Whole bool
	// Text is the redacted text, Inner the whole mail and Frame the document
	// around it; Cut is set when there is more.
	Text  []run
	Inner template.HTML
	Frame string
	Cut   bool
	Gone  bool
}

// Reading is somebody's wish to look into a held mail.
type Reading struct {
	Message string
	Person  quarantine.Person
	// Whole is set for the mail as it is; else what was found is blotted out.
	Whole bool
}

// Look is one look into a mail, as its sender sees it.
type Look struct {
	By    string
	At    time.Time
	Whole bool
	// Emergency is set for a step of two administrators who agree.
	Emergency bool
}

// lookInto shows a mail: with what was found blotted out, or whole. Read has it
// in the record, where the sender sees it, before it gives out anything.
func (v *visit) lookInto(w http.ResponseWriter, whole bool) error {
	m, ok, err := v.matter(v.r.Context())
	if err != nil {
		return err
	}
	if !ok {
		return v.answer(w, http.StatusForbidden, "", "", "")
	}
	p := preview{matter: m, Whole: whole}
	body, err := v.Read(v.r.Context(), Reading{Message: v.message, Person: m.reader(), Whole: whole})
	switch {
	case quarantine.WhyOf(err) != "":
		return v.answer(w, http.StatusForbidden, "no_"+string(quarantine.WhyOf(err)), "bad", "")
	case errors.Is(err, spool.ErrGone) || errors.Is(err, spool.ErrNotFound):
		p.Gone = true
	case err != nil:
		return err
	default:
		defer body.Close()
		p.read(body)
	}
	v.show(w, http.StatusOK, "preview", v.page("title_preview", "", "", p))
	return nil
}

// read makes of a mail what is shown of it.
func (p *preview) read(body mail.Body) {
	v := p.v
	text, html := readable(body)
	switch {
	case !p.Whole:
		p.Text = v.text(v.Redact(v.tenant, text), maxBlocks)
		keepLines(p.Text)
		return
	case html != "":
		p.Inner, p.Cut = harmless(html)
	default:
		p.Inner, p.Cut = plainHTML(text)
	}
	var b bytes.Buffer
	err := v.templates.ExecuteTemplate(&b, "letter", page{lang: v.speech, Title: v.speech.say("look_frame"), Data: p})
	if err != nil {
		panic(err) // a mistake in the template, which the tests fill
	}
	p.Frame = b.String()
}

// keepLines gives a text its line breaks back, which are no hidden characters
// in a text of several lines.
func keepLines(list []run) {
	for i := range list {
		switch list[i].Text {
		case "[U+000A]":
			list[i] = run{Text: "\n"}
		case "[U+0009]":
			list[i] = run{Text: "\t"}
		case "[U+000D]":
			list[i] = run{}
		}
	}
}

// ReadableText is what a person reads of a mail, as text alone.
func ReadableText(body mail.Body) string {
	text, _ := readable(body)
	return text
}

// readable is what a person reads of a mail: its first text, and its first HTML
// where there is one. Of a mail with HTML only, text is made of that.
func readable(body mail.Body) (text, html string) {
	m := mail.Parse(body, mail.Limits{Depth: 20, Parts: 1000})
	for _, p := range m.Leaves() {
		if p.Attachment() || p.Hidden {
			continue
		}
		switch {
		case p.Type == "text/html" && html == "":
			html = partText(p)
		case (p.Type == "text/plain" || p.Type == "") && text == "":
			text = partText(p)
		}
	}
	if text == "" {
		text = textOf(html)
	}
	return text, html
}

func partText(p *mail.Part) string {
	r, _ := p.Text()
	data, _ := io.ReadAll(io.LimitReader(r, maxLetter)) // what could be read is shown
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

// plainHTML is a text as paragraphs.
func plainHTML(text string) (template.HTML, bool) {
	cut := utf8.RuneCountInString(text) > maxBlocks
	if cut {
		text = string([]rune(text)[:maxBlocks])
	}
	return template.HTML("<pre>" + escaped(text) + "</pre>"), cut
}

func octets(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// Masked is a text in which the given places, and every number of four figures
// or more, are blotted out: what is left does not tell a value.
func Masked(text string, places [][2]int) string {
	hide := make([]bool, len(text))
	for _, p := range places {
		for i := max(0, p[0]); i < min(p[1], len(text)); i++ {
			hide[i] = true
		}
	}
	for at := 0; at < len(text); {
		end, figures := at, 0
		for end < len(text) && (isFigure(text[end]) || figures > 0 && strings.IndexByte(" .-/", text[end]) >= 0) {
			if isFigure(text[end]) {
				figures++
			}
			end++
		}
		for i := at; figures >= 4 && i < end; i++ {
			hide[i] = hide[i] || isFigure(text[i])
		}
		at = max(end, at+1)
	}
	var b strings.Builder
	for i, r := range text {
		if slices.Contains(hide[i:min(i+utf8.RuneLen(max(r, 0)), len(text))], true) && r != '\n' && r != '\r' {
			b.WriteRune('•')
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isFigure(c byte) bool { return c >= '0' && c <= '9' }

// Opened is a mail that is read.
type Opened interface {
	mail.Body
	io.Closer
}
