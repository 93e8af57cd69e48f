// Package task keeps the work that is still to be done for a message, and
// does it until every recipient has an outcome.
//
// It upholds three laws:
//
//	a recipient gets its outcome exactly once: the row of its outcome and the
//	end of its task are one transaction;
//	the result of an attempt counts only while its lease does: a late one,
//	after another worker took the task, is rejected by its fencing token;
//	no task keeps another from its turn: a next hop that is slow, and a task
//	that crashes or hangs its door, have only places of their own, and of
//	these every other one is for fresh mail;
//	who is next is found in the same time however many are due.
//
// A fault of the other side's configuration is Stuck: kept, alarmed and
// tried hourly, never reported to the sender as a failure.
//
// The package does not know what an attempt does: that is the Door it is
// given; nor what follows from an outcome: that is Settle. Balance checks
// the law of conservation over it all.
//
// Standards: RFC 5321 §4.5.4.1 (retry and give up), RFC 3464 (what a sender
// is told).
package task
