// Package load is the two ends of a mail system under test: a Source that
// sends, and a Sink that takes, both with a log from which the ledger
// (package ledger) can say of every message what became of it.
//
// It keeps one law: the logs say what went over the wire, and nothing is
// decided by the one end about the other. A line of the source tells how far
// a transaction came and what was answered; a line of the sink tells what
// arrived, octets included (as a SHA-256). So a message is taken (an answer
// 2xx after the end), refused (4xx or 5xx), never ended, or unknown (ended,
// and no answer came), and each of these is another word in the ledger.
//
// Every message begins with the header field "X-Load: <number>". What a
// gateway puts in front of it is left out of the sum; all that follows is in
// it. The octets of a message are prepared once: a Template is the fixed
// pieces, already dot-stuffed, and the places of what varies (Message-ID,
// some words of the text, card numbers), so that sending one is a copy and a
// write. The sink looks for the end of the data in whole slices.
//
// The mains bench/source and bench/sink stand in for Postfix's smtp-source
// and smtp-sink on the same command line. What they do otherwise:
//
//   - a failed transaction does not end the source: it goes on, and the exit
//     code is 1 at the end. -A and -v are taken and change nothing;
//   - options are given one by one (-c -v, not -cv), and those that nobody
//     here uses (-L, -o, -R, -w, -T of the source; all that make the sink
//     behave badly) do not exist: faults are given by BENCH_ANSWERS;
//   - the source says HELO as smtp-source does, but EHLO with TLS, BDAT or
//     BENCH_EHLO;
//   - smtp-source adds an empty line to the file of -F; this one does not;
//   - the sink offers no AUTH, XCLIENT and XFORWARD, writes the counter at
//     each message (not at each session too), answers nothing after the last
//     message of -n, and leaves the backlog to the system;
//   - a file of -d has CRLF where it came, and only the headers
//     X-Client-Addr, X-Helo-Args, X-Mail-Args and X-Rcpt-Args in front;
//   - both use one thread for Go code unless BENCH_PROCS says otherwise.
//
// The package does not know the gateway, and uses no code of it: what is
// wrong there must not be wrong here in the same way.
//
// Standards: RFC 5321 (SMTP; §4.5.2 transparency), RFC 3030 (BDAT), RFC 3207
// (STARTTLS), RFC 2920 (pipelining, at the sink).
package load
