//go:build e2e

package e2e

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// megabytes reads a line of /proc/PID/status.
func megabytes(t *testing.T, pid int, name string) float64 {
	t.Helper()
	n, ok := memoryOf(pid, name)
	if !ok {
		t.Fatalf("no %s in /proc/%d/status", name, pid)
	}
	return n
}

// memoryOf is megabytes for a process that may end at any time; ok is false
// when it has.
func memoryOf(pid int, name string) (n float64, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err == nil
		}
	}
	return 0, false
}

// forgetPeak makes VmHWM begin at what is resident now.
func forgetPeak(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o600)
}

func TestALargeMessageCostsLessThan64MiB(t *testing.T) {
	const size = 150 << 20
	s := newSink(t)
	s.marker = "X-MS-Exchange-CrossTenant-Id: "
	g := start(t, setup{sink: s})
	small, _ := routed(message("small", "Hello\n"))
	if r := g.send(t, small); r.Code != 250 {
		t.Fatal(r)
	}
	forgetPeak(g.pid)
	idle := megabytes(t, g.pid, "VmRSS")

	head := strings.ReplaceAll("From: "+ann+"\nTo: "+bob+"\nSubject: large\nMessage-ID: <"+unique()+"@contoso.example>\n"+
		"Date: Sun, 22 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"+
		"--b\nContent-Type: text/plain\n\nSee the file.\n--b\nContent-Type: application/octet-stream; name=plan.bin\n"+
		"Content-Disposition: attachment; filename=plan.bin\nContent-Transfer-Encoding: base64\n\n", "\n", "\r\n")
	sent, back := routed([]byte(head))
	tail := "--b--\r\n"
	lines := int64(size / 78)
	c := g.dial(t)
	if r, err := c.envelope(ann, bob); err != nil || r.Code != 250 {
		t.Fatal(r, err)
	}
	out := bufio.NewWriterSize(c.conn, 1<<16)
	fmt.Fprintf(out, "BDAT %d LAST\r\n", int64(len(sent))+lines*78+int64(len(tail)))
	hash := sha256.New()
	both := io.MultiWriter(out, hash)
	_, _ = out.Write(sent[:len(sent)-len(back)])
	_, _ = both.Write(back)
	random := rand.NewChaCha8([32]byte{1})
	raw, line := make([]byte, 57), make([]byte, 78)
	line[76], line[77] = '\r', '\n'
	for range lines {
		_, _ = random.Read(raw)
		base64.StdEncoding.Encode(line, raw)
		_, _ = both.Write(line)
	}
	_, _ = io.WriteString(both, tail)
	must(t, out.Flush())
	r, err := c.read()
	must(t, err)
	if r.Code != 250 {
		t.Fatal(r)
	}
	peak, now := megabytes(t, g.pid, "VmHWM"), megabytes(t, g.pid, "VmRSS")
	t.Logf("150 MiB through the gateway: resident %.1f MiB idle, %.1f MiB at most (+%.1f), %.1f MiB after",
		idle, peak, peak-idle, now)
	for _, pid := range offspring(g.pid) {
		most, _ := memoryOf(pid, "VmHWM")
		now, _ := memoryOf(pid, "VmRSS")
		t.Logf("child %d: resident %.1f MiB at most, %.1f MiB after", pid, most, now)
	}
	if peak-idle > 64 {
		t.Errorf("the message cost %.1f MiB of memory, more than 64", peak-idle)
	}
	all := s.got()
	last := all[len(all)-1]
	if want := [sha256.Size]byte(hash.Sum(nil)); last.Sum != want {
		t.Error("the octets at the next hop are not those that came")
	}
	if rec := g.recorded(t, 1, "large"); rec[0].Way != "cut-through" {
		t.Errorf("record: %+v", rec)
	}
}
