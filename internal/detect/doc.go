// Package detect says what was found in a message: findings, labels, parts,
// and what was not looked at. It runs detectors over streamed text.
//
// It upholds two laws:
//
//	not seen is not clean: a detector that fails, and text that was not
//	read, are in the Report;
//	a value that was found never leaves this package's Stream: only counts,
//	offsets and masked samples do.
//
// Text is scanned in windows, so that its length does not matter for memory,
// and a result does not depend on where the windows were cut (a detector must
// decide from what stands within Margin of a hit).
//
// It knows no identifier, no policy, no message format and no process.
//
// Standards: Unicode UAX #15 (compatibility forms, in part: see fold.go).
package detect
