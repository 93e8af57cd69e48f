package detect

// Detector finds one kind of thing in text. It keeps nothing between windows
// and may be used by several goroutines.
type Detector interface {
	// ID is the name in findings and catalogues, e.g. "credit-card".
	ID() string
	// Scan calls found for everything in w. What it says of a position may
	// depend only on the text within Margin of it.
	Scan(w *Window, found func(Hit))
}

// Hit is one place where a detector found something.
type Hit struct {
	Type string
	// Detector is the id for findings when a detector finds for several.
	Detector string
	// Start and End are positions in the window's text, End exclusive.
	Start, End int
	Confidence Confidence
	// Score is the sum of the evidence; it decides between overlapping hits
	// of equal confidence.
	Score float64
	// Value is the normalized value: what makes two hits the same thing.
	Value string
	// Why lists the evidence.
	Why []string
	// Aside hits do not compete with others for the same text (the words of
	// a dictionary).
	Aside bool
}

// Found is a hit with its place in the original text.
type Found struct {
	Hit
	// From and To are offsets in bytes of the original text, To exclusive.
	From, To int64
	// Place is where it stands, for people.
	Place Place
}
