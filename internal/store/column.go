package store

import (
	"strings"
	"time"
	"unicode/utf8"
)

// The forms in which values stand in columns of the SQL subset that SQLite
// and PostgreSQL share.

// Nanos is a time as it stands in a BIGINT column; 0 for none.
func Nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// Moment is the time that Nanos wrote.
func Moment(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// Bit is a boolean as it stands in a BIGINT column.
func Bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Clean makes text from outside fit a TEXT column: PostgreSQL takes neither
// NUL nor broken UTF-8.
func Clean(s string) string {
	if !utf8.ValidString(s) { // much quicker than ToValidUTF8
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}
