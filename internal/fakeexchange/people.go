package fakeexchange

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/mailflow"
)

// WriteDirectory writes the directory of a pretend tenant, as a
// synchronization would: its domains, mailboxes, contacts and groups.
func WriteDirectory(w io.Writer, id string, s mailflow.Setup, at time.Time) error {
	head := directory.Line{Tenant: id, Generated: at.UTC().Truncate(time.Second), Source: "pretend Exchange"}
	return directory.Write(w, head, func(yield func(directory.Line) error) error {
		for _, l := range linesOf(s) {
			if err := yield(l); err != nil {
				return err
			}
		}
		return nil
	})
}

func linesOf(s mailflow.Setup) (lines []directory.Line) {
	types := map[string]string{
		strings.ToLower(mailflow.ExternalRelay): "external-relay", "internalrelay": "internal-relay",
	}
	for _, d := range s.AcceptedDomains {
		kind := types[strings.ToLower(d.DomainType)]
		if kind == "" {
			kind = "authoritative"
		}
		lines = append(lines, directory.Line{Kind: "domain", Name: d.DomainName, Type: kind})
	}
	for _, m := range s.Mailboxes {
		lines = append(lines, directory.Line{Kind: "user", Address: m.Address, Aliases: m.Aliases, Name: m.DisplayName, Manager: m.Manager})
	}
	for _, c := range s.Contacts {
		lines = append(lines, directory.Line{Kind: "contact", Address: c.Address, External: c.External, Name: c.DisplayName})
	}
	for _, g := range s.Groups {
		members := append([]string{}, g.Members...)
		lines = append(lines, directory.Line{Kind: "group", Address: g.Address, Name: g.Name, Members: &members})
	}
	return lines
}

// Crowd is a pretend organization of any size, the same for the same numbers:
// teams in departments in divisions in sites in regions in one list of
// everybody (six levels), projects across them, some of them in circles, guests,
// contacts and a list that nobody can look into.
type Crowd struct {
	Tenant, Domain string
	Users          int
	Seed           uint64
}

// sizes of the crowd.
const (
	teamSize     = 10
	groupsOfOne  = 8 // groups of a level in one of the next
	levels       = 5 // above the team
	projectsEach = 4 // projects of a user, on average
	projectSize  = 60
)

// Write writes the directory of the crowd.
func (c Crowd) Write(w io.Writer, at time.Time) error {
	head := directory.Line{Tenant: c.Tenant, Generated: at.UTC().Truncate(time.Second), Source: "a pretend crowd"}
	return directory.Write(w, head, func(yield func(directory.Line) error) error {
		if err := yield(directory.Line{Kind: "domain", Name: c.Domain, Type: "authoritative"}); err != nil {
			return err
		}
		r := rand.New(rand.NewPCG(c.Seed, 50_000))
		for i := range c.Users {
			if err := yield(c.user(i, r)); err != nil {
				return err
			}
		}
		for i := range c.Users / 50 {
			l := directory.Line{Kind: "contact", Address: fmt.Sprintf("partner%d@%s", i, c.Domain),
				External: fmt.Sprintf("p%d@partner%d.example", i, i%40), Name: fmt.Sprintf("Partner %d", i)}
			if err := yield(l); err != nil {
				return err
			}
		}
		for _, l := range c.groups(r) {
			if err := yield(l); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c Crowd) user(i int, r *rand.Rand) directory.Line {
	l := directory.Line{
		Kind: "user", ID: fmt.Sprintf("00000000-0000-4000-8000-%012x", i), Address: c.address(i), Name: fmt.Sprintf("Person %d", i),
		Aliases:    []string{"SMTP:" + c.address(i), fmt.Sprintf("smtp:p.%d@%s", i, c.Domain)},
		Department: fmt.Sprintf("Department %d", i/(teamSize*groupsOfOne)), Language: []string{"en", "nl", "de", "fr"}[i%4],
	}
	if i > 0 {
		l.Manager = fmt.Sprintf("00000000-0000-4000-8000-%012x", (i-1)/groupsOfOne)
	}
	switch r.IntN(50) {
	case 0:
		l.Guest, l.Address = true, fmt.Sprintf("g%d@guest%d.example", i, i%30)
		l.Aliases = []string{fmt.Sprintf("g%d_guest%d.example#EXT#@%s", i, i%30, c.Domain), "smtp:" + c.address(i)}
	case 1:
		l.Shared = true
	case 2:
		l.Disabled = true
	case 3:
		l.Forward = []string{fmt.Sprintf("p%d@home.example", i)}
	}
	return l
}

func (c Crowd) address(i int) string { return fmt.Sprintf("person%d@%s", i, c.Domain) }

// groups are the levels, from the team to everybody, and the projects.
func (c Crowd) groups(r *rand.Rand) (lines []directory.Line) {
	group := func(name string, members []string) string {
		address := strings.ToLower(strings.ReplaceAll(name, " ", "-")) + "@" + c.Domain
		lines = append(lines, directory.Line{Kind: "group", Address: address, Name: name, Members: &members})
		return address
	}
	below := make([]string, c.Users)
	for i := range below {
		below[i] = c.address(i)
	}
	for level, name := range []string{"Team", "Department", "Division", "Site", "Region", "All"}[:levels+1] {
		size := groupsOfOne
		switch level {
		case 0:
			size = teamSize
		case levels:
			size = max(len(below), 1)
		}
		var next []string
		for i := 0; i*size < len(below); i++ {
			next = append(next, group(fmt.Sprintf("%s %d", name, i), below[i*size:min((i+1)*size, len(below))]))
		}
		below = next
	}
	projects := max(c.Users*projectsEach/projectSize, 2)
	for i := range projects {
		var members []string
		for range 1 + r.IntN(2*projectSize) {
			members = append(members, c.address(r.IntN(c.Users)))
		}
		switch i % 10 {
		case 0: // projects in projects, the last in the first: circles
			members = append(members, fmt.Sprintf("project-%d@%s", (i+10)%projects, c.Domain))
		case 1:
			members = append(members, fmt.Sprintf("someone%d@rival.example", i), fmt.Sprintf("partner%d@%s", i%max(c.Users/50, 1), c.Domain))
		}
		group(fmt.Sprintf("Project %d", i), members)
	}
	return append(lines, directory.Line{Kind: "group", Address: "dynamic@" + c.Domain, Name: "Dynamic", Type: "dynamic"})
}
