package store

import (
	"strings"
	"testing"
)

func TestPlaceholdersOutsideQuotesAreNumbered(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT 1":                        "SELECT 1",
		"a = ? AND b = ?":                 "a = $1 AND b = $2",
		"'?' = ? AND \"?\" = ?":           "'?' = $1 AND \"?\" = $2",
		"'it''s ?' = ?":                   "'it''s ?' = $1",
		"-- who? \n a = ?":                "-- who? \n a = $1",
		"/* ? */ ?":                       "/* ? */ $1",
		"'open ?":                         "'open ?",
		"/* open ?":                       "/* open ?",
		"(?,?,?,?,?,?,?,?,?,?,?)":         "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)",
		"x?":                              "x$1",
		"d/?-?":                           "d/$1-$2",
		"größe = ? -- und was? ":          "größe = $1 -- und was? ",
		"":                                "",
		"'a'?'b'":                         "'a'$1'b'",
		"E'\\' = ?":                       "E'\\' = $1", // standard_conforming_strings, but E is not in the subset
		"a->>'x?' = ? /* -- ? */ OR ? ''": "a->>'x?' = $1 /* -- ? */ OR $2 ''",
	} {
		if got := rewrite(in); got != want {
			t.Errorf("rewrite(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSchemaStepsAreTranslated(t *testing.T) {
	for in, want := range map[string]string{
		"CREATE TABLE a (b BLOB, c blob NOT NULL)":        "CREATE TABLE a (b BYTEA, c BYTEA NOT NULL)",
		"CREATE TABLE a (blobs TEXT, my_blob TEXT)":       "CREATE TABLE a (blobs TEXT, my_blob TEXT)",
		"x DEFAULT 'BLOB' -- BLOB":                        "x DEFAULT 'BLOB' -- BLOB",
		"CREATE TABLE a (b TEXT) WITHOUT ROWID; SELECT 1": "CREATE TABLE a (b TEXT) ; SELECT 1",
		"CREATE TABLE a (b TEXT) without\n\trowid":        "CREATE TABLE a (b TEXT) ",
		"without time zone":                               "without time zone",
		"withoutrowid":                                    "withoutrowid",
	} {
		if got := rewriteSchema(in); got != want {
			t.Errorf("rewriteSchema(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	for _, s := range []string{"a = ?", "'?'?\"?\"", "--?\n?", "/*?*/?", "'", "/*", "??", "ü?", "''''?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var size, marks int
		var rebuilt strings.Builder
		for rest := s; len(rest) > 0; {
			n, code := token(rest)
			if n < 1 || n > len(rest) {
				t.Fatalf("token(%q) = %d", rest, n)
			}
			if code && rest[0] == '?' {
				marks++
			} else {
				rebuilt.WriteString(rest[:n])
			}
			rest = rest[n:]
			size += n
		}
		if size != len(s) || rebuilt.Len() != len(s)-marks {
			t.Fatalf("tokens of %q do not add up", s)
		}
		// What is rewritten once has no mark left to rewrite.
		once := rewrite(s)
		if again := rewrite(once); again != once {
			t.Fatalf("rewrite(%q) = %q, and again %q", s, once, again)
		}
		if plain := rewriteSchema(s); !strings.ContainsAny(s, "bBwW") && plain != s {
			t.Fatalf("rewriteSchema(%q) = %q", s, plain)
		}
	})
}
