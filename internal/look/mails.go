package look

import (
	"bytes"
	"strconv"
	"strings"

	"postern.dev/postern/internal/mail"
)

// Bounds of mail that is attached as a file.
const (
	maxMails  = 1000 // in one mailbox
	maxLevels = 64   // of parts in parts, counted from the message itself
)

// mails takes apart a file that holds mail: its raw text was looked at, but
// what stands in it may be encoded.
func (w *worker) mails(it item, o *origin, mailbox bool) error {
	missed := func(reason mail.Cause, detail string) error {
		return w.record(record{Unseen: &mail.Unseen{Part: it.Part, Name: it.Name, Reason: reason, Detail: detail}})
	}
	switch {
	case o.over:
		return missed(mail.TooLarge, "the mail in the file is too long to be taken apart")
	case w.depth >= maxDepth, levels(it.Part) >= maxLevels:
		return missed(mail.TooDeep, "mail in mail in mail is not taken apart")
	}
	letters := [][]byte{o.kept}
	if mailbox {
		letters = split(o.kept)
	}
	w.depth++
	defer func() { w.depth-- }()
	for n, octets := range letters {
		if n == maxMails {
			return missed(mail.TooLarge, "the mailbox holds too many mails")
		}
		if err := w.enclosed(it, it.Part+".mail"+strconv.Itoa(n+1), octets); err != nil {
			return err
		}
	}
	return nil
}

// enclosed looks at one mail whose parts are called by path.
func (w *worker) enclosed(it item, path string, octets []byte) error {
	var m *mail.Message
	err := w.step(it.Part, "extract-mail", func() error {
		// Levels are counted over all mails together: where each may nest
		// anew, 90 KB make parts whose numbers alone are megabytes.
		m = mail.Parse(mail.Bytes(octets), mail.Limits{Depth: min(50, maxLevels-levels(path)+1)})
		return nil
	})
	if err != nil || m == nil {
		return err
	}
	named := func(part string) string {
		if part == "" {
			return path
		}
		return path + "." + part
	}
	for inner, content := range items(m, nil) {
		if inner.Kind == itemFields {
			continue // rules and labels are about the mail itself
		}
		inner.Part = named(inner.Part)
		if inner.Follows != "" {
			inner.Follows = named(inner.Follows)
		}
		if err := w.item(inner, content); err != nil {
			return err
		}
	}
	for _, u := range m.Unseen {
		u.Part = named(u.Part)
		if err := w.record(record{Unseen: &u}); err != nil {
			return err
		}
	}
	return nil
}

// levels is how deep a part lies, by its number.
func levels(part string) int { return strings.Count(part, ".") + 1 }

// split parts a mailbox (RFC 4155) into its mails, without the lines between
// them.
func split(box []byte) [][]byte {
	var list [][]byte
	start, empty := -1, true
	for at := 0; at < len(box); {
		end := bytes.IndexByte(box[at:], '\n')
		if end < 0 {
			end = len(box)
		} else {
			end += at + 1
		}
		line := box[at:end]
		if empty && bytes.HasPrefix(line, []byte("From ")) {
			if start >= 0 {
				list = append(list, box[start:at])
			}
			start = end
		}
		empty = len(bytes.TrimRight(line, "\r\n")) == 0
		at = end
	}
	if start >= 0 {
		list = append(list, box[start:])
	}
	return list
}
