// Package compact writes plain data in few octets and reads it back, for two
// ends that are the same program: structs field by field, without names.
//
// It upholds one law:
//
//	what is read is what could have been written: no count is believed
//	beyond the octets that are there, text is UTF-8, and nothing may be
//	left over.
//
// It knows no version: data that another build may read belongs into JSON.
//
// Standards: none.
package compact
