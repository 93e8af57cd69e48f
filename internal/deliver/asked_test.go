package deliver

import (
	"slices"
	"testing"

	"postern.dev/postern/internal/mail"
)

// tell opens a transaction over a host that pipelines and knows no chunks.
func tell(t *testing.T, answers map[string]string, to ...string) (*world, *fake, *Transaction) {
	t.Helper()
	f := &fake{offers: []string{"PIPELINING", "8BITMIME"}, answers: answers}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	tx, err := w.Open(t.Context(), routeTo("1"), envelope(to...), outgoing("a\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return w, f, tx
}

func TestDATAGoesWithTheEnvelopeOfASingleRecipient(t *testing.T) {
	w, f, tx := tell(t, nil, "b@y.example")
	if got := f.told("DATA"); len(got) != 1 || len(f.got()) != 0 {
		t.Errorf("before Send: %v, %d messages", got, len(f.got()))
	}
	if r := tx.Send(t.Context()); !r.Ok() || len(f.told("DATA")) != 1 || len(f.got()) != 1 {
		t.Errorf("%v; told %v", r, f.told(""))
	}
	send(t, w, routeTo("1"))
	if len(w.dials) != 1 {
		t.Errorf("%d connections", len(w.dials))
	}
}

func TestDATAWaitsWhereTheMessageMayBeGivenUp(t *testing.T) {
	_, f, tx := tell(t, nil, "a@y.example", "b@y.example")
	defer tx.Close()
	if got := f.told("DATA"); len(got) != 0 {
		t.Errorf("to two recipients: told %v", got)
	}
	f = &fake{offers: []string{"PIPELINING"}}
	w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
	e := envelope("a@y.example")
	e.To[0].Notify = mail.NotifySuccess
	tx, err := w.Open(t.Context(), routeTo("1"), e, outgoing("a\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	tx.Reset() // a report about success is ours to write
	if len(f.told("DATA")) != 0 || len(f.told("RSET")) != 1 {
		t.Errorf("told %v", f.told(""))
	}
}

func TestAMessageGivenUpAfterDATAIsNeverAMessage(t *testing.T) {
	w, f, tx := tell(t, nil, "b@y.example")
	tx.Reset()
	send(t, w, routeTo("1"))
	if len(w.dials) != 2 || len(f.told("RSET")) != 0 || len(f.got()) != 1 {
		t.Errorf("%d connections, %d messages, told %v", len(w.dials), len(f.got()), f.told(""))
	}
}

func TestWhatIsAnsweredToAnEarlyDATAHoldsAtSend(t *testing.T) {
	no := mail.NewReply(451, "4.3.0", "no")
	for _, test := range []struct {
		name    string
		answers map[string]string
		want    mail.Reply
		dials   int // with the next message
	}{
		{"DATA is refused", map[string]string{"DATA": "451 4.3.0 no"}, no, 1},
		{"DATA is refused and the line cut", map[string]string{"DATA": "421 4.3.0 no"}, mail.NewReply(421, "4.3.0", "no"), 2},
		{"DATA is not answered", map[string]string{"DATA": "drop"}, replyBroken(), 2},
		{"DATA is answered with what is no answer", map[string]string{"DATA": "250 yes"}, replyBroken(), 2},
		{"the end is refused", map[string]string{"END": "451 4.3.0 no"}, no, 1},
		{"the recipient is refused", map[string]string{"RCPT": "550 5.1.1 no", "DATA": "503 5.5.1 no"}, replyNoRecipients(), 1},
		{"the recipient is refused and DATA is not", map[string]string{"RCPT": "550 5.1.1 no"}, replyNoRecipients(), 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, f, tx := tell(t, test.answers, "b@y.example")
			if r := tx.Send(t.Context()); r != test.want {
				t.Errorf("%v, want %v", r, test.want)
			}
			f.mu.Lock()
			f.answers, f.messages = nil, nil
			f.mu.Unlock()
			send(t, w, routeTo("1"))
			if len(w.dials) != test.dials || len(f.got()) != 1 {
				t.Errorf("%d connections, %d messages", len(w.dials), len(f.got()))
			}
		})
	}
	for _, data := range []string{"503 5.5.1 no", "354 go on"} {
		f := &fake{offers: []string{"PIPELINING"}, answers: map[string]string{"MAIL": "550 5.1.8 no", "RCPT": "503 no", "DATA": data}}
		w := newWorld(t, Limits{}, nil, map[string]*fake{"1": f})
		_, err := w.Open(t.Context(), routeTo("1"), envelope("b@y.example"), outgoing("a\r\n"))
		if o := failure(t, err).Outcome(); o.Kind != Failed || slices.Contains(f.told(""), "a") {
			t.Errorf("DATA answered %s: %+v, told %v", data, o, f.told(""))
		}
	}
}
