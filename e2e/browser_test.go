//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is a headless Chromium, spoken to over two pipes by the DevTools
// protocol: JSON documents, each ended by a NUL.
type browser struct {
	in      *os.File
	session string

	mu     sync.Mutex
	last   int
	wait   map[int]chan answer
	loaded chan struct{}
	faults []string // what the console of the browser says
}

type answer struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func openBrowser(t *testing.T, flags ...string) *browser {
	t.Helper()
	program := need(t, "chromium", "chromium-browser", "google-chrome")
	theirIn, ourOut, err := os.Pipe()
	must(t, err)
	ourIn, theirOut, err := os.Pipe()
	must(t, err)
	dir := folder(t)
	cmd := exec.Command(program, append(flags, "--headless", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-extensions", "--hide-scrollbars",
		"--window-size=1280,900", "--user-data-dir="+filepath.Join(dir, "profile"), "--remote-debugging-pipe", "about:blank")...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // its 3 and 4
	log := &transcript{}
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	theirIn.Close()
	theirOut.Close()
	b := &browser{in: ourOut, wait: map[int]chan answer{}, loaded: make(chan struct{}, 100)}
	go b.listen(ourIn)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("chromium:\n%s", log.tail(2000))
		}
		_ = b.send(0, "Browser.close", nil, "")
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		ourOut.Close()
	})
	var target struct{ TargetID string }
	b.call(t, "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(t, domain+".enable", nil, nil)
	}
	return b
}

func (b *browser) listen(from *os.File) {
	r := bufio.NewReader(from)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var a answer
		if json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &a) != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case a.ID != 0 && b.wait[a.ID] != nil:
			b.wait[a.ID] <- a
			delete(b.wait, a.ID)
		case a.Method == "Page.loadEventFired":
			b.loaded <- struct{}{}
		case a.Method == "Runtime.exceptionThrown",
			a.Method == "Log.entryAdded" && strings.Contains(string(a.Params), `"level":"error"`),
			a.Method == "Runtime.consoleAPICalled" && strings.Contains(string(a.Params), `"type":"error"`):
			b.faults = append(b.faults, string(a.Params))
		}
		b.mu.Unlock()
	}
}

func (b *browser) send(id int, method string, params any, session string) error {
	m := map[string]any{"id": id, "method": method}
	if params != nil {
		m["params"] = params
	}
	if session != "" {
		m["sessionId"] = session
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = b.in.Write(append(text, 0))
	return err
}

func (b *browser) call(t *testing.T, method string, params, result any) {
	t.Helper()
	b.mu.Lock()
	b.last++
	id, ch := b.last, make(chan answer, 1)
	b.wait[id] = ch
	b.mu.Unlock()
	must(t, b.send(id, method, params, b.session))
	select {
	case a := <-ch:
		if a.Error != nil {
			t.Fatalf("%s: %s", method, a.Error.Message)
		}
		if result != nil {
			must(t, json.Unmarshal(a.Result, result))
		}
	case <-time.After(slack):
		t.Fatalf("chromium does not answer %s", method)
	}
}

// open goes to a page and waits until it is there.
func (b *browser) open(t *testing.T, url string) {
	t.Helper()
	for len(b.loaded) > 0 {
		<-b.loaded
	}
	b.call(t, "Page.navigate", map[string]any{"url": url}, nil)
	b.arrived(t)
}

func (b *browser) arrived(t *testing.T) {
	t.Helper()
	select {
	case <-b.loaded:
	case <-time.After(slack):
		t.Fatal("the page does not load")
	}
}

// value evaluates an expression that is a string.
func (b *browser) value(t *testing.T, expression string) string {
	t.Helper()
	var r struct {
		Result struct{ Value any }
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true}, &r)
	return fmt.Sprint(r.Result.Value)
}

func (b *browser) text(t *testing.T) string { return b.value(t, "document.body.innerText") }

// view is the width of the window, and whether the reader wants dark pages.
func (b *browser) view(t *testing.T, width int, dark bool) {
	t.Helper()
	b.call(t, "Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": 1400, "deviceScaleFactor": 1, "mobile": width < 500,
	}, nil)
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	b.call(t, "Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
}

// picture is a screenshot of what a person sees.
func (b *browser) picture(t *testing.T) []byte {
	t.Helper()
	var r struct{ Data string }
	b.call(t, "Page.captureScreenshot", map[string]any{"format": "png"}, &r)
	png, err := base64.StdEncoding.DecodeString(r.Data)
	must(t, err)
	return png
}

func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.faults...)
}
