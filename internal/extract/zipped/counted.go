package zipped

import "io"

// Counted is the content of an entry within a room that the entries of a
// document share. What is too much and what is damaged ends it, and is noted:
// what came before counts.
type Counted struct {
	Reader io.Reader
	// Room is how many octets are left.
	Room *int64
	// Note takes a cause and a sentence.
	Note func(cause, sentence string)
}

// Read implements io.Reader.
func (c *Counted) Read(b []byte) (int, error) {
	if *c.Room <= 0 {
		c.Note("too-large", "the parts of the document are larger than what is read")
		return 0, io.EOF
	}
	n, err := c.Reader.Read(b)
	*c.Room -= int64(n)
	if err != nil && err != io.EOF {
		c.Note("malformed", "a part of the document is damaged")
		err = io.EOF
	}
	return n, err
}
