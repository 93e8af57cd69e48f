package load

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Variation says in what the messages of a template differ.
type Variation struct {
	// Mark puts X-Load in front and gives each message its own Message-ID.
	Mark bool
	// Words replaces some words of the text part by others as long.
	Words bool
	// Violate is how many percent of the messages carry three card numbers.
	Violate int
	// Front are header lines that stand before all others.
	Front []byte
	// Run is part of each Message-ID, so that two runs differ.
	Run string
	// Seed makes the same messages again.
	Seed uint64
}

// Template makes the messages of a load out of one.
type Template struct {
	vary         Variation
	id           string // the original's
	clean, dirty []piece
}

// piece is a run of octets that is the same in all messages, or a place.
type piece struct {
	raw, wire []byte // wire is raw with dots stuffed
	place     place
	size      int // of a word
}

type place int

const (
	fixed place = iota
	number
	identity
	word
	card
)

// NewTemplate reads a message with LF or CRLF.
func NewTemplate(content []byte, v Variation) (*Template, error) {
	content = crlf(content)
	t := &Template{vary: v, id: messageID(content)}
	var places []spot
	if v.Mark {
		content = append([]byte("X-Load: \r\n"), withMessageID(content)...)
		places = append(places, spot{8, 8, piece{place: number}})
		at, end := idValue(content)
		places = append(places, spot{at, end, piece{place: identity}})
	}
	from, to, ok := textPart(content)
	if v.Words && ok {
		places = append(places, words(content, from, to)...)
	}
	if v.Violate > 0 && !ok {
		return nil, errors.New("load: no text part in the clear for the card numbers")
	}
	t.clean = cut(content, v.Front, places)
	t.dirty = t.clean
	if v.Violate > 0 {
		for range 3 {
			places = append(places, spot{from, from, piece{raw: []byte("Please charge my credit card number ")}},
				spot{from, from, piece{place: card}}, spot{from, from, piece{raw: []byte(" for the travel.\r\n")}})
		}
		t.dirty = cut(content, v.Front, places)
	}
	return t, nil
}

// spot is a piece that stands for content[from:to].
type spot struct {
	from, to int
	piece
}

func cut(content, front []byte, spots []spot) []piece {
	spots = slices.Clone(spots)
	slices.SortStableFunc(spots, func(a, b spot) int { return a.from - b.from })
	var list []piece
	text := slices.Clone(front)
	at := 0
	flush := func() {
		if len(text) > 0 {
			list = append(list, piece{raw: text})
		}
		text = nil
	}
	for _, s := range spots {
		text = append(text, content[at:s.from]...)
		at = s.to
		if s.place == fixed {
			text = append(text, s.raw...)
			continue
		}
		flush()
		list = append(list, s.piece)
	}
	text = append(text, content[at:]...)
	flush()
	for i, p := range list {
		if p.place == fixed {
			list[i].wire = stuff(p.raw, i == 0)
		}
	}
	return list
}

// stuff doubles the dots at the beginning of lines. It returns raw itself
// when there are none.
func stuff(raw []byte, start bool) []byte {
	if !bytes.Contains(raw, []byte("\n.")) && !(start && bytes.HasPrefix(raw, []byte("."))) {
		return raw
	}
	out := bytes.ReplaceAll(raw, []byte("\r\n."), []byte("\r\n.."))
	if start && out[0] == '.' {
		out = append([]byte("."), out...)
	}
	return out
}

// Message is one message of a template.
type Message struct {
	N        int
	ID       string
	Violates bool
	raw      [][]byte
	wire     [][]byte
	front    int // octets of the first raw piece that are not in the sum
}

// Message makes message number n, from 1.
func (t *Template) Message(n int) Message {
	m := Message{N: n, ID: t.id, Violates: n*t.vary.Violate%100 < t.vary.Violate, front: len(t.vary.Front)}
	list := t.clean
	if m.Violates {
		list = t.dirty
	}
	m.raw, m.wire = make([][]byte, len(list)), make([][]byte, len(list))
	if t.vary.Mark {
		m.ID = "<" + t.vary.Run + "." + strconv.Itoa(n) + "@load.example>"
	}
	var dice *rand.Rand
	if t.vary.Words || m.Violates {
		dice = rand.New(rand.NewPCG(t.vary.Seed, uint64(n)))
	}
	for i, p := range list {
		switch p.place {
		case fixed:
			m.raw[i], m.wire[i] = p.raw, p.wire
			continue
		case number:
			m.raw[i] = strconv.AppendInt(nil, int64(n), 10)
		case identity:
			m.raw[i] = []byte(m.ID)
		case word:
			m.raw[i] = wordOf(p.size, dice)
		case card:
			m.raw[i] = cardNumber(dice)
		}
		m.wire[i] = m.raw[i]
	}
	return m
}

// Size is the length of the content.
func (m Message) Size() (n int) {
	for _, p := range m.raw {
		n += len(p)
	}
	return n
}

// Content is the message as it is meant, without dots stuffed.
func (m Message) Content() []byte { return bytes.Join(m.raw, nil) }

// Sum is the SHA-256 of the content from the X-Load field on.
func (m Message) Sum() string {
	h := sha256.New()
	skip := m.front
	for _, p := range m.raw {
		n := min(skip, len(p))
		skip -= n
		h.Write(p[n:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// crlf is content with CRLF line ends and an end of the last line.
func crlf(content []byte) []byte {
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	content = bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n"))
	if !bytes.HasSuffix(content, []byte("\r\n")) {
		content = append(content, "\r\n"...)
	}
	return content
}

func headerEnd(content []byte) int {
	if bytes.HasPrefix(content, []byte("\r\n")) {
		return 0
	}
	if i := bytes.Index(content, []byte("\r\n\r\n")); i >= 0 {
		return i + 2
	}
	return len(content)
}

// field finds the value of a header field, folding included.
func field(header []byte, name string) (from, to int, ok bool) {
	for at := 0; at < len(header); {
		end := at + lineLength(header[at:])
		if len(header)-at > len(name) && header[at+len(name)] == ':' && strings.EqualFold(string(header[at:at+len(name)]), name) {
			from = at + len(name) + 1
			for end < len(header) && (header[end] == ' ' || header[end] == '\t') {
				end += lineLength(header[end:])
			}
			return from, end, true
		}
		at = end
	}
	return 0, 0, false
}

func lineLength(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

func value(header []byte, name string) string {
	from, to, ok := field(header, name)
	if !ok {
		return ""
	}
	return strings.Join(strings.Fields(string(header[from:to])), " ")
}

func messageID(content []byte) string { return value(content[:headerEnd(content)], "Message-ID") }

// withMessageID is content with a Message-ID field.
func withMessageID(content []byte) []byte {
	if _, _, ok := field(content[:headerEnd(content)], "Message-ID"); ok {
		return content
	}
	return append([]byte("Message-ID: <none>\r\n"), content...)
}

// idValue is where the value of the Message-ID field stands, without the
// space around it.
func idValue(content []byte) (from, to int) {
	from, to, _ = field(content[:headerEnd(content)], "Message-ID")
	for from < to && strings.IndexByte(" \t\r\n", content[from]) >= 0 {
		from++
	}
	for to > from && strings.IndexByte(" \t\r\n", content[to-1]) >= 0 {
		to--
	}
	return from, to
}

// textPart finds the octets of the first text/plain part that is not in
// base64.
func textPart(content []byte) (from, to int, ok bool) {
	for at := 0; at < len(content); {
		head := at + headerEnd(content[at:])
		header := content[at:head]
		kind := strings.ToLower(value(header, "Content-Type"))
		body := min(head+2, len(content))
		end := len(content)
		if i := bytes.Index(content[body:], []byte("\r\n--")); i >= 0 && at > 0 {
			end = body + i + 2
		}
		open := !strings.EqualFold(value(header, "Content-Transfer-Encoding"), "base64")
		if open && (strings.HasPrefix(kind, "text/plain") || kind == "" && at == 0) {
			return body, end, true
		}
		i := bytes.Index(content[max(0, body-2):], []byte("\r\n--"))
		if i < 0 {
			return 0, 0, false
		}
		at = max(0, body-2) + i + 2
		at += lineLength(content[at:])
	}
	return 0, 0, false
}
