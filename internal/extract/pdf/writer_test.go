package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
)

// writer makes small documents.
type writer struct {
	objects []string
	root    int
	trailer string // more entries
}

func (w *writer) add(body string) int {
	w.objects = append(w.objects, body)
	return len(w.objects)
}

// stream adds a stream; fields are more entries of its dictionary.
func (w *writer) stream(fields, body string) int {
	return w.add(fmt.Sprintf("<< /Length %d %s >>\nstream\n%s\nendstream", len(body), fields, body))
}

func deflated(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

// page adds a document of one page with Helvetica as /F1. more are entries of
// the page, resources those of its resources.
func (w *writer) page(content, more, resources string) {
	font := w.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	body := w.stream("/Filter /FlateDecode", deflated(content))
	pages := len(w.objects) + 2
	page := w.add(fmt.Sprintf("<< /Type /Page /Parent %d 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "+
		"/Resources << /Font << /F1 %d 0 R >> %s >> %s >>", pages, body, font, resources, more))
	w.add(fmt.Sprintf("<< /Type /Pages /Kids [%d 0 R] /Count 1 >>", page))
}

// finish adds the catalog with more entries and writes a classic table.
func (w *writer) finish(more string) []byte {
	w.root = w.add(fmt.Sprintf("<< /Type /Catalog /Pages %d 0 R %s >>", len(w.objects), more))
	return w.classic()
}

func (w *writer) classic() []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	at := make([]int, len(w.objects))
	for i, o := range w.objects {
		at[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, w.root, w.trailer, start)
	return b.Bytes()
}

// packed writes what is no stream into an object stream, and a table stream
// with a predictor.
func (w *writer) packed() []byte {
	var b, head, body bytes.Buffer
	b.WriteString("%PDF-1.5\n")
	count, pack := 0, len(w.objects)+1
	type entry struct{ kind, a, b int }
	entries := make([]entry, pack+2)
	for i, o := range w.objects {
		if strings.Contains(o, "\nstream\n") {
			entries[i+1] = entry{1, b.Len(), 0}
			fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
			continue
		}
		entries[i+1] = entry{2, pack, count}
		fmt.Fprintf(&head, "%d %d ", i+1, body.Len())
		body.WriteString(o + " ")
		count++
	}
	all := deflated(head.String() + body.String())
	entries[pack] = entry{1, b.Len(), 0}
	fmt.Fprintf(&b, "%d 0 obj\n<< /Type /ObjStm /N %d /First %d /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n",
		pack, count, head.Len(), len(all), all)
	start := b.Len()
	entries[pack+1] = entry{1, start, 0}
	var rows bytes.Buffer
	before := make([]byte, 5)
	for _, e := range entries {
		row := []byte{byte(e.kind), byte(e.a >> 16), byte(e.a >> 8), byte(e.a), byte(e.b)}
		rows.WriteByte(2) // PNG: the difference to the row above
		for i := range row {
			rows.WriteByte(row[i] - before[i])
		}
		before = row
	}
	table := deflated(rows.String())
	fmt.Fprintf(&b, "%d 0 obj\n<< /Type /XRef /Size %d /W [1 3 1] /Root %d 0 R /Filter /FlateDecode /Length %d "+
		"/DecodeParms << /Predictor 12 /Columns 5 >> %s >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n",
		pack+1, len(entries), w.root, len(table), w.trailer, table, start)
	return b.Bytes()
}

// simple is a document of one page with this content.
func simple(content string) []byte {
	w := &writer{}
	w.page(content, "", "")
	return w.finish("")
}

// line is a content that shows one string.
func line(s string) string { return "BT /F1 12 Tf 72 700 Td (" + s + ") Tj ET" }
