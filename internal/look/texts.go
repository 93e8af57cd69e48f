package look

import (
	"io"
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
	list := []Text{}
	for it, content := range items(m) {
		switch it.Kind {
		case itemPart:
			list = append(list, textOf(it, content))
		case itemText:
			if it.Text == detect.FileName {
				continue
			}
			b, _ := io.ReadAll(io.LimitReader(content, maxText))
			list = append(list, Text{
				Part: it.Part, Name: it.Name, Type: "text/x-" + string(it.Text), Text: string(b), Properties: map[string]string{},
			})
		}
	}
	return list
}

// FileText gives the text of a file that is no message.
func FileText(name string, content io.Reader) Text {
	return textOf(item{Kind: itemPart, Part: "1", Name: name, Attachment: true}, content)
}

func textOf(it item, content io.Reader) Text {
	var b strings.Builder
	octets := &origin{r: content}
	reading := extract.Begin(extract.Input{
		Name: it.Name, Declared: it.Type, Charset: it.Charset, Params: it.Params, Octets: octets,
	}, extract.Limits{Text: maxText})
	t := Text{Part: it.Part, Name: it.Name, Properties: map[string]string{}}
	var result extract.Result
	err := guarded(func() (err error) {
		result, err = reading.Finish(&b)
		return err
	})
	t.Type, t.Text = result.Type, strings.ToValidUTF8(b.String(), "\uFFFD")
	for k, v := range result.Properties {
		t.Properties[k] = v
	}
	switch {
	case len(result.Unseen) > 0:
		t.Unseen = result.Unseen[0].Reason
	case err != nil:
		t.Unseen = mail.EngineFailed
	case octets.failed:
		t.Unseen = mail.Malformed
	}
	return t
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
