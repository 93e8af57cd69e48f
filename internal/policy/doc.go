// Package policy decides: facts in, verdict out.
//
// A policy is a YAML document with a condition in CEL, an action and tests.
// Load reads any number of files into a Set and reports every mistake at once
// with its place. Decide compares one message's Facts with a Set and says per
// recipient what should be done, which rules said so, and which lost.
//
// It upholds two laws:
//
//   - Looking, deciding and doing are three things. Decide is pure: it has no
//     clock, no network and no store, so the same facts give the same verdict,
//     today and in a replay.
//   - Not seen is not clean. What was not looked at closes or opens a gate per
//     cause, and a rule that cannot be evaluated is never a rule that did not
//     match: its answer is "cannot know", it is recorded, and when it protects
//     (header, redirect, secure, override, hold, block) it counts as the cause
//     engine-failed.
//
// Automatic mail (automatic replies, out-of-office notes, null sender) never
// starts a conversation: its sender gets no notice, an override becomes a hold,
// and a hold of such mail is quiet, that is, nobody is asked and it waits for
// an administrator or for its deadline.
//
// The package does not look at mail, does not send, and knows neither tenants
// nor Exchange. It sees no body text.
//
// Standards: RFC 5322 §2.2 and §3.6.8 (header fields that a policy adds),
// RFC 5321 §4.5.5 (null sender), RFC 3834 (automatic replies).
package policy
