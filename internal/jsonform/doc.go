// Package jsonform writes plain data as JSON, octet for octet as encoding/json
// does, in a fraction of its time: how a type is written is worked out once,
// and moments are not read again after they were written.
//
// It upholds one law:
//
//	what it writes is what json.Marshal writes, or both fail.
//
// What is rare in a record is left to encoding/json: types that marshal
// themselves, interfaces, fractions, maps of other things than texts. It reads
// nothing.
//
// Standards: RFC 8259 (JSON).
package jsonform
