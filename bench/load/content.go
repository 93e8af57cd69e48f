package load

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"
)

// content looks at what the sink receives. It keeps the header, and of a
// mail without X-Load the beginning of its body, to see what it is about.
type content struct {
	head   []byte // the header while it comes, then the beginning of the body
	header []byte // the whole header, once it is here
	hash   hash.Hash
	logged bool
	mark   string
	count  string
	id     string
	n      int
	size   int64
	keep   bool
	all    []byte
	idle   bool // nothing is to be looked at
}

const (
	mostHeader = 1 << 20
	mostAbout  = 256 << 10
)

func (s *Sink) content() *content {
	c := &content{count: s.Count, logged: s.Log != nil, keep: s.OnContent != nil}
	if c.logged {
		c.hash = sha256.New()
	}
	c.idle = !c.logged && !c.keep && c.count == "" && s.Answer == nil
	return c
}

// drop lets go of what was kept.
func (c *content) drop() { c.head, c.header, c.all = nil, nil, nil }

func (c *content) write(b []byte) {
	c.size += int64(len(b))
	if c.idle || len(b) == 0 {
		return
	}
	if c.keep {
		c.all = append(c.all, b...)
	}
	if c.header != nil {
		c.body(b)
		return
	}
	from := max(0, len(c.head)-3)
	c.head = append(c.head, b...)
	end := bytes.Index(c.head[from:], []byte("\r\n\r\n"))
	switch {
	case bytes.HasPrefix(c.head, []byte("\r\n")):
		c.split(0)
	case end >= 0:
		c.split(from + end + 2)
	case len(c.head) > mostHeader:
		c.split(len(c.head))
	}
}

// split reads the header, which ends at end.
func (c *content) split(end int) {
	all := c.head
	c.header, c.head = all[:end:end], nil
	if c.count != "" {
		c.mark = value(c.header, c.count)
	}
	start := 0
	if at, ok := marker(c.header); ok {
		start = at
		c.n, _ = strconv.Atoi(value(c.header[at:], "X-Load"))
	}
	c.id = value(c.header[start:], "Message-ID")
	if c.hash != nil {
		c.hash.Write(c.header[start:])
	}
	c.body(all[end:])
}

// marker is where the X-Load field stands.
func marker(header []byte) (int, bool) {
	const name = "X-Load:"
	if bytes.HasPrefix(header, []byte(name)) {
		return 0, true
	}
	i := bytes.Index(header, []byte("\r\n"+name))
	return i + 2, i >= 0
}

func (c *content) body(b []byte) {
	if c.hash != nil {
		c.hash.Write(b)
	}
	if c.logged && c.n == 0 && len(c.head) < mostAbout {
		c.head = append(c.head, b[:min(len(b), mostAbout-len(c.head))]...)
	}
}

// finish takes what came as a whole, also when it has no body.
func (c *content) finish() {
	if c.header == nil && !c.idle {
		c.split(len(c.head))
	}
}

func (c *content) sum() string { return hex.EncodeToString(c.hash.Sum(nil)) }

// about reads what a report says, from the lines of its parts.
func (c *content) about() *About {
	if c.n != 0 {
		return nil
	}
	var a About
	for line := range bytes.SplitSeq(c.head, []byte("\r\n")) {
		name, text, ok := strings.Cut(string(line[:min(len(line), 998)]), ":")
		if !ok {
			continue
		}
		text = strings.TrimSpace(text)
		switch strings.ToLower(name) {
		case "message-id", "x-original-message-id", "original-message-id":
			if a.ID == "" {
				a.ID = text
			}
		case "final-recipient":
			if _, address, ok := strings.Cut(text, ";"); ok {
				a.To = append(a.To, strings.TrimSpace(address))
			}
		case "action":
			if a.Action == "" {
				a.Action = text
			}
		}
	}
	if a.ID == "" {
		a.ID = value(c.header, "References")
	}
	if a.ID == "" {
		a.ID = value(c.header, "In-Reply-To")
	}
	if a.ID == "" && a.To == nil {
		return nil
	}
	return &a
}
