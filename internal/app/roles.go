package app

import (
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/mail"
	"postern.dev/postern/internal/quarantine"
	"postern.dev/postern/internal/settings"
	"postern.dev/postern/internal/tenant"
)

// Role is who may do what with held mail besides those whom a policy asks.
type Role struct {
	// Name is shown in messages.
	Name string `yaml:"name"`
	// Users are users of this machine, by name or number. They use the verbs
	// of postern held, evidence and emergency, /api/v1/held on the socket, and
	// the console's pages about held mail with a link of their own.
	Users []string `yaml:"users"`
	// People are addresses, and groups ("group:NAME") of the directory, of
	// people who are identified on the pages of public. They have the role in
	// their own tenant only, there only, and never about mail that they sent or
	// that is for them. Where the tenant has sign_in, they must sign in.
	People []string `yaml:"people"`
	// Tenants are those whose mail the role is about. Default: all.
	Tenants []string `yaml:"tenants"`
	// May are its rights: metadata (the list of held mail: who, when, why,
	// masked evidence; no subjects), content (the message itself), decide (let
	// go, refuse, pin), malware (let go what a detector of malware found),
	// emergency (open a message together with a second person).
	May []string `yaml:"may"`
}

// checkRoles looks at the roles.
func (c *Config) checkRoles(f *faults) {
	names := map[string]bool{}
	for i, r := range c.Roles {
		key := fmt.Sprintf("roles[%d]", i)
		switch {
		case r.Name == "":
			f.add(key, "has no name; write for example name: officers")
		case names[r.Name]:
			f.add(key+".name", fmt.Sprintf("%q stands twice; give each role its own", r.Name))
		}
		names[r.Name] = true
		rights, unknown := quarantine.ParseRights(r.May)
		if unknown != "" {
			f.add(key+".may", fmt.Sprintf("there is no right %q; %s", unknown, settings.Nearest(unknown, quarantine.RightNames())))
		} else if lacks := rights.Lacks(); lacks != "" {
			f.add(key+".may", lacks)
		}
		if len(r.Users)+len(r.People) == 0 {
			f.add(key, "is nobody's; write users: or people:")
		}
		for _, name := range r.Users {
			if _, err := uidOf(name); err != nil {
				f.add(key+".users", err.Error())
			}
		}
		for _, name := range r.People {
			group, isGroup := strings.CutPrefix(name, "group:")
			if _, err := mail.ParseAddress(name); !isGroup && err != nil || isGroup && strings.TrimSpace(group) == "" {
				f.add(key+".people", fmt.Sprintf("%q is neither an address nor a group; write for example group:security", name))
			}
		}
		if slices.Contains(r.Tenants, "") {
			f.add(key+".tenants", "one has no name; leave the key out for all")
		}
	}
}

// uidOf is the number of a user of this machine.
func uidOf(name string) (uint32, error) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	if name == "root" {
		return 0, nil
	}
	known, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("this machine has no user %q; write the name or number of one", name)
	}
	n, err := strconv.ParseUint(known.Uid, 10, 32)
	return uint32(n), err
}

// roles are those in force: the ones that are written, or the default.
func (c *Config) roles() quarantine.Roles {
	if len(c.Roles) == 0 {
		return quarantine.DefaultRoles(uint32(os.Getuid()))
	}
	var list quarantine.Roles
	for _, r := range c.Roles {
		x := quarantine.Role{Name: r.Name, People: r.People, Tenants: r.Tenants}
		x.Rights, _ = quarantine.ParseRights(r.May)
		for _, name := range r.Users {
			if uid, err := uidOf(name); err == nil { // Check has told
				x.UIDs = append(x.UIDs, uid)
			}
		}
		list = append(list, x)
	}
	return list
}

// strangers lists the users of roles who may not open the data folder.
func (c *Config) strangers() (list []string) {
	for _, r := range c.Roles {
		for _, name := range r.Users {
			if uid, err := uidOf(name); err == nil && uid != 0 && uid != uint32(os.Getuid()) {
				list = append(list, name)
			}
		}
	}
	return list
}

// roles says what is odd about the roles beside the tenants.
func (k *checking) roles(tenants *tenant.Snapshot) {
	c := k.c
	if who := c.strangers(); len(who) > 0 && c.Console.Socket == "" {
		k.key(LevelWarning, "roles", strings.Join(who, ", ")+" cannot reach the gateway: its socket lies in the data folder, which is shut",
			"set console.socket to a path in a folder that they can enter")
	}
	var ids []string
	for _, t := range tenants.Tenants() {
		ids = append(ids, t.ID)
	}
	for i, r := range c.Roles {
		for _, id := range r.Tenants {
			if id != "" && !slices.Contains(ids, id) {
				k.key(LevelMistake, fmt.Sprintf("roles[%d].tenants", i), fmt.Sprintf("no tenant is called %q", id), settings.Nearest(id, ids))
			}
		}
	}
	roles := c.roles()
	for _, t := range tenants.Tenants() {
		d, _ := DirectoryOf(c, t)
		k.groups(t, d)
		if !slices.ContainsFunc(roles, func(r quarantine.Role) bool {
			return r.Rights.Decide && (len(r.Tenants) == 0 || slices.Contains(r.Tenants, t.ID))
		}) {
			k.key(LevelWarning, "roles", fmt.Sprintf("nobody of this machine may decide about held mail of tenant %s", t.ID),
				"add a role with may: [metadata, decide]")
		}
	}
}

// groups says which groups of roles a tenant's directory does not know.
func (k *checking) groups(t *tenant.Tenant, d *directory.Directory) {
	for i, r := range k.c.Roles {
		if len(r.Tenants) == 0 || !slices.Contains(r.Tenants, t.ID) {
			continue // a group of one tenant need not be one of all
		}
		for _, name := range r.People {
			group, isGroup := strings.CutPrefix(name, "group:")
			if !isGroup {
				continue
			}
			if d == nil {
				k.key(LevelWarning, fmt.Sprintf("roles[%d].people", i), fmt.Sprintf("tenant %s has no directory, so %s is nobody", t.ID, name),
					"set people.file of the tenant, or write addresses")
			} else if !hasGroup(d, group) {
				k.key(LevelWarning, fmt.Sprintf("roles[%d].people", i), fmt.Sprintf("the directory of tenant %s has no %s", t.ID, name),
					"write the group's address, its name or its id")
			}
		}
	}
}

// hasGroup reports whether a directory has a group of that address, id or
// name.
func hasGroup(d *directory.Directory, name string) bool {
	_, known := d.Group(name)
	return known || slices.ContainsFunc(d.Groups(), func(e directory.Entry) bool { return strings.EqualFold(e.Name(), name) })
}
