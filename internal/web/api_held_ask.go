package web

import (
	"net/url"
	"strconv"
	"time"

	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
)

// choice are the conditions of a list and of a bulk decision; absent ones do
// not restrict.
type choice struct {
	Tenant    string `json:"tenant"`
	State     string `json:"state"`
	Approver  string `json:"approver"`
	Sender    string `json:"sender"`
	Recipient string `json:"recipient"`
	Domain    string `json:"domain"`
	Policy    string `json:"policy"`
	Text      string `json:"text"`
	Pinned    bool   `json:"pinned"`
	Older     string `json:"older"`
	Younger   string `json:"younger"`
}

// filter is what the desk is asked.
func (x choice) filter(now time.Time) (f quarantine.Filter, wrong string) {
	f = quarantine.Filter{Tenant: x.Tenant, Domain: x.Domain, Rule: x.Policy, Text: x.Text, Pinned: x.Pinned}
	switch x.State {
	case "", "waiting":
	case "over":
		f.Over = true
	default:
		return f, "state is waiting or over."
	}
	for name, a := range map[string]struct {
		text string
		to   *mail.Address
	}{"approver": {x.Approver, &f.Approver}, "sender": {x.Sender, &f.Sender}, "recipient": {x.Recipient, &f.Recipient}} {
		if a.text == "" || name == "approver" && a.text == "-" {
			*a.to = mail.Address(a.text)
			continue
		}
		var err error
		if *a.to, err = mail.ParseAddress(a.text); err != nil {
			return f, name + " is not an address."
		}
	}
	for name, a := range map[string]struct {
		text string
		to   *time.Time
	}{"older": {x.Older, &f.Before}, "younger": {x.Younger, &f.After}} {
		if a.text == "" {
			continue
		}
		age, err := quarantine.ParseAge(a.text)
		if err != nil {
			return f, name + " is a time span such as 90m, 48h or 7d."
		}
		*a.to = now.Add(-age)
	}
	return f, ""
}

// listed reads the query of a list. A parameter that is not known is a
// mistake: without it the list would hold more than was asked for.
func listed(values url.Values) (x choice, behind quarantine.Cursor, limit int, wrong string) {
	limit = apiPage
	texts := map[string]*string{
		"tenant": &x.Tenant, "state": &x.State, "approver": &x.Approver, "sender": &x.Sender, "recipient": &x.Recipient,
		"domain": &x.Domain, "policy": &x.Policy, "text": &x.Text, "older": &x.Older, "younger": &x.Younger,
	}
	for name, list := range values {
		to, known := texts[name]
		var err error
		switch value := list[0]; {
		case len(list) > 1:
			return x, behind, limit, name + " stands there twice."
		case known:
			*to = value
		case name == "pinned":
			if x.Pinned = value == "true"; value != "true" && value != "false" {
				return x, behind, limit, "pinned is true or false."
			}
		case name == "limit":
			if limit, err = strconv.Atoi(value); err != nil || limit < 1 || limit > apiMaxPage {
				return x, behind, limit, "limit is a number from 1 to 500."
			}
		case name == "behind":
			if behind, err = quarantine.ParseCursor(value); err != nil {
				return x, behind, limit, "behind is not the end of a page; take next of the page before."
			}
		default:
			return x, behind, limit, "There is no parameter " + flat(name, 60) + "."
		}
	}
	return x, behind, limit, ""
}
