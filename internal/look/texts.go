package look

import (
	"io"
	"slices"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/extract"
	"postern.dev/postern/internal/mail"
)

// Text is what the detectors see of one part, for people who want to know.
type Text struct {
	Part       string            `json:"part"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Text       string            `json:"text"`
	Properties map[string]string `json:"properties"`
	// Unseen is the first cause for which something is missing; "" when
	// everything was read.
	Unseen mail.Cause `json:"unseen"`
}

// maxText bounds one text that is shown.
const maxText = 64 << 20

// Texts gives the text of every part of a message, in this process.
func Texts(m *mail.Message) []Text {
	return shown(func(w *worker) {
		for it, content := range items(m, nil) {
			_ = w.item(it, content) // nothing here can stop it
		}
	})
}

// FileText gives the text of a file that is no message, and of the files
// inside it. Passwords are tried where it is encrypted.
func FileText(name string, content io.Reader, passwords []string) []Text {
	return shown(func(w *worker) {
		w.set.passwords = passwords
		_ = w.part(item{Kind: itemPart, Part: "1", Name: name, Text: detect.Attachment, Attachment: true}, content)
	})
}

// shown collects the texts that work comes across.
func shown(work func(*worker)) []Text {
	list := []Text{}
	unseen := map[string]mail.Cause{}
	w := newWorker(request{Text: maxText, MessageText: 4 * maxText}, &set{}, outlet{
		step: func(extract.Step) error { return nil },
		record: func(r record) error {
			if r.Unseen != nil && unseen[r.Unseen.Part] == "" {
				unseen[r.Unseen.Part] = r.Unseen.Reason
			}
			return nil
		},
	})
	w.show = func(it item, r extract.Result, text string) {
		t := Text{
			Part: it.Part, Name: it.Name, Type: r.Type, Text: strings.ToValidUTF8(text, "\uFFFD"),
			Properties: map[string]string{},
		}
		for k, v := range r.Properties {
			t.Properties[k] = v
		}
		list = append(list, t)
	}
	work(w)
	for i := range list {
		if strings.HasPrefix(list[i].Type, "text/x-") {
			continue
		}
		list[i].Unseen = unseen[list[i].Part]
	}
	slices.SortStableFunc(list, func(a, b Text) int { return byPath(a.Part, b.Part) })
	return list
}

// byPath orders parts as a reader comes across them: "1.2" before "1.2.1"
// before "1.10".
func byPath(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if x == y {
			continue
		}
		if figures(x) && figures(y) && len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	}
	return len(a) - len(b)
}

// figures reports whether s is a number, as it stands in paths: short, and
// without zeros in front.
func figures(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

// Place is where something stands in a text, for postern detect.
type Place struct {
	Type string `json:"type"`
	// Start and End are offsets in bytes of the text, End exclusive.
	Start      int64             `json:"start"`
	End        int64             `json:"end"`
	Confidence detect.Confidence `json:"confidence"`
}

// DetectText runs detectors over a text, in this process. Overlapping
// candidates are resolved: the surest stays.
func DetectText(text string, detectors []detect.Detector) []Place {
	list := []Place{}
	s := detect.Stream{
		Source: detect.Source{Kind: detect.Body}, Detectors: detectors,
		Found: func(f detect.Found) {
			list = append(list, Place{f.Type, f.From, f.To, f.Confidence})
		},
	}
	_, _ = s.Write([]byte(text)) // without Step a stream cannot fail
	_ = s.Close()
	return list
}
