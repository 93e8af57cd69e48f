package audit

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/mail"
)

// Records and events are read by encoding/json, and the hash of an event is
// taken over what encoding/json makes of it.
func FuzzRecordsAndEventsAreTheJSONOfEncodingJSON(f *testing.F) {
	f.Add("anna@contoso.example", "<1@a>", "Übung & \xff \u2028", int64(1795456812533215611), true)
	f.Add("", "", "", int64(0), false)
	f.Fuzz(func(t *testing.T, a, b, c string, n int64, full bool) {
		at := time.Unix(n>>30, n&0xfffffff).UTC()
		m := Message{ID: a, Tenant: b, From: mail.Address(a), MessageID: b, Subject: c, Received: at, Size: n}
		m.Did(a, c, at)
		if full {
			m.Recipients = []Recipient{{Address: mail.Address(b), Rules: []string{a, c}, Reply: mail.NewReply(250, b, c), At: at}, {}}
			m.Parts = []Part{{Path: a, Name: b, Type: c, Size: n, Attachment: true}}
			m.Findings = []detect.Finding{{Type: a, Confidence: detect.High, Why: []string{b}, Offset: n}}
			m.Labels, m.Unseen = []detect.Label{{ID: a}}, []mail.Unseen{{Part: a, Detail: c}}
			m.Forged, m.Evidence, m.Erased = []string{c}, at, true
		}
		want, wrong := json.Marshal(m)
		got, err := m.AppendJSON(nil)
		if (err != nil) != (wrong != nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%v %v\n%s\n%s", err, wrong, got, want)
		}
		l := link{tenant: a, seq: n, at: n, kind: b, actor: c, message: a}
		if full {
			l.public, _ = canonical(want)
		}
		want, wrong = json.Marshal(struct {
			Tenant  string          `json:"tenant"`
			Seq     int64           `json:"seq"`
			At      int64           `json:"at"`
			Kind    string          `json:"kind"`
			Actor   string          `json:"actor"`
			Message string          `json:"message"`
			Public  json.RawMessage `json:"public,omitempty"`
		}{l.tenant, l.seq, l.at, l.kind, l.actor, l.message, json.RawMessage(l.public)})
		if wrong != nil || !bytes.Equal(l.text(), want) {
			t.Fatalf("%v\n%s\n%s", wrong, l.text(), want)
		}
	})
}
