package web

import (
	"fmt"

	"postern.dev/postern/internal/visible"
)

// run is a piece of a text that came from mail. Mark is "" for text as it is;
// else Text is a visible mark and Mark says what it stands for. Cut is the
// mark of an end that is not shown.
type run struct {
	Text, Mark string
	Cut        bool
}

// seen is a text from mail with marks that say what they stand for. Escaping
// is the template's.
func seen(s string, limit int) []run {
	var runs []run
	for _, r := range visible.Runs(s, limit) {
		runs = append(runs, run{r.Text, meaning(r), r.Kind == visible.Cut})
	}
	return runs
}

func meaning(r visible.Run) string {
	switch r.Kind {
	case visible.NotUTF8:
		return "an octet that is not UTF-8"
	case visible.Control:
		return "a control character"
	case visible.Direction:
		return "a character that turns the direction of writing"
	case visible.NoWidth:
		return "a character without width"
	case visible.Unseen:
		return "a character that one cannot see"
	case visible.Cut:
		return fmt.Sprintf("%s more characters, not shown", grouped(r.Rest))
	}
	return ""
}

// flat is a text without markup, for titles and attributes.
func flat(s string, limit int) string { return visible.Flat(s, limit) }
