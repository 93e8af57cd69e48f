package detect

// Kind says in what kind of text a window stands.
type Kind string

// The kinds of text.
const (
	Subject    Kind = "subject"
	Header     Kind = "header"
	Body       Kind = "body"
	Attachment Kind = "attachment"
	FileName   Kind = "name"
)

// Sizes of windows, in bytes of folded text.
const (
	// Margin is how much text around its hits a detector sees at least,
	// unless the text begins or ends before.
	Margin = 4 << 10
	// Size is the text of one window without its margins.
	Size = 1 << 20
)

// Source names the text that windows are cut from.
type Source struct {
	Part string
	Name string
	Kind Kind
}

// Window is a piece of text as detectors see it: folded, so that positions
// are not offsets of the original.
type Window struct {
	Source
	// Text is the piece with its margins.
	Text []byte
	// From and To enclose what belongs to this window: a hit that starts
	// outside is reported by a neighbor too, and not counted here.
	From, To int

	digits  []Span
	counted bool
	shared  map[any]any
}

// Shared gives what detectors have in common for this window: the first that
// asks makes it.
func (w *Window) Shared(key any, made func() any) any {
	if v, ok := w.shared[key]; ok {
		return v
	}
	if w.shared == nil {
		w.shared = map[any]any{}
	}
	v := made()
	w.shared[key] = v
	return v
}

// Span is a range of positions in a window.
type Span struct{ Start, End int32 }

// Len is the number of bytes in s.
func (s Span) Len() int { return int(s.End - s.Start) }

// Digits lists the runs of ASCII digits in the window, in order. Several
// detectors begin with it, so that the text is read once for them all.
func (w *Window) Digits() []Span {
	if w.counted {
		return w.digits
	}
	w.counted = true
	w.digits = w.digits[:0]
	text := w.Text
	for i := 0; i < len(text); i++ {
		if text[i]-'0' > 9 {
			continue
		}
		start := i
		for i++; i < len(text) && text[i]-'0' <= 9; i++ {
		}
		w.digits = append(w.digits, Span{int32(start), int32(i)})
	}
	return w.digits
}
