package policy

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/mail"
)

// Schema is the version of Facts that this program writes.
const Schema = 1

// Facts is everything that a rule may look at. It is plain data without body
// text, is kept with the audit record, and gives the same verdict again when
// it is read back. Its top-level JSON keys are always written: a key that is
// missing when it is read (an older program did not collect it, or it was
// erased) is a fact that cannot be known.
type Facts struct {
	// Schema is the version of this form.
	Schema int `json:"schema"`
	// Tenant is the tenant's id.
	Tenant string `json:"tenant"`
	// Direction is outbound, inbound or internal.
	Direction Direction `json:"direction"`
	// Kind is the kind of arrival, e.g. "inline-out", "copy", "journal".
	Kind string `json:"kind"`
	// Monitor is set when the message is only watched: nothing can be done
	// to it any more.
	Monitor bool `json:"monitor"`
	// Sender is the reverse-path of the envelope.
	Sender Party `json:"sender"`
	// From lists the authors in the header.
	From []Party `json:"from"`
	// Recipients are the forward-paths, in their order.
	Recipients []Party `json:"recipients"`
	// Subject is personal data: it is erased with the personal part of the
	// record.
	Subject string `json:"subject"`
	// Size is the number of octets of the message.
	Size int64 `json:"size"`
	// Headers holds the values of the fields that the policies ask for
	// (Set.Headers). The keys are in lower case; a name that was looked for
	// and is absent has an empty list; a name without key was not looked for.
	Headers map[string][]string `json:"headers"`
	// Automatic is set for mail that a machine sent (RFC 3834).
	Automatic bool `json:"automatic"`
	// NullSender is set for the reverse-path "<>".
	NullSender bool `json:"null_sender"`
	// Calendar is set for meeting messages.
	Calendar bool `json:"calendar"`
	// OOO is set for out-of-office replies.
	OOO bool `json:"ooo"`
	// Detectors lists the types or detector ids that were looked for; null
	// means all that exist. A finding of a type that is not listed cannot be
	// known.
	Detectors []string `json:"detectors"`
	// Findings are what the detectors found, without samples.
	Findings []Finding `json:"findings"`
	// Labels are the sensitivity labels.
	Labels []Label `json:"labels"`
	// Attachments are the files.
	Attachments []Attachment `json:"attachments"`
	// Unseen is what was not looked at, with the reason.
	Unseen []mail.Unseen `json:"unseen"`
	// Inspected is full, partial or none; when empty it follows from Unseen.
	Inspected string `json:"inspected"`
	// TLS is what the arriving connection proved.
	TLS TLS `json:"tls"`
	// Passes counts how often this message came by, this time not included.
	Passes int `json:"passes"`
	// Now is the time at which the message was judged.
	Now time.Time `json:"now"`
	// Deferrals counts how often this message was deferred already.
	Deferrals int `json:"deferrals"`
	// Deferring is how long ago the first deferral was, in nanoseconds.
	Deferring time.Duration `json:"deferring"`
	// Mailbox is the author in the header: whose mail it is. User is who
	// really sent it, as the field Sender says when it differs (RFC 5322
	// §3.6.2: sent on behalf); otherwise the same as Mailbox. Exchange shows
	// nobody but itself who sends *as* a mailbox.
	Mailbox Party `json:"mailbox"`
	User    Party `json:"user"`
	// Report is set for delivery and read reports, Recall for messages of
	// Exchange's recall, Bulk for mailing lists and newsletters.
	Report bool `json:"report"`
	Recall bool `json:"recall"`
	Bulk   bool `json:"bulk"`
	// Forwarded is set for mail that a machine passed on: an inbox rule, a
	// forwarding mailbox, a sender rewritten with SRS. Redirected is set when
	// it still bears its first author's name.
	Forwarded  bool `json:"forwarded"`
	Redirected bool `json:"redirected"`
	// Visible counts the recipients that everybody sees.
	Visible Visible `json:"visible"`
	// PerPart is set when Finding.Here is filled.
	PerPart bool `json:"per_part"`
	// Auth are the results of checking the sender's domain; nil when nobody
	// checked.
	Auth *Auth `json:"auth"`
	// Directory is the state of the directory that groups and managers come
	// from; nil when there is none.
	Directory *Directory `json:"directory"`
	// Unknown names the top-level keys that cannot be known.
	Unknown []string `json:"unknown,omitempty"`
	// Own says which detectors of the tenant's files, and which lists of
	// terms, were looked for, and what each was made of (Set.Own). A finding
	// of another one cannot be known; null means that nobody says so.
	Own map[string]string `json:"own"`
	// Looked names the built-in detectors and how they were set.
	Looked string `json:"looked"`
	// Other lists, in lower case, the header fields of the message whose
	// values are not in Headers; null means that nobody wrote them down.
	Other []string `json:"other_headers"`
	// Excepted are values among the findings that somebody called not
	// sensitive.
	Excepted []Excepted `json:"excepted"`
}

// Direction is which way a message goes, in the words of policies.
type Direction string

// The directions.
const (
	Outbound Direction = "outbound"
	Inbound  Direction = "inbound"
	Internal Direction = "internal"
)

// Finding is what one detector found in one part.
type Finding struct {
	// Type is the name of the type, e.g. "CREDIT_CARD".
	Type string `json:"type"`
	// Detector is the detector's id, e.g. "credit-card".
	Detector string `json:"detector"`
	// Part is the path of the part, and Name its file name.
	Part string `json:"part"`
	Name string `json:"name,omitempty"`
	// Count is how many were found with exactly this confidence.
	Count int `json:"count"`
	// Confidence is high, medium or low.
	Confidence string `json:"confidence"`
	// Here is how many different values stand in this part, whether or not
	// they stand in others too: Count adds up over the message, Here does not.
	Here int `json:"here,omitempty"`
}

// Label is a sensitivity label.
type Label struct {
	Scheme string `json:"scheme"`
	ID     string `json:"id"`
	// Site is the Entra tenant that a label of Microsoft belongs to.
	Site string `json:"site,omitempty"`
	Name string `json:"name"`
	Part string `json:"part"`
}

// Attachment is a file in the message.
type Attachment struct {
	Name string `json:"name"`
	// Type is the media type by content, in lower case.
	Type string `json:"type"`
	Size int64  `json:"size"`
	// Extension is the last part of the name in lower case, without dot;
	// when it is empty it follows from Name.
	Extension string `json:"extension"`
	Encrypted bool   `json:"encrypted"`
	// Part is its path ("1.2"); "" when it was not kept.
	Part string `json:"part,omitempty"`
	// Parent is the path of the file that it lies in; "" when it lies in the
	// message itself.
	Parent string `json:"parent,omitempty"`
	// Macro says whether it holds macros; nil when that cannot be known.
	Macro *bool `json:"macro,omitempty"`
}

// TLS is what the arriving connection proved.
type TLS struct {
	Used    bool   `json:"used"`
	Version string `json:"version"`
	// Verified is set when the client's certificate is trusted.
	Verified bool `json:"verified"`
	// Name is the first name of a verified certificate.
	Name string `json:"name"`
}

// Copied reports whether the message is a copy (BCC or journal) or only
// watched: it has been delivered already and is never refused.
func (f Facts) Copied() bool {
	return f.Monitor || f.Kind == "copy" || f.Kind == "journal"
}

// Robotic reports whether the sender is no person to talk to.
func (f Facts) Robotic() bool { return f.Automatic || f.NullSender || f.OOO }

// ReadFacts reads Facts of this, an older or a newer schema. What is not
// there, or has a form that this program does not know, is listed in Unknown;
// keys that this program does not know are left out.
func ReadFacts(data []byte) (Facts, error) {
	f, ok := readFast(data)
	if !ok {
		var err error
		if f, err = readSlowly(data); err != nil {
			return f, err
		}
	}
	f.whole()
	return f, nil
}

func readSlowly(data []byte) (Facts, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return Facts{}, fmt.Errorf("policy: facts: %w", err)
	}
	var f Facts
	v := reflect.ValueOf(&f).Elem()
	for i := range v.NumField() {
		key, _, optional := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		raw, ok := keys[key]
		switch {
		case !ok && optional:
		case !ok:
			f.Unknown = append(f.Unknown, key)
		default:
			into := reflect.New(v.Field(i).Type())
			if err := json.Unmarshal(raw, into.Interface()); err != nil {
				f.Unknown = append(f.Unknown, key)
				continue
			}
			if key == "unknown" {
				f.Unknown = append(f.Unknown, into.Elem().Interface().([]string)...)
				continue
			}
			v.Field(i).Set(into.Elem())
		}
	}
	slices.Sort(f.Unknown)
	f.Unknown = slices.Compact(f.Unknown)
	return f, nil
}

// inspected is Inspected, or what follows from Unseen.
func (f *Facts) inspected() string {
	switch {
	case f.Inspected != "":
		return f.Inspected
	case len(f.Unseen) == 0:
		return "full"
	}
	for _, u := range f.Unseen {
		if u.Part == "" {
			return "none"
		}
	}
	return "partial"
}

func (a Attachment) extension() string {
	if a.Extension != "" {
		return strings.ToLower(a.Extension)
	}
	if i := strings.LastIndexByte(a.Name, '.'); i >= 0 {
		return strings.ToLower(a.Name[i+1:])
	}
	return ""
}
