package mail

import (
	"slices"
	"strconv"
)

// keepHeader is how many octets of one header are kept for Header.Value;
// keepTotal bounds what is kept of all.
const (
	keepHeader = 64 << 10
	keepTotal  = 2 << 20
)

// maxViews is how deep encoded containers may lie in each other: every level
// is decoded through all levels above it.
const maxViews = 8

// maxUnseen bounds the list of oddities of one message. The first of each
// cause is in it always: a gate may be closed for that one alone.
const maxUnseen = 1000

// Parse builds the index of a message in one pass over its octets. It never
// fails: what is broken is read as well as mail programs read it, and every
// place where they could disagree is noted in Unseen.
func Parse(b Body, l Limits) *Message { return index(b, l, nil, false) }

// ParseUnder is Parse for a message whose header has been read already.
func ParseUnder(h *Header, l Limits) *Message {
	if !h.clean || h.end > l.orDefault().Header {
		return index(h.body, l, nil, false)
	}
	return index(h.body, l, h, false)
}

// index is Parse; with a header, which must be clean, it begins behind that;
// singly it looks at every line by itself, for a test.
func index(b Body, l Limits, h *Header, singly bool) *Message {
	m := &Message{Body: b}
	x := &indexer{m: m, limits: l.orDefault(), keep: keepTotal, singly: singly}
	root := &Part{Path: "1", Body: b}
	s := x.scan(b, Range{0, b.Size()})
	if h == nil {
		s.begin(root, nil, 0)
	} else {
		x.parts++
		s.lines.base, s.lines.seen, s.before = h.end, h.seen, h.end
		s.next = root
		s.open(h)
	}
	s.run()
	m.Root, m.Header = root, root.Header
	m.Bare, m.EightBit, m.NUL = s.lines.seen.bare, s.lines.seen.eightBit, s.lines.seen.nul
	s.lines.close()
	return m
}

// indexer is what all scans of one message share.
type indexer struct {
	m      *Message
	limits Limits
	parts  int
	keep   int
	views  int
	singly bool
}

func (x *indexer) note(p *Part, reason Cause, detail string) {
	if len(x.m.Unseen) >= maxUnseen && slices.ContainsFunc(x.m.Unseen, func(u Unseen) bool { return u.Reason == reason }) {
		return
	}
	for i := len(x.m.Unseen) - 1; i >= 0 && x.m.Unseen[i].Part == p.Path; i-- {
		if u := x.m.Unseen[i]; u.Detail == detail {
			return
		}
	}
	x.m.Unseen = append(x.m.Unseen, Unseen{Part: p.Path, Name: p.Name, Reason: reason, Detail: detail})
}

func (x *indexer) scan(b Body, r Range) *scan {
	return &scan{x: x, body: b, lines: newLines(b, r)}
}

// scan is one pass over a range of octets.
type scan struct {
	x     *indexer
	body  Body
	lines *lines
	// stack holds the open parts, the innermost last.
	stack []*frame
	// head is set while a header is read; next is the part it belongs to.
	head *headReader
	next *Part
	// depth is how deep the next part lies.
	depth int
	// before is the offset where the text of the line before ended: the
	// line end in front of a delimiter belongs to the delimiter.
	before int64
	// full is set when no further part may begin.
	full bool
}

// frame is an open part.
type frame struct {
	part     *Part
	depth    int
	boundary string // of a multipart
	multi    bool
	guess    bool
	closed   bool  // the close delimiter came
	found    bool  // a delimiter came
	loose    int64 // where the preamble or the epilogue began
	text     bool  // which has more than white space
	check    leafCheck
	uu       *Part // the open uuencoded file in a text
	uus      int
	dig      bool // an encoded container, decoded at its end
}

// begin starts a part whose header begins at offset at.
func (s *scan) begin(p *Part, parent *Part, at int64) {
	s.x.parts++
	p.Parent = parent
	p.Range.Start = at
	s.next = p
	limit := min(keepHeader, s.x.keep)
	if parent == nil {
		limit = keepHeader
	}
	s.head = newHeadReader(s.body, at, limit)
	s.head.part = parent != nil
	s.lines.startKeeping(limit)
}

func (s *scan) run() {
	for {
		s.skip()
		l, ok := s.lines.next()
		if !ok {
			break
		}
		s.line(l)
		s.before = l.text
	}
	end := s.lines.end
	for s.head != nil {
		s.endHeader(end)
	}
	s.pop(0, end)
}

// skip takes the lines of a leaf together that say nothing by themselves:
// most of the octets of most messages.
func (s *scan) skip() {
	f := s.top()
	if s.head != nil || f == nil || s.x.singly || f.multi || !f.text || !f.check.started || f.uu != nil {
		return
	}
	p := f.part
	if p.Encoding != "base64" {
		stops := &dullStops
		if p.text() && identity(p.Encoding) {
			stops = &textStops
		}
		if ends := s.lines.dull(stops); ends > 0 {
			s.before = s.lines.base + int64(s.lines.r) - ends
		}
		return
	}
	if n, width := s.lines.uniform(); n > 0 {
		f.check.position = (f.check.position + n%4*(width%4)) % 4
		s.before = s.lines.base + int64(s.lines.r) - int64(len("\r\n"))
	}
}

// dullStops begin the lines that may be a delimiter, textStops those that may
// also begin a file in a text.
var (
	dullStops = [256]bool{'-': true, ' ': true, '\t': true}
	textStops = [256]bool{'-': true, ' ': true, '\t': true, '(': true, '=': true, 'b': true}
)

func (s *scan) line(l line) {
	if len(l.data) > 1 && l.data[0] == '-' && l.data[1] == '-' {
		if i, closing, ok := s.delimiter(l); ok {
			s.cut(i, closing, l)
			return
		}
	}
	if l.cr {
		s.hiddenDelimiter(l)
	}
	if len(l.data) > 2 && (l.data[0] == ' ' || l.data[0] == '\t') {
		s.indentedDelimiter(l)
	}
	if s.head == nil {
		s.bodyLine(l)
		return
	}
	for s.headLine(l) {
	}
}

// headLine takes a line of a header, and reports whether it is to be taken
// once more: by the header of an attached message that begins at once.
func (s *scan) headLine(l line) (again bool) {
	if !s.head.line(l) && l.end-s.next.Range.Start <= s.x.limits.Header {
		return false
	}
	at := s.head.end
	if l.end-s.next.Range.Start > s.x.limits.Header {
		s.x.note(s.next, TooLarge, "the header is longer than "+strconv.FormatInt(s.x.limits.Header, 10)+" octets")
	}
	s.endHeader(at)
	// The header may have ended before this line, or before the one before.
	switch {
	case at >= l.end:
		return false
	case s.head == nil:
		if at < l.start {
			s.mark(l)
		}
		s.bodyLine(l)
		return false
	case at < l.start: // what was no field of the one is none of the other
		s.head.bad = Range{at, l.start}
	}
	s.lines.keepFrom(at)
	return true
}

// mark says that the top part has text, for a line that is gone.
func (s *scan) mark(line) {
	if f := s.top(); f != nil {
		f.text = true
	}
}

func (s *scan) top() *frame {
	if len(s.stack) == 0 {
		return nil
	}
	return s.stack[len(s.stack)-1]
}

// endHeader closes the header that is being read and opens its part.
func (s *scan) endHeader(at int64) {
	p := s.next
	raw := s.lines.kept()
	if over := int64(len(raw)) - (at - p.Range.Start); over > 0 {
		raw = raw[:int64(len(raw))-over]
	}
	if p.Parent != nil {
		s.x.keep -= len(raw)
	}
	s.open(s.head.close(at, raw))
}

// open opens the part whose header has been read.
func (s *scan) open(h *Header) {
	p, at := s.next, h.end
	p.Header = h
	s.head, s.next = nil, nil
	p.Content = Range{at, at}
	boundary, guess := s.x.describe(p, p.Parent)
	for _, n := range p.Header.notes {
		s.x.note(p, n.Reason, n.Detail)
	}
	f := &frame{part: p, depth: s.depth, loose: at}
	s.stack = append(s.stack, f)
	if !p.container() {
		return
	}
	if s.depth >= s.x.limits.Depth || s.x.parts >= s.x.limits.Parts {
		s.x.limit(p, s.depth >= s.x.limits.Depth)
		return
	}
	encoded := !identity(p.Encoding)
	if p.multipart() {
		f.multi, f.boundary, f.guess, f.dig = true, boundary, guess, encoded
		return
	}
	if encoded {
		f.dig = true
		return
	}
	s.child(f, at)
}

// limit notes that a limit was reached at p.
func (x *indexer) limit(p *Part, deep bool) {
	if deep {
		x.note(p, TooDeep, "nested deeper than "+strconv.Itoa(x.limits.Depth)+" levels")
		return
	}
	x.note(p, TooManyParts, "more than "+strconv.Itoa(x.limits.Parts)+" parts")
}

// child begins the next child of f.
func (s *scan) child(f *frame, at int64) {
	p := &Part{Body: s.body, Path: f.part.nextPath()}
	f.part.Children = append(f.part.Children, p)
	s.depth = f.depth + 1
	s.begin(p, f.part, at)
}

// nextPath is the path of p's next child.
func (p *Part) nextPath() string {
	p.numbered++
	return p.Path + "." + strconv.Itoa(p.numbered)
}

// cut ends what is open above stack[i] at a delimiter and begins the next
// part, or the epilogue.
func (s *scan) cut(i int, closing bool, l line) {
	for s.head != nil {
		at := l.start
		s.endHeader(at)
	}
	if s.full {
		return
	}
	f := s.stack[i]
	s.pop(i+1, s.before)
	if !f.found || f.closed {
		s.around(f, s.before)
	}
	again := f.closed && !closing
	f.found = true
	if f.dig && f.part.Encoding == "base64" {
		s.x.note(f.part, Ambiguous, "a multipart that is not encoded is called base64")
	}
	f.dig = false
	if closing {
		f.closed, f.loose, f.text = true, l.end, false
		return
	}
	if again {
		s.x.note(f.part, Ambiguous, "parts follow the close delimiter")
		f.closed = false
	}
	if s.x.parts >= s.x.limits.Parts {
		s.x.limit(f.part, false)
		s.rest(f, l.end)
		return
	}
	s.child(f, l.end)
}

// rest makes one part of all that follows.
func (s *scan) rest(f *frame, at int64) {
	s.full = true
	p := &Part{
		Body: s.body, Parent: f.part, Path: f.part.nextPath(),
		Range: Range{at, at}, Content: Range{at, at}, Type: "text/plain",
		Params: map[string]string{}, Header: &Header{body: s.body, start: at, end: at},
	}
	f.part.Children = append(f.part.Children, p)
	s.stack = append(s.stack, &frame{part: p, depth: f.depth + 1})
}

// around makes a hidden part of the text between the parts of a multipart.
func (s *scan) around(f *frame, end int64) {
	start := f.loose
	if !f.text || end <= start {
		return
	}
	name := ".preamble"
	if f.found {
		name = ".epilogue"
	}
	if n := len(f.part.Children); n > 0 && f.part.Children[n-1].Path == f.part.Path+name {
		name += "2"
	}
	p := &Part{
		Body: s.body, Parent: f.part, Path: f.part.Path + name, Hidden: true,
		Range: Range{start, end}, Content: Range{start, end}, Type: "text/plain",
		Params: map[string]string{}, Header: &Header{body: s.body, start: start, end: start},
	}
	s.x.parts++
	f.part.Children = append(f.part.Children, p)
}

// pop ends the parts from stack[i] on at offset end.
func (s *scan) pop(i int, end int64) {
	for len(s.stack) > i {
		f := s.top()
		s.stack = s.stack[:len(s.stack)-1]
		s.finish(f, end)
		// An empty part ends behind the line end that its header needs, which
		// the delimiter claims too.
		end = max(end, f.part.Range.End)
	}
}

func (s *scan) finish(f *frame, end int64) {
	p := f.part
	p.Content.End = max(end, p.Content.Start)
	p.Range.End = p.Content.End
	if f.uu != nil {
		f.uu.Range.End, f.uu.Content.End = p.Content.End, p.Content.End
	}
	f.check.finish(s.x, p)
	switch {
	case f.dig && (!f.multi || !f.found):
		s.x.dig(f)
	case f.multi && !f.found && p.Content.Len() > 0:
		if f.text {
			s.x.note(p, Malformed, "a multipart in which its boundary never occurs")
		}
		s.around(f, p.Content.End)
		for _, c := range p.Children { // then it is what programs show
			c.Path, c.Hidden = p.Path+".1", false
		}
	case f.multi && f.closed:
		s.around(f, p.Content.End)
	}
}
