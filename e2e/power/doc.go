// Package power cuts the power of the real binary, on paper: it records the
// system calls of "postern serve" under load with strace, replays them on a
// model of a disk, and opens what a power cut at each place could have left
// with the code that "serve" opens it with.
//
// It keeps one law: what the outside was told before the cut must be true
// after it. What the outside was told is read from the same recording, since
// the answers to the client and those of the next hop are system calls too;
// so there is one order for all, and no clock.
//
// kill -9 proves nothing about fsync: the kernel keeps what a dead process
// wrote. Here everything that was not synced may be lost, kept, torn at a
// sector, turned into zeros or written in another order, file by file and
// folder by folder.
//
// It does not know how the rooms write. It sees files, folders and calls. Of
// SQLite it knows what its recovery takes from a write-ahead log, so that it
// need not open every disk that a transaction on its way may leave: of those
// that must be read alike it opens one, and some more, to see that it is so.
//
// Standards: POSIX.1 fsync (what it promises, and that it says nothing of the
// folder), RFC 5321 §4.2.5 (who answered 250 owns the message).
package power
