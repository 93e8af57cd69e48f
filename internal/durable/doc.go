// Package durable keeps files that survive a crash, and bodies that must
// leave no trace. All disk access of Postern goes through it.
//
// It upholds one law:
//
//	what Commit, WriteFile or Remove has answered without an error is still
//	so after a power cut; and a failed fsync is death.
//
// The second half is the caller's: the kernel may drop the pages of a failed
// fsync and call the next one good, so an error that is ErrSync is never
// tried again. The process ends and recovers at its next start.
//
// A Faults beside a Dir makes the n-th operation fail or the process "die"
// there, and then lays out what a power cut could have left, so that the
// rooms above can be tested at every single step.
//
// The package does not know what is in the files.
//
// Standards: POSIX.1-2017 (fsync, rename, flock); NIST SP 800-38A §6.5 (CTR).
package durable
