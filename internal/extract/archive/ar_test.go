package archive

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestAr(t *testing.T) {
	file := func(name, content string) string {
		s := fmt.Sprintf("%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", name, 0, 0, 0, 0o644, len(content), content)
		return s + strings.Repeat("\n", len(content)%2)
	}
	p := &page{}
	in := "!<arch>\n" + file("//", "a very long name.txt/\n") + file("a.txt/", "odd") + file("/0", "text") + file("#1/4", "namedata")
	if err := Ar(strings.NewReader(in), p); err != nil || len(p.notes) > 0 {
		t.Errorf("%v %v", err, p.notes)
	}
	for _, want := range []string{"<a.txt: odd>", "<a very long name.txt: text>", "<name: data>"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("no %s in %q", want, p.String())
		}
	}
	p = &page{}
	if err := Ar(strings.NewReader(in[:len(in)-2]), p); err != nil || !slices.Contains(p.notes, "malformed") {
		t.Errorf("cut off: %v %v", err, p.notes)
	}
}

func TestCpio(t *testing.T) {
	file := func(name, content string) string {
		s := "070701" + strings.Repeat("0", 48) + fmt.Sprintf("%08x", len(content)) + strings.Repeat("0", 32) +
			fmt.Sprintf("%08x", len(name)+1) + strings.Repeat("0", 8) + name + "\x00"
		s += strings.Repeat("\x00", (4-len(s)%4)%4) + content
		return s + strings.Repeat("\x00", (4-len(content)%4)%4)
	}
	p := &page{}
	if err := Cpio(strings.NewReader(file("a.txt", "first")+file("dir/b", "two")+file("TRAILER!!!", "")), p); err != nil || len(p.notes) > 0 ||
		p.String() != "[names in the archive]a.txt\n<a.txt: first>dir/b\n<dir/b: two>" {
		t.Errorf("%v %q %v", err, p.String(), p.notes)
	}
	p = &page{}
	if err := Cpio(strings.NewReader("070707000"), p); err != nil || !slices.Contains(p.notes, "unsupported") {
		t.Errorf("old: %v %v", err, p.notes)
	}
}

func FuzzAr(f *testing.F) {
	f.Add("!<arch>\na.txt/          0           0     0     644     3         `\nodd\n")
	f.Add("070701" + strings.Repeat("0", 104))
	f.Fuzz(func(t *testing.T, s string) {
		_ = Ar(strings.NewReader(s), &bounded{})
		_ = Cpio(strings.NewReader(s), &bounded{})
	})
}
