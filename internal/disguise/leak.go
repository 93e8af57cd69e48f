package disguise

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern.dev/postern/internal/look"
	"postern.dev/postern/internal/mail"
)

// ErrLeft says that a value which was found could not be replaced.
var ErrLeft = errors.New("disguise: something that was found could not be replaced; nothing is written")

// leaks searches the made message for what was replaced. A part in which
// something is left is made again as its text; what then is left is an error.
func (w *work) leaks() error {
	w.shut = map[string]bool{}
	for range 2 {
		left := w.left()
		if len(left) == 0 {
			return nil
		}
		for part := range left {
			w.shut[part] = true
		}
		w.write()
	}
	if left := w.left(); len(left) > 0 {
		return fmt.Errorf("%w: in %d parts of the message", ErrLeft, len(left))
	}
	return nil
}

// left lists the parts in which a value is left, and "" for the octets.
func (w *work) left() map[string]bool {
	found := map[string]bool{}
	holds := func(text string) bool {
		compact := normal(text)
		return slices.ContainsFunc(w.made.originals, func(v string) bool {
			n := normal(v)
			return n != "" && (len(n) >= 6 && strings.Contains(compact, n) || strings.Contains(text, v))
		}) || w.address(text)
	}
	if holds(string(w.made.Octets)) {
		found[""] = true
	}
	for _, t := range look.Texts(mail.Parse(mail.Bytes(w.made.Octets), mail.Limits{})) {
		text := t.Text + "\n" + t.Name
		for _, v := range t.Properties {
			text += "\n" + v
		}
		if holds(text) {
			found[t.Part] = true
		}
	}
	return found
}

// address reports whether an address is left that was replaced.
func (w *work) address(text string) bool {
	lower := strings.ToLower(text)
	for a, to := range w.swapper.people.to {
		if a != strings.ToLower(to) && strings.Contains(lower, a) {
			return true
		}
	}
	return false
}
