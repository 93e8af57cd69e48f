package pdf

import (
	"fmt"
	"io"
	"strings"
)

// collected is an Output that keeps everything.
type collected struct {
	text   strings.Builder // pages and all else
	pages  strings.Builder // pages only
	again  strings.Builder
	places []string
	props  map[string]string
	files  map[string]string
	unread []string
	onPage bool
	size   int64
}

func (c *collected) Text(p []byte) error {
	c.text.Write(p)
	if c.onPage {
		c.pages.Write(p)
	}
	c.size += int64(len(p))
	return nil
}

func (c *collected) Section(place string) error {
	c.places = append(c.places, place)
	c.onPage = strings.HasPrefix(place, "page ") && !strings.Contains(place, "annotations")
	return nil
}

func (c *collected) Again(p []byte) error {
	c.again.Write(p)
	c.size += int64(len(p))
	return nil
}

func (c *collected) Property(name, value string) {
	if c.props == nil {
		c.props = map[string]string{}
	}
	c.props[name] = value
}

func (c *collected) Embedded(f File) error {
	if c.files == nil {
		c.files = map[string]string{}
	}
	b, err := io.ReadAll(f.Octets)
	if c.size += int64(len(b)); len(c.files) < 1000 {
		c.files[f.Name] = string(b)
	}
	return err
}

func (c *collected) Unread(why Cause, detail string) {
	c.unread = append(c.unread, fmt.Sprint(why, " ", detail))
}

// all is everything in one string.
func (c *collected) all() string {
	var b strings.Builder
	b.WriteString(c.text.String())
	b.WriteString(c.again.String())
	for n, v := range c.props {
		b.WriteString(n + ": " + v + "\n")
	}
	for n, v := range c.files {
		b.WriteString(n + "\n" + v + "\n")
	}
	return b.String()
}
