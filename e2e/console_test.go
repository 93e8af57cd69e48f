//go:build e2e

package e2e

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// link makes a one-time link through the command line.
func (g *gateway) link(t *testing.T) string {
	t.Helper()
	list := lines[struct{ Link string }](t, g.ok(t, "console", "link", "--json"))
	if len(list) != 1 || !strings.HasPrefix(list[0].Link, "http://"+g.console+"/enter/") {
		t.Fatalf("link: %+v", list)
	}
	return list[0].Link
}

func TestTheConsoleInABrowser(t *testing.T) {
	t.Parallel()
	need(t, "chromium", "chromium-browser", "google-chrome")
	g := start(t, setup{})
	for _, m := range [][]byte{message("a quiet note", "Hello\n"), message("card <script>alert(1)</script>", cardText)} {
		sent, _ := routed(m)
		if r := g.send(t, sent); r.Code != 250 {
			t.Fatal(r)
		}
	}
	b := openBrowser(t)
	link := g.link(t)
	b.open(t, link)
	list := b.text(t)
	for _, want := range []string{"a quiet note", "card <script>alert(1)</script>", ann, bob} {
		if !strings.Contains(list, want) {
			t.Errorf("no %q in the list:\n%s", want, list)
		}
	}
	if at := b.value(t, "location.href"); at != "http://"+g.console+"/" {
		t.Errorf("the link led to %s", at)
	}
	looks(t, "list", b.picture(t))

	id := g.recorded(t, 1, "card")[0].ID
	b.open(t, "http://"+g.console+"/m/"+id)
	page := b.text(t)
	for _, want := range []string{"4539", "•", "cards-leave", "custody"} {
		if !strings.Contains(strings.ToLower(page), strings.ToLower(want)) {
			t.Errorf("no %q on the message's page:\n%s", want, page)
		}
	}
	if strings.Contains(page, "1488 0343 6467") || strings.Contains(page, "4539148803436467") {
		t.Error("the page shows a whole card number")
	}
	looks(t, "message", b.picture(t))
	b.open(t, "http://"+g.console+"/m/"+id+"/why")
	page = b.text(t)
	for _, want := range []string{"cards-leave", "findings.credit_card", "yes"} {
		if !strings.Contains(strings.ToLower(page), want) {
			t.Errorf("no %q on the page that says why:\n%s", want, page)
		}
	}
	if strings.Contains(page, "1488 0343 6467") {
		t.Error("the page that says why shows a whole card number")
	}
	for _, view := range []struct {
		name  string
		width int
		dark  bool
	}{{"why", 1100, false}, {"why-phone", 320, false}, {"why-dark", 1100, true}} {
		b.view(t, view.width, view.dark)
		looks(t, view.name, b.picture(t))
	}
	if bad := b.complaints(); len(bad) > 0 {
		t.Errorf("the browser complains: %v", bad)
	}

	// The link works once, and nobody comes in without one.
	if code := status(t, g.console, link[len("http://"+g.console):], g.console); code != http.StatusForbidden {
		t.Errorf("a used link: %d", code)
	}
	if code := status(t, g.console, "/", g.console); code != http.StatusUnauthorized {
		t.Errorf("without a session: %d", code)
	}
	if code := status(t, g.console, "/", "evil.example"); code != http.StatusMisdirectedRequest {
		t.Errorf("another Host: %d", code)
	}
}

// looks checks that a picture is one and shows more than one color.
func looks(t *testing.T, name string, picture []byte) {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	must(t, err)
	seen := map[[3]uint32]bool{}
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y += 3 {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x += 3 {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}] = true
		}
	}
	if len(seen) < 10 {
		t.Errorf("the page %s shows %d colors", name, len(seen))
	}
	if dir := os.Getenv("E2E_PICTURES"); dir != "" {
		must(t, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600))
	}
}

func status(t *testing.T, address, path, host string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
	must(t, err)
	req.Host = host
	res, err := http.DefaultTransport.RoundTrip(req)
	must(t, err)
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// visit enters the console and returns what its pages say.
func (g *gateway) visit(t *testing.T, paths ...string) (pages map[string]string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	client := &http.Client{Jar: jar}
	pages = map[string]string{}
	fetch := func(url, path string) {
		res, err := client.Get(url)
		must(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		must(t, err)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		pages[path] = string(text)
	}
	fetch(g.link(t), "/")
	for _, p := range paths {
		fetch("http://"+g.console+p, p)
	}
	return pages
}
