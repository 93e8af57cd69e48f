package directory

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Import reads entries from CSV with a line of names on top. The names are
// those of the fields of a Line, or what Exchange and Microsoft Graph call them
// in their exports (PrimarySmtpAddress, userPrincipalName …); columns with
// other names are left out. Lists are separated by ";" or by "|".
func Import(r io.Reader, each func(Line) error) error {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	in.LazyQuotes = true
	head, err := in.Read()
	if err != nil {
		return fmt.Errorf("directory: the first line must name the columns: %w", err)
	}
	columns := make([]string, len(head))
	for i, name := range head {
		columns[i] = columnOf(strings.TrimPrefix(name, "\ufeff"))
	}
	if !slices.Contains(columns, "address") && !slices.Contains(columns, "id") {
		return errors.New("directory: no column is called address, PrimarySmtpAddress, mail or id")
	}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("directory: %w", err)
		}
		l := Line{Kind: kindUser}
		for i, value := range row {
			if value = strings.TrimSpace(value); i < len(columns) && value != "" {
				l.set(columns[i], value)
			}
		}
		if l.Kind == kindGroup && l.Members == nil && slices.Contains(columns, "members") && l.Type != "dynamic" {
			l.Members = &[]string{}
		}
		if l.Address == "" && l.ID == "" && l.External == "" {
			continue
		}
		l.trim()
		if err := each(l); err != nil {
			return err
		}
	}
}

// columnOf is our name for a column.
func columnOf(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	for _, x := range []struct {
		ours  string
		other []string
	}{
		{"kind", []string{"recipienttypedetails", "recipienttype"}},
		{"id", []string{"externaldirectoryobjectid", "guid", "objectid"}},
		{"address", []string{"primarysmtpaddress", "mail"}},
		{"aliases", []string{"emailaddresses", "proxyaddresses"}},
		{"name", []string{"displayname"}},
		{"language", []string{"preferredlanguage"}},
		{"enabled", []string{"accountenabled"}},
		{"usertype", []string{"usertype"}},
		{"external", []string{"externalemailaddress"}},
		{"delegates", []string{"grantsendonbehalfto"}},
		{"forward", []string{"forwardingsmtpaddress"}},
		{"moderated", []string{"moderationenabled"}},
		{"hidden", []string{"hiddengroupmembershipenabled"}},
	} {
		if name == x.ours || slices.Contains(x.other, name) {
			return x.ours
		}
	}
	return name
}

// set gives a field the value of a column.
func (l *Line) set(column, value string) {
	yes := strings.EqualFold(value, "true") || value == "1"
	list := func() []string {
		var out []string
		for _, s := range strings.FieldsFunc(value, func(r rune) bool { return r == ';' || r == '|' }) {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
		return out
	}
	switch column {
	case "kind":
		l.recipientType(value)
	case "id":
		l.ID = value
	case "address":
		l.Address = value
	case "aliases":
		l.Aliases = list()
	case "name":
		l.Name = value
	case "department":
		l.Department = value
	case "language":
		l.Language = value
	case "manager":
		l.Manager = value
	case "delegates":
		l.Delegates = list()
	case "forward":
		l.Forward = list()
	case "members":
		members := list()
		l.Members = &members
	case "external":
		l.External, _ = smtp(value)
	case "type":
		l.Type = value
	case "guest":
		l.Guest = l.Guest || yes
	case "usertype":
		l.Guest = l.Guest || strings.EqualFold(value, "Guest")
	case "disabled":
		l.Disabled = yes
	case "enabled":
		l.Disabled = !yes
	case "shared":
		l.Shared = l.Shared || yes
	case "moderated":
		l.Moderated = yes
	case "hidden":
		l.Hidden = yes
	}
}

// recipientType understands our kinds and the recipient types of Exchange.
func (l *Line) recipientType(value string) {
	switch v := strings.ToLower(value); {
	case slices.Contains(kinds, v):
		l.Kind = v
	case v == "guestmailuser":
		l.Guest = true
	case v == "mailcontact":
		l.Kind = kindContact
	case v == "sharedmailbox", v == "roommailbox", v == "equipmentmailbox":
		l.Shared = true
	case v == "groupmailbox":
		l.Kind, l.Type = kindGroup, "m365"
	case v == "dynamicdistributiongroup":
		l.Kind, l.Type = kindGroup, "dynamic"
	case v == "mailuniversalsecuritygroup":
		l.Kind, l.Type = kindGroup, "security"
	case strings.HasPrefix(v, "mailuniversal"), strings.HasPrefix(v, "mailnonuniversal"), v == "roomlist":
		l.Kind, l.Type = kindGroup, "distribution"
	}
}

// trim takes away what the kind of the line does not have: an export has the
// same columns for all.
func (l *Line) trim() {
	switch l.Kind {
	case kindUser:
		l.Type, l.Members, l.Moderated, l.Hidden, l.External = "", nil, false, false, ""
	case kindGroup:
		l.Guest, l.Disabled, l.Shared, l.Department, l.Language, l.Manager = false, false, false, "", "", ""
		l.Delegates, l.Forward, l.External = nil, nil, ""
	case kindContact:
		l.Type, l.Members, l.Moderated, l.Hidden = "", nil, false, false
		l.Guest, l.Disabled, l.Shared, l.Department, l.Language, l.Manager = false, false, false, "", "", ""
		l.Delegates, l.Forward = nil, nil
	case kindDomain:
		*l = Line{Kind: kindDomain, Name: l.Name, Type: l.Type}
	}
}
