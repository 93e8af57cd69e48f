// Package number knows which numbers can exist: the identifiers that states,
// banks and registries give out, each with its length, alphabet, date, region
// and check digit.
//
// It upholds one law, which the tests check against public tables of numbers:
//
//	what is valid here could have been issued by its authority; what is not
//	valid could not.
//
// Whether a valid number stands for a person, is an example or an accident is
// not its question. It knows nothing of texts, words or messages, keeps no
// state and does not allocate while it looks.
//
// A kind is named as in the tables: the country (ISO 3166-1, UK for the
// United Kingdom) and the name of the number. Each rule names the authority or
// the standard that it comes from. Where only the form of a number is public,
// only the form is checked.
//
// Standards: ISO/IEC 7064 (check characters), ISO/IEC 7812-1 (Luhn), ISO 13616
// (IBAN), ISO 9362 (BIC), ISO 6166 (ISIN), ISO 17442 (LEI), ICAO Doc 9303
// (machine readable travel documents), GS1 General Specifications.
package number
