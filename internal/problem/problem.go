// Package problem is the catalogue of everything that an operator can act on.
//
// A problem has a code that is never re-used, a title, its effect on mail and
// what to do. The code appears in the log line, in the console and in
// docs/reference/problems.md, which is generated from here.
//
// The package knows no room: a room names a code, nothing more.
//
// Standards: none.
package problem

// Code names a problem, e.g. "P301".
type Code string

// Problem is a row of the catalogue.
type Problem struct {
	Code Code
	// Title says what is wrong, in one line.
	Title string
	// Impact says what it does to mail.
	Impact string
	// Action says what the operator does now.
	Action string
}

// Catalogue lists every problem, in the order of the codes.
func Catalogue() []Problem {
	var all []Problem
	for _, rows := range [][]Problem{
		tenantRows(), receiveRows(), deliverRows(), keepingRows(), lookingRows(),
		policyRows(), pastRows(), gatewayRows(), roleRows(), auditRows(), systemRows(),
	} {
		all = append(all, rows...)
	}
	return all
}

// Find returns the row of a code; ok is false for a code that is not in the
// catalogue, which a test forbids.
func Find(c Code) (p Problem, ok bool) {
	for _, p := range Catalogue() {
		if p.Code == c {
			return p, true
		}
	}
	return Problem{}, false
}
