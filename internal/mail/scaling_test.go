package mail_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/mail"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	postern "postern.dev/postern/internal/mail"
)

type hostileCase struct {
	name    string
	message []byte
}

// hostile are messages that make a careless parser slow.
func hostile() []hostileCase {
	var nested strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=b%04d\r\n\r\n--b%04d\r\n", i, i)
	}
	var same strings.Builder
	for range 2000 {
		same.WriteString("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n")
	}
	messages := strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 3000)
	mixed := "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
	return []hostileCase{
		{"2000 nested multiparts", []byte(nested.String())},
		{"2000 nested multiparts of one boundary", []byte(same.String())},
		{"3000 nested messages", []byte(messages)},
		{"20000 parts", []byte(mixed + strings.Repeat("--x\r\n\r\na\r\n", 20000))},
		{"20000 delimiters and nothing else", []byte(mixed + strings.Repeat("--x\r\n", 20000))},
		{"100000 header fields", []byte(strings.Repeat("a: b\r\n", 100000) + "\r\nc")},
		{"a header line of 1 MiB", []byte("a: " + strings.Repeat("x", 1<<20) + "\r\nb: c\r\n\r\nd")},
		{"a header folded 100000 times", []byte("a: b\r\n" + strings.Repeat(" c\r\n", 100000) + "\r\nd")},
		{"a body line of 2 MiB", []byte("a: b\r\n\r\n" + strings.Repeat("x", 2<<20))},
		{"200000 dashes", []byte(mixed + strings.Repeat("--y\r\n", 200000))},
		{"a line of bare CRs", []byte(mixed + strings.Repeat("\r--x", 100000))},
		{"1000 Content-Type fields",
			[]byte(strings.Repeat("Content-Type: multipart/mixed; boundary=x\r\n", 1000) + "\r\n--x\r\n")},
		{"a Content-Type of 1 MiB of parameters",
			[]byte("Content-Type: a/b" + strings.Repeat("; n=(", 200000) + "\r\n\r\n")},
		{"10000 uuencoded files", []byte("\r\n" + strings.Repeat("begin 644 a\r\n`\r\nend\r\n", 10000))},
		{"only white space", []byte(strings.Repeat(" \r\n", 300000))},
		{"only NUL", make([]byte, 1<<20)},
	}
}

// counted counts what is read of a body.
type counted struct {
	postern.Body
	octets, calls atomic.Int64
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Body.ReadAt(p, off)
	c.octets.Add(int64(n))
	c.calls.Add(1)
	return n, err
}

func TestNothingIsReadMoreThanOnceOrTwice(t *testing.T) {
	for _, c := range hostile() {
		t.Run(c.name, func(t *testing.T) {
			body := &counted{Body: postern.Bytes(c.message)}
			m := postern.Parse(body, postern.Limits{})
			if n := body.octets.Load(); n > 2*int64(len(c.message)) {
				t.Errorf("%d octets were read of %d", n, len(c.message))
			}
			if n := len(m.Parts()); n > 10_002 {
				t.Errorf("%d parts", n)
			}
			if m.Root.Range.End != int64(len(c.message)) {
				t.Errorf("the index ends at %d of %d", m.Root.Range.End, len(c.message))
			}
		})
	}
}

func TestLimitsAreSaidAndTheRestStaysReadable(t *testing.T) {
	has := func(m *postern.Message, cause postern.Cause) bool {
		for _, u := range m.Unseen {
			if u.Reason == cause {
				return true
			}
		}
		return false
	}
	text := func(m *postern.Message) string {
		var b strings.Builder
		for _, p := range m.Leaves() {
			io.Copy(&b, p.Open())
		}
		return b.String()
	}
	deep := hostile()[0].message
	m := postern.Parse(postern.Bytes(append(deep, "\r\nneedle\r\n"...)), postern.Limits{})
	if !has(m, postern.TooDeep) || !strings.Contains(text(m), "needle") {
		t.Errorf("too deep: %v", m.Unseen)
	}
	many := append(bytes.Clone(hostile()[3].message), "--x\r\n\r\nneedle\r\n--x--\r\n"...)
	m = postern.Parse(postern.Bytes(many), postern.Limits{})
	if !has(m, postern.TooManyParts) || !strings.Contains(text(m), "needle") {
		t.Errorf("too many parts: %v", m.Unseen)
	}
}

func TestAViewIsReadByManyAtOnceAndInAnyOrder(t *testing.T) {
	inner := "\r\n" + strings.Repeat("0123456789abcdef", 200_000)
	m := postern.Parse(postern.Bytes("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"+
		wrap(inner)), postern.Limits{})
	body := m.Leaves()[0].Body
	if body.Size() != int64(len(inner)) {
		t.Fatalf("size %d, want %d", body.Size(), len(inner))
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			buf := make([]byte, 1000*(i+1))
			for j := range 20 {
				off := int64((j*7919*(i+1) + 13) * 37 % len(inner))
				n, err := body.ReadAt(buf, off)
				if string(buf[:n]) != inner[off:off+int64(n)] || n < len(buf) && err != io.EOF {
					t.Errorf("%d octets at %d differ, %v", n, off, err)
				}
			}
		})
	}
	all.Wait()
}

// endless is a large body that lies nowhere.
type endless struct {
	head string
	line string
	size int64
}

func (e endless) Size() int64 { return e.size }

func (e endless) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off+int64(n) < e.size {
		at := off + int64(n)
		if at < int64(len(e.head)) {
			n += copy(p[n:], e.head[at:])
			continue
		}
		n += copy(p[n:], e.line[(at-int64(len(e.head)))%int64(len(e.line)):])
	}
	if int64(n) > e.size-off {
		n = int(e.size - off)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func TestALargeMessageIsIndexedInLittleMemory(t *testing.T) {
	body := endless{
		head: "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: application/zip\r\n" +
			"Content-Transfer-Encoding: base64\r\n\r\n",
		line: strings.Repeat("QUJD", 19) + "\r\n",
		size: 150 << 20,
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := &counted{Body: body}
	m := postern.Parse(c, postern.Limits{})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("%d octets were allocated", n)
	}
	if c.octets.Load() > body.size || len(m.Leaves()) != 1 {
		t.Errorf("%d octets read, %d leaves", c.octets.Load(), len(m.Leaves()))
	}
}

func TestAnEncodedMessageIsReadWithoutHoldingIt(t *testing.T) {
	inner := strings.Repeat("Hello, this is a line of an attached message, again and again.\r\n", 40000)
	head := "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	message := head + wrap("Subject: inner\r\n\r\n"+inner)
	body := &counted{Body: postern.Bytes(message)}
	m := postern.Parse(body, postern.Limits{})
	leaves := m.Leaves()
	if len(leaves) != 1 || leaves[0].Path != "1.1" {
		t.Fatalf("%s", outline(m))
	}
	if n := body.octets.Load(); n > 5*int64(len(message)) {
		t.Errorf("%d octets were read of %d", n, len(message))
	}
	body.octets.Store(0)
	got, err := io.ReadAll(leaves[0].Open())
	if err != nil || string(got) != inner {
		t.Errorf("%d octets of %d, %v", len(got), len(inner), err)
	}
	if n := body.octets.Load(); n > 8*int64(len(message)) {
		t.Errorf("%d octets were read of %d", n, len(message))
	}
}

// message is a multipart with three attachments, 1.1 MB.
func benchMessage() []byte {
	var b bytes.Buffer
	b.WriteString("From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=xyz\r\n\r\n")
	b.WriteString("--xyz\r\nContent-Type: text/plain\r\n\r\nhello\r\n")
	data := make([]byte, 270_000)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	for i := range 3 {
		fmt.Fprintf(&b, "--xyz\r\nContent-Type: application/pdf; name=\"%d.pdf\"\r\n"+
			"Content-Disposition: attachment; filename=\"%d.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n", i, i)
		b.WriteString(wrap(string(data)))
	}
	b.WriteString("--xyz--\r\n")
	return b.Bytes()
}

func BenchmarkIndex(b *testing.B) {
	data := benchMessage()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if m := postern.Parse(postern.Bytes(data), postern.Limits{}); len(m.Leaves()) != 4 {
			b.Fatal("leaves")
		}
	}
}

func BenchmarkIndexAndDecode(b *testing.B) {
	data := benchMessage()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for _, p := range postern.Parse(postern.Bytes(data), postern.Limits{}).Leaves() {
			io.Copy(io.Discard, p.Open())
		}
	}
}

func BenchmarkStandardLibrary(b *testing.B) {
	data := benchMessage()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		m, err := mail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		r := multipart.NewReader(m.Body, "xyz")
		for {
			p, err := r.NextPart()
			if err != nil {
				break
			}
			io.Copy(io.Discard, base64.NewDecoder(base64.StdEncoding, p))
		}
	}
}
