package power

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
)

// committed is what SQLite's recovery takes of a log.
func committed(log []byte) []byte {
	return log[:walScan{}.on(image{durable: log}.window).commit]
}

// TestSQLiteReadsWhatIsCommittedOfALog tears and turns a log at many places:
// the database must hold what it holds with the committed part alone.
func TestSQLiteReadsWhatIsCommittedOfALog(t *testing.T) {
	dir := t.TempDir()
	base, log := logOf(t, filepath.Join(dir, "made"))
	if whole := committed(log); len(whole) != len(log) {
		t.Fatalf("%d of %d octets are committed", len(whole), len(log))
	}
	lengths := map[int]bool{}
	try := func(what string, at int, broken []byte) {
		t.Helper()
		part := committed(broken)
		lengths[len(part)] = true
		got, want := rowsIn(t, filepath.Join(dir, "a"), base, broken), rowsIn(t, filepath.Join(dir, "b"), base, part)
		if got != want {
			t.Errorf("%s at %d of %d: %d rows, and %d of the %d octets that are committed", what, at, len(log), got, want, len(part))
		}
	}
	for at := 0; at < len(log); at += len(log)/11 + 7 {
		try("cut off", at, log[:at])
		flipped := append([]byte(nil), log...)
		flipped[at] ^= 1
		try("one bit turned", at, flipped)
		empty := append([]byte(nil), log...)
		clear(empty[at:])
		try("zeros", at, empty)
	}
	if len(lengths) < 5 {
		t.Errorf("only %d committed parts", len(lengths))
	}
}

// TestALogThatIsReadInPartsIsReadAlike lets the marks go on from what is
// durable, and read all of it.
func TestALogThatIsReadInPartsIsReadAlike(t *testing.T) {
	_, log := logOf(t, filepath.Join(t.TempDir(), "made"))
	parts, chance := newMarks(), rand.New(rand.NewPCG(1, 2))
	marks := map[string]bool{}
	for n := range 400 {
		f := &file{id: n / 20}
		durable := f.id * len(log) / 20
		f.durable = log[:durable]
		for at := durable; at < len(log); {
			end := min(at+24+chance.IntN(5000), len(log))
			f.change(change{off: int64(at), data: log[at:end]})
			at = end
		}
		switch n % 4 {
		case 1:
			f.change(change{off: int64(chance.IntN(len(log))), data: []byte("another")})
		case 2:
			f.change(change{off: int64(chance.IntN(len(log))), truncate: true})
		}
		i := image{fmt.Sprint(f.id), fmt.Sprint(n), f.durable, f.pending, lots(f.pending, chance)}
		at := chance.IntN(len(log))
		if got, all := i.window(at, 700), i.octets(); string(got) != string(all[min(at, len(all)):min(at+700, len(all))]) {
			t.Fatalf("%d: other octets at %d", n, at)
		}
		mark := parts.read("x-wal", i)
		if want := (walScan{}).on(image{durable: i.octets()}.window).read(); mark != want {
			t.Errorf("%d: %q, want %q", n, mark, want)
		}
		marks[mark] = true
	}
	if len(marks) < 8 {
		t.Errorf("only %d marks", len(marks))
	}
}

// logOf is a database and its log of ten commits.
func logOf(t *testing.T, dir string) (base, log []byte) {
	t.Helper()
	path := filepath.Join(dir, "x.db")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"PRAGMA journal_mode = wal", "CREATE TABLE t (n)", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if _, err := db.Exec("INSERT INTO t SELECT randomblob(3000) FROM (SELECT 1 UNION SELECT 2)"); err != nil {
			t.Fatal(err)
		}
	}
	if base, err = os.ReadFile(path); err == nil {
		log, err = os.ReadFile(path + "-wal")
	}
	if err != nil {
		t.Fatal(err)
	}
	return base, log
}

// rowsIn counts what SQLite reads from a database and its log.
func rowsIn(t *testing.T, dir string, base, log []byte) (n int) {
	t.Helper()
	path := filepath.Join(dir, "x.db")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.WriteFile(path, base, 0o600)
	}
	if err == nil {
		err = os.WriteFile(path+"-wal", log, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
