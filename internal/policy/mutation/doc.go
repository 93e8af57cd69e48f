// Package mutation says how good the tests of policies are: it changes the
// policies one place at a time and looks whether a test turns red. A change
// that no test notices is a mistake that somebody could make without being
// told.
//
// It upholds one law: what is not counted is proved. A mutant is left out only
// when its set has the same version, or when its change cannot make another
// verdict by what the conditions themselves say; a mutant that is merely hard
// to notice counts.
//
// The package is pure. Messages of tests are looked at once, by others; here
// they are only judged again.
//
// Standards: none.
package mutation
