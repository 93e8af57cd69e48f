package ole

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"

	"postern.dev/postern/internal/extract/cfb"
	"postern.dev/postern/internal/extract/codepage"
	"postern.dev/postern/internal/extract/officecrypt"
)

// Records of presentations (MS-PPT §2.13.24).
const (
	pptDocument     = 0x03E8
	pptSlide        = 0x03EE
	pptSlideAtom    = 0x03EF
	pptNotes        = 0x03F0
	pptSlidePersist = 0x03F3
	pptMaster       = 0x03F8
	pptList         = 0x0FF0
	pptChars        = 0x0FA0
	pptBytes        = 0x0FA8
	pptString       = 0x0FBA
	pptHandout      = 0x0FC9
	pptHyperlink    = 0x0FD7
	pptHeaders      = 0x0FD9
	pptUserEdit     = 0x0FF5
	pptObject       = 0x1011
	pptStringTag    = 0x1389
	pptBinaryTag    = 0x138A
	pptDirectory    = 0x1772
	pptComment      = 0x2EE0
)

// Bounds of presentations.
const (
	// maxEdits is how many savings of a presentation are followed.
	maxEdits = 10000
	// maxNested is how deep records may be nested.
	maxNested = 64
	// maxInflated is the size of an embedded object after it is unpacked.
	maxInflated = 64 << 20
)

// deck is a presentation that is read.
type deck struct {
	*reader
	p       octets
	where   map[int]int // the place of each object that was saved
	done    map[int]bool
	notes   map[int]int // objects of notes by the number of their page
	text    []byte
	side    [deckSides][]byte
	notesID int
}

// The places beside the text of a slide.
const (
	deckComments = iota
	deckLinks
	deckTags
	deckHeaders
	deckSides
)

var deckSideNames = [deckSides]string{"comments", "links", "tags", "page header or footer"}

// presentation reads the stream "PowerPoint Document" (MS-PPT §2.1.2).
func (r *reader) presentation(s *cfb.Entry) {
	d := &deck{reader: r, p: s.Stream("PowerPoint Document"), where: map[int]int{}, done: map[int]bool{}, notes: map[int]int{}}
	user := octets(s.Stream("Current User"))
	document, session := d.edits(user.u32(16))
	if session != 0 || user.u32(12) == 0xF3D1C4DF {
		if !d.open(session) {
			r.out.Note(encrypted, "the presentation is locked with a password")
			return
		}
	}
	if at, ok := d.where[document]; ok {
		d.document(at)
	}
	d.others()
	r.pictures(s.Stream("Pictures"))
	r.objects(s)
}

// edits follows the savings from the newest to the oldest, and finds the
// newest place of each object.
func (d *deck) edits(at int) (document, session int) {
	for i := 0; i < maxEdits && at > 0; i++ {
		if d.p.u16(at+2) != pptUserEdit {
			break
		}
		if i == 0 {
			document = d.p.u32(at + 24)
			if d.p.u32(at+4) >= 32 {
				session = d.p.u32(at + 36)
			}
		}
		d.directory(d.p.u32(at + 20))
		before := d.p.u32(at + 16)
		if before >= at {
			break
		}
		at = before
	}
	return document, session
}

func (d *deck) directory(at int) {
	if d.p.u16(at+2) != pptDirectory {
		return
	}
	p := d.p.part(at+8, d.p.u32(at+4))
	for i := 0; i+4 <= len(p); {
		id, count := p.u32(i)&0xFFFFF, p.u32(i)>>20
		i += 4
		for ; count > 0 && i+4 <= len(p); count-- {
			if _, newer := d.where[id]; !newer && len(d.where) < 1<<20 {
				d.where[id] = p.u32(i)
			}
			id++
			i += 4
		}
	}
}

// open decrypts the objects; each has a key of its own (MS-PPT §2.3.7).
func (d *deck) open(session int) bool {
	at, ok := d.where[session]
	if !ok {
		return false
	}
	k, err := officecrypt.Binary(d.p.part(at+8, d.p.u32(at+4)), d.keys())
	if err != nil {
		return false
	}
	plain := octets(bytes.Clone(d.p))
	budget := 4 * len(d.p)
	for id, at := range d.where {
		if id == session || at+8 > len(d.p) {
			continue
		}
		head := octets(bytes.Clone(d.p.part(at, 8)))
		k.Object(head, uint32(id))
		object := bytes.Clone(d.p.part(at, 8+head.u32(4)))
		if budget -= len(object); budget < 0 {
			d.out.Note(malformed, "the objects of the presentation lie over each other")
			break
		}
		k.Object(object, uint32(id))
		copy(plain[at:], object)
	}
	d.p = plain
	return true
}

// record is one record: a head of eight octets, and its content.
type record struct {
	kind, instance int
	container      bool
	body           octets
}

func recordAt(p octets, at int) record {
	return record{
		kind: p.u16(at + 2), instance: p.u16(at) >> 4, container: p.u16(at)&0xF == 0xF,
		body: p.part(at+8, p.u32(at+4)),
	}
}

// each calls f for the records in p.
func each(p octets, f func(at int, r record)) {
	for at := 0; at+8 <= len(p); {
		r := recordAt(p, at)
		f(at, r)
		at += 8 + p.u32(at+4)
	}
}

// document reads the slides in their order, then the masters and the rest.
func (d *deck) document(at int) {
	d.done[at] = true
	doc := recordAt(d.p, at)
	var slides, masters []outline
	each(doc.body, func(_ int, l record) {
		switch {
		case l.kind == pptList && l.instance == 0:
			slides = d.outlines(l.body)
		case l.kind == pptList && l.instance == 1:
			masters = d.outlines(l.body)
		case l.kind == pptList:
			for _, o := range d.outlines(l.body) {
				d.notes[o.number] = o.object
			}
		}
	})
	for i, o := range slides {
		name := fmt.Sprintf("slide %d", i+1)
		d.notesID = 0
		d.slide(name, o)
		if id, ok := d.notes[d.notesID]; ok && d.notesID != 0 {
			d.slide(name+", notes", outline{object: id})
		}
	}
	for i, o := range masters {
		d.slide(fmt.Sprintf("master slide %d", i+1), o)
	}
	each(doc.body, func(_ int, l record) {
		if l.kind != pptList {
			d.walk(l, doc.kind, 0)
		}
	})
	d.give("presentation")
}

// outline is what the document says about a slide: which object it is, and
// text of it.
type outline struct {
	object, number int
	text           []byte
}

func (d *deck) outlines(p octets) []outline {
	var list []outline
	each(p, func(_ int, l record) {
		switch l.kind {
		case pptSlidePersist:
			list = append(list, outline{object: l.body.u32(0), number: l.body.u32(12)})
		case pptChars, pptBytes:
			if n := len(list); n > 0 {
				list[n-1].text = append(list[n-1].text, textOf(l)...)
			}
		}
	})
	return list
}

// slide reads one slide, master or page of notes.
func (d *deck) slide(name string, o outline) {
	d.text = append(d.text, o.text...)
	if at, ok := d.where[o.object]; ok && !d.done[at] {
		d.done[at] = true
		d.walk(recordAt(d.p, at), 0, 0)
	}
	d.give(name)
}

// give writes what was collected, in a section of this name.
func (d *deck) give(name string) {
	d.reader.beside(name, d.text)
	d.text = d.text[:0]
	for k := range d.side {
		d.reader.beside(name+", "+deckSideNames[k], d.side[k])
		d.side[k] = d.side[k][:0]
	}
}

// walk collects the text in a record.
func (d *deck) walk(l record, parent, depth int) {
	switch l.kind {
	case pptChars, pptBytes:
		d.text = append(d.text, textOf(l)...)
		return
	case pptString:
		d.string(textOf(l), parent)
		return
	case pptSlideAtom:
		d.notesID = l.body.u32(16)
	case pptBinaryTag:
		if depth < maxNested {
			each(l.body, func(_ int, in record) {
				if in.kind == 0x138B { // its content is records, too
					each(in.body, func(_ int, x record) { d.walk(x, in.kind, depth+2) })
				}
			})
		}
		return
	}
	if !l.container || depth > maxNested {
		return
	}
	each(l.body, func(_ int, in record) { d.walk(in, l.kind, depth+1) })
}

// string puts a text where its parent says.
func (d *deck) string(text []byte, parent int) {
	switch parent {
	case pptComment:
		d.side[deckComments] = append(d.side[deckComments], text...)
	case pptHyperlink:
		d.side[deckLinks] = append(d.side[deckLinks], text...)
	case pptStringTag:
		d.side[deckTags] = append(d.side[deckTags], text...)
	case pptHeaders:
		d.side[deckHeaders] = append(d.side[deckHeaders], text...)
	default:
		d.text = append(d.text, text...)
	}
}

// textOf is the text of an atom, with a line end.
func textOf(l record) []byte {
	var text []byte
	if l.kind == pptBytes {
		text = latin(nil, l.body)
	} else {
		text = codepage.AppendUTF16(nil, l.body)
	}
	for i, c := range text {
		if c == '\r' || c == 0x0B {
			text[i] = '\n'
		}
	}
	return append(text, '\n')
}

// others reads what the newest document does not name: earlier versions that
// PowerPoint leaves in the file, and embedded objects.
func (d *deck) others() {
	each(d.p, func(at int, l record) {
		if d.err != nil {
			return
		}
		switch l.kind {
		case pptDocument, pptSlide, pptNotes, pptMaster, pptHandout:
			if !d.done[at] {
				d.walk(l, 0, 0)
				d.give("other masters and earlier text")
			}
		case pptObject:
			d.object(l)
		}
	})
}

// object gives out an embedded object: a compound file, packed or not.
func (d *deck) object(l record) {
	p := []byte(l.body)
	if l.instance == 1 {
		z, err := zlib.NewReader(bytes.NewReader(l.body.from(4)))
		if err != nil {
			d.out.Note(malformed, "an embedded object is damaged")
			return
		}
		var b bytes.Buffer
		if n, _ := io.Copy(&b, io.LimitReader(z, maxInflated+1)); n > maxInflated {
			d.out.Note(tooLarge, "an embedded object is too long to be read")
			return
		}
		if p = b.Bytes(); !d.unpacked(len(p)) {
			return
		}
	}
	root, _ := cfb.Open(p)
	switch {
	case root == nil:
		d.embed(d.numbered("object", ""), "", p)
	case root.Child("VBA") != nil:
		d.macros(root)
	default:
		d.reader.object(root)
	}
}
