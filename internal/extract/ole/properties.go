package ole

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
)

// maxValues is how many properties of a set are read.
const maxValues = 2000

// Identifiers of sets of properties (MS-OLEPS §2.25.1, MS-OSHARED §2.3.3), as
// they stand in the file.
const (
	setSummary  = "\xe0\x85\x9f\xf2\xf9\x4f\x68\x10\xab\x91\x08\x00\x2b\x27\xb3\xd9"
	setDocument = "\x02\xd5\xcd\xd5\x9c\x2e\x1b\x10\x93\x97\x08\x00\x2b\x2c\xf9\xae"
	setUser     = "\x05\xd5\xcd\xd5\x9c\x2e\x1b\x10\x93\x97\x08\x00\x2b\x2c\xf9\xae"
)

// properties reads the sets of properties of a storage.
func (r *reader) properties(s *cfb.Entry) {
	for _, c := range s.Children {
		if !c.Storage && strings.HasPrefix(c.Name, "\x05") && strings.Contains(c.Name, "Information") {
			r.propertySets(c.Bytes())
		}
	}
}

func (r *reader) propertySets(p octets) {
	if p.u16(0) != 0xFFFE {
		return
	}
	for i := range min(p.u32(24), 2) {
		at := 28 + 20*i
		if at+20 > len(p) {
			return
		}
		r.propertySet(string(p[at:at+16]), p.from(p.u32(at+16)))
	}
}

// propertySet reads one set (MS-OLEPS §2.20).
func (r *reader) propertySet(format string, p octets) {
	page := codepage.Windows
	count := min(p.u32(4), maxValues, len(p)/8)
	for i := range count {
		if p.u32(8+8*i) == 1 {
			page = p.from(p.u32(12 + 8*i)).u16(4)
		}
	}
	names := map[int]string{}
	for i := range count {
		if p.u32(8+8*i) == 0 && format == setUser {
			names = dictionary(p.from(p.u32(12+8*i)), page)
		}
	}
	for i := range count {
		id := p.u32(8 + 8*i)
		name := propertyName(format, id)
		if own := names[id]; own != "" {
			name = "custom:" + own
		}
		if name == "" {
			continue
		}
		if value := strings.TrimSpace(value(p.from(p.u32(12+8*i)), page)); value != "" {
			r.out.Property(name, value)
		}
	}
}

// propertyName is what a property is called here.
func propertyName(format string, id int) string {
	switch format {
	case setSummary:
		switch id {
		case 2:
			return "title"
		case 3:
			return "subject"
		case 4:
			return "author"
		case 5:
			return "keywords"
		case 6:
			return "comments"
		case 8:
			return "last-author"
		case 12:
			return "created"
		case 13:
			return "modified"
		}
	case setDocument:
		switch id {
		case 2:
			return "category"
		case 14:
			return "manager"
		case 15:
			return "company"
		case 26:
			return "content-type"
		case 27:
			return "content-status"
		}
	}
	return ""
}

// dictionary are the names of custom properties (MS-OLEPS §2.17).
func dictionary(p octets, page int) map[int]string {
	names := map[int]string{}
	at := 4
	for range min(p.u32(0), maxValues) {
		id, size := p.u32(at), p.u32(at+4)
		at += 8
		if page == codepage.UTF16LE {
			size *= 2
		}
		raw := p.part(at, size)
		if len(raw) == 0 {
			break
		}
		names[id] = strings.TrimRight(codepage.String(page, raw), "\x00")
		at += size
		if page == codepage.UTF16LE {
			at += -at & 3
		}
	}
	return names
}

// value is a property as text (MS-OLEPS §2.15).
func value(p octets, page int) string {
	kind := p.u16(0)
	if kind&0xF000 == 0x1000 { // a vector of texts
		return vector(p, kind&0xFFF, page)
	}
	v := p.from(4)
	switch kind {
	case 2:
		return strconv.Itoa(int(int16(v.u16(0))))
	case 3, 22:
		return strconv.Itoa(int(int32(v.u32(0))))
	case 5:
		return strconv.FormatFloat(math.Float64frombits(v.u64(0)), 'f', -1, 64)
	case 11:
		return strconv.FormatBool(v.u16(0) != 0)
	case 19, 23:
		return strconv.Itoa(v.u32(0))
	case 20:
		return strconv.FormatInt(int64(v.u64(0)), 10)
	case 30:
		return narrowText(v.part(4, v.u32(0)), page)
	case 8: // a BSTR: its size is in octets
		return narrowText(v.part(4, v.u32(0)), page)
	case 31:
		return wideText(v.part(4, 2*v.u32(0)))
	case 64:
		return moment(v.u64(0))
	}
	return ""
}

func vector(p octets, kind, page int) string {
	var all []string
	at := 8
	for range min(p.u32(4), maxValues) {
		size := p.u32(at)
		var raw octets
		switch kind {
		case 30:
			raw = p.part(at+4, size)
			all = append(all, narrowText(raw, page))
		case 31:
			raw = p.part(at+4, 2*size)
			all = append(all, wideText(raw))
			size *= 2
		default:
			return ""
		}
		if len(raw) == 0 {
			break
		}
		at += 4 + size
		if kind == 31 {
			at += -at & 3
		}
	}
	return strings.Join(all, "; ")
}

func narrowText(p []byte, page int) string {
	if page == codepage.UTF16LE {
		return wideText(p)
	}
	if i := bytes.IndexByte(p, 0); i >= 0 {
		p = p[:i]
	}
	return codepage.String(page, p)
}

func wideText(p []byte) string {
	s := codepage.UTF16(p)
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

// moment is a FILETIME: units of 100 ns since 1601. Short spans, as the time
// of editing is one, are no moments.
func moment(t uint64) string {
	const unix = 116444736000000000
	if t < unix/2 || t > 1<<62 {
		return ""
	}
	at := time.Unix(int64(t/10000000)-unix/10000000, 0).UTC()
	if at.Year() < 1900 || at.Year() > 9999 {
		return ""
	}
	return at.Format("2006-01-02T15:04:05Z")
}

// numbered names an embedded file that has no name.
func (r *reader) numbered(what, ext string) string {
	r.number++
	return fmt.Sprintf("%s %d%s", what, r.number, ext)
}
