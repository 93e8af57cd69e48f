// Package explain says why a verdict is what it is: which rules made it and
// what every part of their conditions was, why a chosen rule did not decide,
// and what the smallest change is that would have made another verdict.
//
// It upholds one law: an explanation is checked before it is given. The answer
// of a tree is the answer of the condition that decided, and a change is told
// only when the changed facts, decided again, give another verdict. Where none
// is found within the bounds of the search, that is said.
//
// The package is pure, as policy is. It does not look at mail, sees no body
// text, and shows of a finding no more than the masked sample that the record
// holds.
//
// Standards: none; the rules of a policy are our own.
package explain
