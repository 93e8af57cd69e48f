package dns

import (
	"errors"
	"fmt"
)

// Kind says why there is no answer.
type Kind string

// The kinds. The first three are answers: nothing is there, and asking again
// will not help before the cache forgets. The others are the lack of one.
const (
	NoDomain Kind = "no-domain" // NXDOMAIN
	NoData   Kind = "no-data"   // the name exists, records of this type do not
	NullMX   Kind = "null-mx"   // RFC 7505: the domain takes no mail

	ServerFailure Kind = "server-failure" // SERVFAIL, REFUSED, or DNSSEC bogus
	Timeout       Kind = "timeout"
	Loop          Kind = "loop"     // aliases that lead in a circle or too far
	BadName       Kind = "bad-name" // what was asked is not a domain name
)

// Error is returned by every look-up that gives no records.
type Error struct {
	Kind Kind
	// Name and Type are the question.
	Name, Type string
	// Err is the cause in the network, if any.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("dns: %s %s: %s", e.Type, e.Name, e.Kind)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// NotFound reports whether a server answered that there is nothing.
func (e *Error) NotFound() bool {
	return e.Kind == NoDomain || e.Kind == NoData || e.Kind == NullMX || e.Kind == BadName
}

// NullMX reports whether the domain says that it takes no mail.
func (e *Error) NullMX() bool { return e.Kind == NullMX }

// Temporary reports whether asking again later may help.
func (e *Error) Temporary() bool { return !e.NotFound() }

// KindOf is the kind of err, or "" when err does not come from this package.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}
