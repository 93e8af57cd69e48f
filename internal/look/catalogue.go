package look

import (
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
	"postern.dev/postern/internal/detect/secret"
)

// Entry describes a built-in detector.
type Entry = dlp.Entry

// Entries lists the built-in detectors: identifiers by id, then secrets.
func Entries() []Entry {
	list := dlp.Entries()
	for _, e := range secret.Entries() {
		list = append(list, Entry(e))
	}
	return list
}

// Detectors makes the detectors for text that c wants, for a single use.
func Detectors(c detect.Catalogue) []detect.Detector { return detectors(dlp.NewBase(), c) }

func detectors(b *dlp.Base, c detect.Catalogue) []detect.Detector {
	return append(b.Detectors(c), secret.Detectors(c)...)
}

// Validate says whether value is a valid instance of a type; known is false
// when nothing can say so.
func Validate(kind, value string) (valid, known bool) {
	if valid, known = dlp.Validate(kind, value); known {
		return valid, known
	}
	return secret.Validate(kind, value)
}
