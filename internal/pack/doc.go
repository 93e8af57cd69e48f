// Package pack knows the ready policies that come with Postern: one for every
// profile, and those for situations, such as mail that is forwarded outside.
// It writes them as a policy file and an archive of tests, with the settings
// that an administrator chose.
//
// It upholds two laws:
//
//	a pack begins with watching: the mode is log unless somebody says another;
//	what is written needs Postern no more: it is an ordinary policy file with
//	ordinary tests, which its owner changes as he likes.
//
// It decides nothing and runs no test.
//
// Standards: none; each pack names what it serves.
package pack
