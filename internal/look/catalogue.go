package look

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"runtime/debug"
	"sync"

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

// Version names the built-in detectors of this program: another one may find
// something else in the same message.
func Version() string { return versionOnce() }

var versionOnce = func() func() string {
	return sync.OnceValue(func() string {
		built := ""
		if info, ok := debug.ReadBuildInfo(); ok {
			built = info.Main.Version
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					built += " " + s.Value
				}
			}
		}
		text, _ := json.Marshal([]any{built, Entries()}) // plain data: it cannot fail
		sum := sha256.Sum256(text)
		return hex.EncodeToString(sum[:6])
	})
}()
