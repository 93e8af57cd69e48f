package app

import (
	"context"
	"fmt"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
)

// HeldCall is what the verbs about held mail ask for.
type HeldCall struct {
	Filter quarantine.Filter `json:"filter"`
	After  string            `json:"after,omitempty"`
	Limit  int               `json:"limit,omitempty"`
	// Act is what to do, Text what belongs to it, Other to whom it is handed.
	Act   quarantine.Act `json:"act,omitempty"`
	Text  string         `json:"text,omitempty"`
	Other mail.Address   `json:"other,omitempty"`
	// Total is what a preview has counted, ID a bulk decision.
	Total int    `json:"total,omitempty"`
	ID    string `json:"id,omitempty"`
}

// HeldAnswer is what they get.
type HeldAnswer struct {
	Rows    []quarantine.Row    `json:"rows,omitempty"`
	Next    string              `json:"next,omitempty"`
	Numbers *quarantine.Numbers `json:"numbers,omitempty"`
	Bulks   []quarantine.Bulk   `json:"bulks,omitempty"`
}

// longestPage is how many holds one answer lists.
const longestPage = 1000

// heldVerb carries out a verb about held mail at the desk.
func (a *App) heldVerb(ctx context.Context, verb string, c Call, actor string) (ans Answer, err error) {
	who, h := callerOf(actor), c.HeldMail
	if h == nil {
		h = &HeldCall{}
	}
	ans.HeldMail = &HeldAnswer{}
	switch verb {
	case "held-rows":
		err = a.heldRows(ctx, who, c, h, ans.HeldMail)
	case "held-deed":
		var n int
		n, err = a.Desk.Do(ctx, who, h.Act, quarantine.Saying{Message: c.Message, To: c.To, Text: h.Text, Other: h.Other})
		ans.Number = int64(n)
	case "held-preview":
		var n quarantine.Numbers
		n, err = a.Desk.Preview(ctx, who, h.Filter, h.Act == quarantine.Approve)
		ans.HeldMail.Numbers = &n
	case "held-bulk":
		var b quarantine.Bulk
		b, err = a.Desk.Begin(ctx, who, h.ID, h.Filter, h.Act == quarantine.Approve, h.Text, h.Total)
		ans.HeldMail.Bulks = []quarantine.Bulk{b}
	case "held-bulks":
		ans.HeldMail.Bulks, err = a.Desk.Bulks(ctx, who)
	case "held-stop":
		var b quarantine.Bulk
		b, err = a.Desk.Stop(ctx, who, h.ID)
		ans.HeldMail.Bulks = []quarantine.Bulk{b}
	default:
		err = fmt.Errorf("app: no verb is called %q", verb)
	}
	return ans, err
}

func (a *App) heldRows(ctx context.Context, who quarantine.Caller, c Call, h *HeldCall, out *HeldAnswer) error {
	if c.Message != "" {
		list, err := a.Desk.Show(ctx, who, c.Message)
		for i := range list {
			out.Rows = append(out.Rows, list[i].Row())
		}
		return err
	}
	behind, err := quarantine.ParseCursor(h.After)
	if err != nil {
		return err
	}
	if h.Limit < 1 || h.Limit > longestPage {
		h.Limit = longestPage
	}
	page, err := a.Desk.List(ctx, who, h.Filter, behind, h.Limit)
	for i := range page.Holds {
		out.Rows = append(out.Rows, page.Holds[i].Row())
	}
	out.Next = page.Next.String()
	return err
}
