//go:build e2e

package power

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/problem"
	"postern.dev/postern/internal/spool"
	"postern.dev/postern/internal/store"
	"postern.dev/postern/internal/task"
)

// waiting is a gateway that has taken mail while the next hop was down, and
// was ended: everything lies on the disk and waits to be sent.
type waiting struct {
	*recording
	dir  string // the folder with data and key
	rows map[string]Row
}

// logged collects what a gateway logs.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve runs a gateway in this process on the folder dir. With a next hop it
// delivers there, without one nobody answers.
func (r *recording) serve(t *testing.T, dir string, hop *nextHop, log *logged) (*app.App, error) {
	t.Helper()
	conf, err := app.ReadConfig(r.config)
	must(t, err)
	conf.Data, conf.Keys = filepath.Join(dir, "data"), "file:"+filepath.Join(dir, "postern.key")
	conf.Retry.Schedule = []time.Duration{time.Hour}
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody there") }
	if hop != nil {
		conf.Retry.Schedule = []time.Duration{10 * time.Millisecond}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		t.Cleanup(func() { ln.Close() })
		go hop.serve(ln)
		dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, ln.Addr().String())
		}
	}
	a, err := app.Open(t.Context(), conf, app.World{InProcess: true, Dial: dial, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		return nil, err
	}
	return a, a.Start(t.Context())
}

// wait takes n messages into custody, every tenth of them a large one.
func wait(t *testing.T, n int) *waiting {
	t.Helper()
	w := &waiting{recording: prepare(t, ""), dir: scratch(t)}
	w.raws = map[string][]byte{}
	a, err := w.serve(t, w.dir, nil, &logged{})
	must(t, err)
	ln, err := net.Listen("tcp", w.front)
	must(t, err)
	a.Serve(ln)
	for i := range n {
		s := sort{subject: "archive-it", text: "Hello\r\n", to: []string{"bob@fabrikam.example"}}
		if i%10 == 9 {
			s.size = 200_000
		}
		must(t, w.send(s))
	}
	must(t, a.Close())
	found := TakeInventory(t.Context(), w.dir, w.config)
	w.rows = found.Rows
	if len(found.Wrong) > 0 || len(w.rows) != n {
		t.Fatalf("%d of %d messages are there: %v", len(w.rows), n, found.Wrong)
	}
	return w
}

func (w *waiting) body(row Row) string {
	return filepath.Join(w.dir, "data/bodies", row.File[:1], row.File)
}

// flip turns one bit of a file.
func flip(t *testing.T, path string, at int64, bit uint) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	must(t, err)
	b[0] ^= 1 << bit
	_, err = f.WriteAt(b[:], at)
	must(t, err)
}

// positions are the places of a body file that are tried: every octet of the
// head (magic, version, key id) and of the trailer (length, hash, magic), and
// places all over the age header and the stream between them.
func positions(size int64, n int, chance *rand.Rand) []int64 {
	var list []int64
	for i := range int64(16) {
		list = append(list, i)
	}
	for i := range int64(48) {
		list = append(list, size-1-i)
	}
	for i := int64(16); i < 220 && len(list) < n; i += 5 {
		list = append(list, i)
	}
	for len(list) < n {
		list = append(list, 16+chance.Int64N(size-64))
	}
	return list
}

// TestOneFlippedBitOfABodyIsFoundBeforeASend turns one bit of each of many
// body files, each at another place.
func TestOneFlippedBitOfABodyIsFoundBeforeASend(t *testing.T) {
	const n, whole = 130, 5
	w := wait(t, n)
	chance := rand.New(rand.NewPCG(1, 1))
	var rows []Row
	for _, id := range slices.Sorted(maps.Keys(w.rows)) {
		rows = append(rows, w.rows[id])
	}
	info, err := os.Stat(w.body(rows[0]))
	must(t, err)
	places := positions(info.Size(), n-whole, chance)
	flipped := map[string]int64{} // by id
	for i, row := range rows[whole:] {
		info, err := os.Stat(w.body(row))
		must(t, err)
		at := places[i] % info.Size()
		if info.Size() > 100_000 { // a chunk that is not the first
			at = 66_000 + chance.Int64N(info.Size()-70_000)
		}
		flip(t, w.body(row), at, uint(chance.IntN(8)))
		flipped[row.ID] = at
	}

	hop, log := &nextHop{}, &logged{}
	a, err := w.serve(t, w.dir, hop, log)
	must(t, err)
	defer a.Close()
	retry(t, a)
	var tasks []task.Task
	for until := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		ans, err := a.Do(t.Context(), "queue-list", app.Call{}, "test")
		must(t, err)
		tasks = ans.Tasks
		if !slices.ContainsFunc(tasks, func(k task.Task) bool { return k.Stuck == "" }) {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("tasks are still tried: %+v", tasks[0])
		}
	}
	if len(hop.copies()) != 2*whole {
		t.Errorf("%d copies of %d whole messages left, 2 are expected of each", len(hop.copies()), whole)
	}
	shown := map[string]bool{}
	for _, k := range tasks {
		shown[k.Message] = true
		if k.Stuck != problem.BodyUnreadable {
			t.Errorf("%s is stuck by %s", k.Message, k.Stuck)
		}
	}
	text := log.String()
	for id, at := range flipped {
		token := w.rows[id].Token
		if hop.took(token, "") {
			t.Errorf("octet %d: the message left", at)
		}
		if !shown[id] {
			t.Errorf("octet %d: the queue does not show it", at)
		}
		if !strings.Contains(text, string(problem.BodyDamaged)) || !strings.Contains(text, "msg_id="+id) {
			t.Errorf("octet %d: no problem is raised", at)
		}
		err := a.DB.View(t.Context(), func(tx *store.Tx) error {
			m, err := spool.Get(tx, id)
			if err == nil && m.BytesGone {
				err = errors.New("its octets are erased")
			}
			return err
		})
		if err != nil {
			t.Errorf("octet %d: the row is not kept: %v", at, err)
		}
	}
	if _, lines, err := a.Balance(t.Context()); err != nil || len(lines) > 0 {
		t.Errorf("balance: %v %v", lines, err)
	}
	t.Logf("%d bits flipped in as many bodies: none left, all are shown with %s", len(flipped), problem.BodyUnreadable)
}

func retry(t *testing.T, a *app.App) {
	t.Helper()
	_, err := a.Do(t.Context(), "queue-retry", app.Call{All: true}, "test")
	must(t, err)
}

// TestAFlippedBitOfTheDatabaseNeverLeadsToOtherMail turns one bit of the
// database, many times over, and lets the gateway send what waits. What is
// not noticed must not matter: octets and recipients are those that came.
func TestAFlippedBitOfTheDatabaseNeverLeadsToOtherMail(t *testing.T) {
	w := wait(t, 6)
	n := 12
	if long() {
		n = 2000
	}
	path := filepath.Join(w.dir, "data/postern.db")
	info, err := os.Stat(path)
	must(t, err)
	chance := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	dir := filepath.Join(scratch(t), "flipped")
	for range n {
		at, bit := chance.Int64N(info.Size()), uint(chance.IntN(8))
		must(t, os.CopyFS(dir, os.DirFS(w.dir)))
		flip(t, filepath.Join(dir, "data/postern.db"), at, bit)
		class, wrong := w.afterFlip(t, dir)
		seen[class]++
		for _, what := range wrong {
			t.Errorf("bit %d of octet %d (%s): %s", bit, at, class, what)
		}
		must(t, os.RemoveAll(dir))
	}
	t.Logf("%d bits of %d octets flipped, one at a time: %v", n, info.Size(), seen)
}

// afterFlip opens a database with a flipped bit, says who noticed, and lists
// what left that should not have.
func (w *waiting) afterFlip(t *testing.T, dir string) (class string, wrong []string) {
	t.Helper()
	class = "not noticed, and nothing of it mattered"
	if found := TakeInventory(t.Context(), dir, w.config); len(found.Wrong) > 0 {
		class = "found when it is opened or checked"
	}
	hop, log := &nextHop{}, &logged{}
	a, err := w.serve(t, dir, hop, log)
	if err != nil {
		return "refused at start", nil
	}
	defer a.Close()
	_, _ = a.Do(t.Context(), "queue-retry", app.Call{All: true}, "test")
	for until := time.Now().Add(3 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		ans, err := a.Do(t.Context(), "queue-list", app.Call{}, "test")
		if err != nil || !slices.ContainsFunc(ans.Tasks, func(k task.Task) bool { return k.Stuck == "" }) {
			break
		}
	}
	for _, c := range hop.copies() {
		raw := w.raws[c.token]
		_, back, _ := bytes.Cut(raw, []byte("\r\n")) // the reserved field stands first
		front, whole := bytes.CutSuffix(c.raw, back)
		switch {
		case raw == nil:
			wrong = append(wrong, "something left that nobody sent")
		case !whole || bytes.Contains(front, []byte(secret)):
			wrong = append(wrong, fmt.Sprintf("%s left with other octets", c.token))
		case len(c.to) != 1 || c.to[0] != "bob@fabrikam.example" && c.to[0] != "archive@contoso.example":
			wrong = append(wrong, fmt.Sprintf("%s left for %v", c.token, c.to))
		}
	}
	return class, wrong
}
