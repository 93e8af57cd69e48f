// Package exact finds the data of a table in text: the customers, patients or
// employees that really exist, instead of everything that looks like them.
//
// It upholds one law: the table itself stays where it is. What is kept are
// salted hashes of its cells, in a file that postern edm build makes; nothing
// of a cell can be read from it, but whoever has the file can test guesses,
// so that it deserves the protection of the table.
//
// A table has one primary column, whose cells are searched in the text, and
// others that speak for a row when they stand near its primary cell. Cells
// are compared without regard to case, accents and separators.
//
// It knows no message and no policy.
//
// Standards: FIPS 180-4 (SHA-256), RFC 4180 (CSV), Unicode UAX #15 (accents).
package exact
