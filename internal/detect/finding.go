package detect

import (
	"fmt"

	"postern.dev/postern/internal/mail"
)

// Confidence is how sure a detector is, on the scale that administrators know
// from Purview. The zero value is no finding.
type Confidence uint8

// The three levels.
const (
	Low    Confidence = 65
	Medium Confidence = 75
	High   Confidence = 85
)

// String is the name of a level as it stands in JSON and in policies.
func (c Confidence) String() string {
	switch c {
	case Low:
		return "low"
	case Medium:
		return "medium"
	case High:
		return "high"
	}
	return "none"
}

// MarshalText implements encoding.TextMarshaler.
func (c Confidence) MarshalText() ([]byte, error) {
	if !c.valid() {
		return nil, fmt.Errorf("detect: no confidence %d", c)
	}
	return []byte(c.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Confidence) UnmarshalText(b []byte) error {
	for _, level := range []Confidence{Low, Medium, High} {
		if string(b) == level.String() {
			*c = level
			return nil
		}
	}
	return fmt.Errorf("detect: no confidence %q", b)
}

func (c Confidence) valid() bool { return c == Low || c == Medium || c == High }

// Finding says that a detector found something in one part. There is one per
// type, part and confidence.
type Finding struct {
	// Type is what was found, e.g. "CREDIT_CARD".
	Type string `json:"type"`
	// Detector is the id of the detector, e.g. "credit-card".
	Detector string `json:"detector"`
	// Part is the path of the part ("1.2"); "" for the message's header.
	Part string `json:"part"`
	// Name is the file name of the part when it has one.
	Name string `json:"name,omitempty"`
	// Kind says in what kind of text it stands.
	Kind Kind `json:"kind,omitempty"`
	// Count is the number of different values; a value counts once, at the
	// highest confidence that it had.
	Count int `json:"count"`
	// Confidence is that of each value counted here.
	Confidence Confidence `json:"confidence"`
	// Sample is the first value, masked (see Mask).
	Sample string `json:"sample,omitempty"`
	// Offset is where that value begins, in bytes of the part's text.
	Offset int64 `json:"offset"`
	// Place is where it stands, for people: "line 12", "page 3", "sheet 2
	// (Salaries), cell B7".
	Place string `json:"place,omitempty"`
	// Why lists the evidence for the sample.
	Why []string `json:"why,omitempty"`
	// Excepted counts the values among Count that somebody called not
	// sensitive, by the ids of the exceptions.
	Excepted []Except `json:"excepted,omitempty"`
	// Values are shown to a person who chooses one to except; they are never
	// recorded.
	Values []Shown `json:"-"`
}

// Label is a sensitivity label or a classification mark.
type Label struct {
	// Scheme is "msip" for Microsoft's labels.
	Scheme string `json:"scheme"`
	// ID is the label's GUID, lower case.
	ID string `json:"id"`
	// SiteID is the Entra tenant that the label belongs to, lower case.
	SiteID string `json:"site_id,omitempty"`
	Name   string `json:"name,omitempty"`
	// Part is where it stands; "" for the message's header.
	Part string `json:"part"`
	// ContentBits is a bit mask: 1 header, 2 footer, 4 watermark, 8 encrypted.
	ContentBits int `json:"content_bits,omitempty"`
	// Method is "Standard" (automatic) or "Privileged" (set by a person).
	Method string `json:"method,omitempty"`
}

// PartInfo describes a part that was come across, seen or not.
type PartInfo struct {
	Part string `json:"part"`
	Name string `json:"name,omitempty"`
	// Type is the media type by content; Declared what the header says.
	Type     string `json:"type"`
	Declared string `json:"declared,omitempty"`
	// Attachment is false for a body text.
	Attachment bool `json:"attachment,omitempty"`
	// Size is the number of octets without transfer encoding.
	Size int64 `json:"size"`
	// SHA256 is their hash in hexadecimal.
	SHA256 string `json:"sha256,omitempty"`
	// TextBytes is how much text (UTF-8) was looked at.
	TextBytes int64 `json:"text_bytes"`
	// Macros is set when macros (VBA, Basic) were read in it.
	Macros bool `json:"macros,omitempty"`
}

// Total is the number of different values of a type over the whole message:
// a value that stands in two parts counts once, at its highest confidence.
type Total struct {
	Type   string `json:"type"`
	High   int    `json:"high"`
	Medium int    `json:"medium"`
	Low    int    `json:"low"`
	// BodyHigh, BodyMedium and BodyLow are those of the texts that are no
	// attachments: a value in both text and HTML counts once.
	BodyHigh   int `json:"body_high,omitempty"`
	BodyMedium int `json:"body_medium,omitempty"`
	BodyLow    int `json:"body_low,omitempty"`
	// Excepted are those of them that somebody called not sensitive,
	// BodyExcepted those in the texts that are no attachments.
	Excepted     []Except `json:"excepted,omitempty"`
	BodyExcepted []Except `json:"body_excepted,omitempty"`
}

// Report is everything that looking at one message gave.
type Report struct {
	Findings []Finding     `json:"findings"`
	Totals   []Total       `json:"totals"`
	Labels   []Label       `json:"labels"`
	Parts    []PartInfo    `json:"parts"`
	Unseen   []mail.Unseen `json:"unseen"`
}

// Inspected is "full" when everything was looked at, "none" when there was
// something and no text of it was, else "partial".
func (r Report) Inspected() string {
	if len(r.Unseen) == 0 {
		return "full"
	}
	for _, p := range r.Parts {
		if p.TextBytes > 0 {
			return "partial"
		}
	}
	return "none"
}

// Reasons lists the causes in r.Unseen, each once, in the contract's order.
func (r Report) Reasons() []mail.Cause {
	var list []mail.Cause
	for _, c := range mail.Causes() {
		for _, u := range r.Unseen {
			if u.Reason == c {
				list = append(list, c)
				break
			}
		}
	}
	return list
}
