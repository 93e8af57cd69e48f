// Package balance holds the books of the other rooms against each other: the
// record and its chains, custody with its holds and intents, and the tasks
// with their outcomes.
//
// It keeps the law that an operator can check with one command:
//
//	in = out + held + under way + reported
//
// over every recipient for whom Postern has ever answered 250, handed back
// while the client waited or kept; and that whatever stands in one of the
// books stands in the others. A difference is named by its message.
//
// It reads page by page, in the order of ids and in one snapshot, so that a
// million records need no more memory than a thousand. What an operator has
// to know of its limits: a task or outcome of our own mail (a notice, a copy)
// beside others of the same message is not missed when it is removed, and
// what was changed inside an event is found by `postern audit verify`, which
// recomputes the chains.
//
// The package changes nothing, and does not know how a message is handled.
//
// Standards: RFC 5321 §6.1 (after 250 every recipient is delivered or
// reported).
package balance
