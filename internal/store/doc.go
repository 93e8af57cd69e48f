// Package store is the database: transactions over SQLite or PostgreSQL.
//
// It upholds two laws:
//
//	Update answers nil only when what it did survives a power cut;
//	an ambiguous COMMIT is death: nothing is committed after it, Dead says so,
//	and the process ends.
//
// One goroutine writes. It takes whatever waits while the COMMIT before is on
// its way to the disk and commits it as one group, each further member in a
// savepoint of its own, so that one fsync serves many and one failure hurts
// nobody else. Readers have connections of their own and see one moment.
//
// The package does not know any table but its own record of schema steps; each
// room owns its SQL, written in the subset that both engines share: TEXT,
// BIGINT and BLOB columns, "?" for arguments, INSERT … ON CONFLICT, times as
// BIGINT nanoseconds, booleans as 0 and 1, no AUTOINCREMENT and no INSERT OR.
//
// Standards: none; SQLite's WAL mode with synchronous=FULL, PostgreSQL's READ
// COMMITTED (writer) and REPEATABLE READ (readers).
package store
