// Package directory says who is who in a tenant: users, groups, mail contacts,
// managers, and the domains that are the tenant's own.
//
// It upholds three laws:
//
//	a Directory belongs to one tenant and does not change: a message sees one
//	state only, and no tenant is asked about another's people;
//	what the directory does not hold is not known: a group without a list of
//	members is no empty group, and neither is one that is not there;
//	a file that cannot be read takes nothing away: the state before it stays
//	in force, and its age is shown.
//
// Groups may lie in each other, also in circles. Which groups somebody is in,
// through any number of them, is worked out when the directory is loaded, so
// that a question costs no more than a look into a table.
//
// The package does not know where a directory comes from: its form is a file
// (docs/reference/directory.md). It does not know mail flow or policy.
//
// Standards: RFC 5321 §4.1.2 (Mailbox), RFC 5890 (domains are compared as
// A-labels), RFC 8259 and JSON Lines (the file). The words for users and groups
// are those of Microsoft Graph 1.0 (user, group, orgContact).
package directory
