package fakeexchange

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"postern.dev/postern/internal/directory"
	"postern.dev/postern/internal/mail"
)

func owner(domain string) directory.Owner {
	return directory.Owner{ID: "contoso", Owns: func(d string) bool { return d == domain }}
}

// crowd is the file of a crowd and what was read from it.
func crowd(t testing.TB, users int) ([]byte, *directory.Directory) {
	t.Helper()
	var b bytes.Buffer
	if err := (Crowd{Tenant: "contoso", Domain: "contoso.example", Users: users, Seed: 7}).Write(&b, time.Now()); err != nil {
		t.Fatal(err)
	}
	d, bad := directory.Load("crowd", bytes.NewReader(b.Bytes()), owner("contoso.example"))
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	return b.Bytes(), d
}

// TestACrowdIsKnown holds memberships of 50,000 people in groups on six levels,
// with circles, against a walk through the file.
func TestACrowdIsKnown(t *testing.T) {
	if testing.Short() {
		t.Skip("too slow with the race detector; the stage without it runs this")
	}
	text, d := crowd(t, 50_000)
	size := d.Size()
	if size.Users != 50_000 || size.Groups < 9000 || size.Contacts != 1000 {
		t.Fatalf("%+v", size)
	}
	members := map[string][]string{}
	canonical := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var l directory.Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		for _, a := range l.Aliases {
			canonical[strings.TrimPrefix(strings.ToLower(a), "smtp:")] = l.Address
		}
		if l.Kind == "group" && l.Members != nil {
			members[l.Address] = *l.Members
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	groups := d.Groups()
	for range 200 {
		g := groups[r.IntN(len(groups))]
		reached := map[string]bool{string(g.Address()): true}
		people := 0
		for line := []string{string(g.Address())}; len(line) > 0; line = line[1:] {
			for _, m := range members[line[0]] {
				if c, alias := canonical[m]; alias {
					m = c
				}
				if reached[m] {
					continue
				}
				reached[m] = true
				if _, isGroup := members[m]; isGroup {
					line = append(line, m)
				} else {
					people++
				}
			}
		}
		if got := g.Count().People; got != people {
			t.Errorf("%s: %d people, want %d", g.Name(), got, people)
		}
		for range 50 {
			e, _ := d.Find(mail.Address((Crowd{Domain: "contoso.example"}).address(r.IntN(50_000))))
			if e.In(g) != reached[string(e.Address())] || (e.Path(g) != nil) != e.In(g) {
				t.Errorf("%s in %s: %v", e.Address(), g.Name(), e.In(g))
			}
		}
	}
	e, _ := d.Find("person0@contoso.example")
	top, _ := d.Find("all-0@contoso.example")
	if got := e.Words(top); got != "Person 0 is in All 0 via Team 0, Department 0, Division 0, Site 0, Region 0" {
		t.Error(got)
	}
}

func TestThePretendTenantsDirectoryIsWhole(t *testing.T) {
	setup, err := ReadySetup("postern", DefaultParams())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteDirectory(&b, "contoso", setup, time.Now()); err != nil {
		t.Fatal(err)
	}
	d, bad := directory.Load("setup", &b, owner("contoso.example"))
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	ann, _ := d.Find("ann@contoso.example")
	sales, _ := d.Find("sales@contoso.example")
	if boss, ok := ann.Manager(); !ok || boss.Name() != "Boss" || !ann.In(sales) || d.Unresolved != 0 {
		t.Errorf("%v %v %d", ok, ann.In(sales), d.Unresolved)
	}
}

// BenchmarkCrowd is a directory of 50,000 people: reading it, its memory, and
// what a question costs.
func BenchmarkCrowd(b *testing.B) {
	text, d := crowd(b, 50_000)
	b.Run("load", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var kept *directory.Directory
		for b.Loop() {
			kept, _ = directory.Load("crowd", bytes.NewReader(text), owner("contoso.example"))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-kept")
		b.ReportMetric(float64(len(text))/(1<<20), "MiB-file")
		runtime.KeepAlive(kept)
	})
	e, _ := d.Find("person41234@contoso.example")
	top, _ := d.Find("all-0@contoso.example")
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d.Find("Person41234@contoso.example")
		}
	})
	b.Run("member", func(b *testing.B) {
		for b.Loop() {
			e.In(top)
		}
	})
	b.Run("all-groups", func(b *testing.B) {
		for b.Loop() {
			e.Within()
		}
	})
	b.Run("way", func(b *testing.B) {
		for b.Loop() {
			e.Path(top)
		}
	})
	b.Run("count-of-everybody", func(b *testing.B) {
		for b.Loop() {
			top.Count()
		}
	})
	b.Run("expand-everybody", func(b *testing.B) {
		for b.Loop() {
			top.Expand()
		}
	})
	sum := 0
	for i := range 50_000 {
		x, _ := d.Find(mail.Address((Crowd{Domain: "contoso.example"}).address(i)))
		sum += len(x.Within())
	}
	b.Logf("%d groups, %.1f memberships a person", len(d.Groups()), float64(sum)/50_000)
}
