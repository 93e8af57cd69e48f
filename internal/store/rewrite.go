package store

import (
	"strconv"
	"strings"
)

// rewrite turns a statement of the common subset into PostgreSQL's: "?"
// becomes $1, $2 … in order. What stands in quotes or in a comment stays.
func rewrite(query string) string {
	if !strings.Contains(query, "?") {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 16)
	var n int
	for len(query) > 0 {
		size, code := token(query)
		if code && query[0] == '?' {
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		} else {
			b.WriteString(query[:size])
		}
		query = query[size:]
	}
	return b.String()
}

// rewriteSchema turns a schema step of the common subset into PostgreSQL's:
// BLOB becomes BYTEA, and WITHOUT ROWID, a wish about SQLite's storage, goes.
func rewriteSchema(step string) string {
	var b strings.Builder
	for len(step) > 0 {
		size, code := token(step)
		word := step[:size]
		switch {
		case code && strings.EqualFold(word, "BLOB"):
			word = "BYTEA"
		case code && strings.EqualFold(word, "WITHOUT"):
			if rest := strings.TrimLeft(step[size:], " \t\r\n"); rest != step[size:] {
				if n, _ := token(rest); strings.EqualFold(rest[:n], "ROWID") {
					step = rest[n:]
					continue
				}
			}
		}
		b.WriteString(word)
		step = step[size:]
	}
	return b.String()
}

// token measures the first token of s, which is not empty: a quoted string or
// name, a comment, a word, or one other octet. code is false for what is
// quoted or a comment.
func token(s string) (size int, code bool) {
	switch {
	case s[0] == '\'' || s[0] == '"':
		// A doubled quote inside is read as two strings side by side, which
		// has the same size.
		if end := strings.IndexByte(s[1:], s[0]); end >= 0 {
			return end + 2, false
		}
		return len(s), false
	case strings.HasPrefix(s, "--"):
		if end := strings.IndexByte(s, '\n'); end >= 0 {
			return end + 1, false
		}
		return len(s), false
	case strings.HasPrefix(s, "/*"):
		if end := strings.Index(s[2:], "*/"); end >= 0 {
			return end + 4, false
		}
		return len(s), false
	case !wordOctet(s[0]):
		return 1, true
	}
	size = 1
	for size < len(s) && wordOctet(s[size]) {
		size++
	}
	return size, true
}

func wordOctet(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
