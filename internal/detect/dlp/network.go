package dlp

import (
	"bytes"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"

	"postern.dev/postern/internal/detect"
)

// network finds what stands around colons and full stops: URLs, domain names,
// IP addresses and hardware addresses.
//
// Standards: RFC 3986 §3 (URL), RFC 4291 §2.2 (IPv6), IEEE 802 (MAC-48).
type network struct {
	words                *vocabulary
	url, domain, ip, mac bool
	ofIP, ofMAC          topic
	tops                 *tops
}

func (*network) ID() string { return "network" }

// Scan looks at each colon, each full stop inside a word, and at four numbers
// with full stops.
func (d *network) Scan(w *detect.Window, found func(detect.Hit)) {
	if w.Kind == detect.FileName { // "report.zip" ends like a domain, and is none
		return
	}
	s := &netScan{network: d, w: w, text: w.Text, found: found}
	if d.url || d.ip || d.mac {
		s.colons()
	}
	if d.url || d.domain || d.mac {
		s.stops()
	}
	if d.ip {
		s.quads()
	}
}

// netScan is the work on one window.
type netScan struct {
	*network
	w     *detect.Window
	text  []byte
	found func(detect.Hit)
}

func (s *netScan) report(kind string, start, end int, value string, e *evidence) {
	if h, ok := e.hit(kind, start, end, value); ok {
		h.Detector = detect.IDOf(kind)
		s.found(h)
	}
}

func (s *netScan) colons() {
	text := s.text
	done := 0
	for i := 0; i < len(text); i++ {
		k := bytes.IndexByte(text[i:], ':')
		if k < 0 {
			return
		}
		i += k
		if i < done {
			continue
		}
		if i+2 < len(text) && text[i+1] == '/' && text[i+2] == '/' {
			if s.url {
				done = s.address(i)
			}
			continue
		}
		if (s.ip || s.mac) && i+1 < len(text) && (text[i+1] == ':' || isHex(text[i+1])) {
			done = s.colonToken(i)
		}
	}
}

// schemes are those whose addresses people and programs write.
const schemes = " http https ftp ftps sftp ssh ws wss ldap ldaps smb git svn imap imaps smtp smtps redis rediss amqp amqps " +
	"mysql postgres postgresql mongodb mongodb+srv mssql sqlserver oracle rtsp sip sips nfs afp telnet vnc rdp s3 "

// address reads the URL whose scheme ends at the colon at i, and gives back
// where it ends.
func (s *netScan) address(i int) int {
	text := s.text
	start := i
	for start > 0 && i-start < 12 && (isLetter(text[start-1]) || text[start-1] == '+' || isDigit(rune(text[start-1]))) {
		start--
	}
	if !strings.Contains(schemes, " "+strings.ToLower(string(text[start:i]))+" ") {
		return i + 3
	}
	end := urlEnd(text, i+3)
	host, user := text[i+3:end], 0
	if k := bytes.IndexAny(host, "/?#"); k >= 0 {
		host = host[:k]
	}
	if k := bytes.LastIndexByte(host, '@'); k >= 0 {
		user = k
		host = host[k+1:]
	}
	name := host
	if k := bytes.LastIndexByte(name, ':'); k >= 0 && bytes.IndexByte(name[k:], ']') < 0 {
		name = name[:k]
	}
	var e evidence
	secret := user > 1 && bytes.IndexByte(text[i+3:i+3+user], ':') > 0 && text[i+2+user] != ':'
	switch {
	case secret && len(name) > 0:
		e.add(11, "an address with a password")
	case len(name) > 0 && (name[0] == '[' || numeric(name)):
		e.add(8, "an address by number")
	case s.knownHost(name):
		e.add(10, "a scheme and a known top-level domain")
	case string(name) == "localhost":
		e.add(4, "this machine")
	default:
		return end
	}
	if end > start {
		s.report("URL", start, end, string(text[start:end]), &e)
	}
	return i + 3
}

// urlEnd is where a URL ends: at white space, quotes, brackets around it and
// characters that are not ASCII, without the punctuation of the sentence.
func urlEnd(text []byte, from int) int {
	end, depth := from, 0
loop:
	for ; end < len(text) && end-from < 2048; end++ {
		switch c := text[end]; {
		case c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>`|\\^{}", c) >= 0:
			break loop
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				break loop
			}
		}
	}
	for end > from && strings.IndexByte(".,;:!?)]*_", text[end-1]) >= 0 {
		if text[end-1] == ')' && depth >= 0 {
			break
		}
		end--
	}
	return end
}

func numeric(host []byte) bool {
	_, err := netip.ParseAddr(string(host))
	return err == nil
}

// knownHost reports whether a name ends in a public suffix and has a label
// before it.
func (d *network) knownHost(host []byte) bool {
	dot := bytes.LastIndexByte(host, '.')
	if dot <= 0 || dot+2 >= len(host) || len(host) > maxDomain || host[0] == '.' || bytes.Contains(host, []byte("..")) {
		return false
	}
	return d.tops.known(host[dot+1:])
}

// tops remembers which last labels are known top-level domains.
type tops struct {
	mu   sync.RWMutex
	seen map[string]bool
}

// maxTops bounds what is remembered.
const maxTops = 4096

func (t *tops) known(label []byte) bool {
	var room [maxLabel]byte
	if len(label) > maxLabel {
		return false
	}
	low := room[:copy(room[:], label)]
	for i, c := range low {
		if 'A' <= c && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	t.mu.RLock()
	yes, asked := t.seen[string(low)]
	t.mu.RUnlock()
	if asked {
		return yes
	}
	yes = known("x." + string(low))
	t.mu.Lock()
	if len(t.seen) < maxTops {
		t.seen[string(low)] = yes
	}
	t.mu.Unlock()
	return yes
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// colonToken reads the hexadecimal digits, colons and full stops around the
// colon at i as an IPv6 or a hardware address.
func (s *netScan) colonToken(i int) int {
	text := s.text
	start, end := i, i
	for start > 0 && i-start < 48 && (isHex(text[start-1]) || text[start-1] == ':') {
		start--
	}
	for end < len(text) && end-start < 64 && (isHex(text[end]) || text[end] == ':' || text[end] == '.') {
		end++
	}
	done := end
	for end > start && (text[end-1] == '.' || text[end-1] == ':' && (end-2 < start || text[end-2] != ':')) {
		end--
	}
	token := text[start:end]
	if bytes.Count(token, []byte{':'}) < 2 || isWord(before(text, start)) || isWord(after(text, end)) {
		return done
	}
	if s.mac && len(token) == 17 && macPairs(token, ':') {
		s.hardware(start, end)
		return done
	}
	a, err := netip.ParseAddr(string(token))
	if err != nil || !s.ip {
		return done
	}
	if end < len(text) && text[end] == '%' {
		zone := end + 1
		for zone < len(text) && zone-end < 16 && (isLetter(text[zone]) || isDigit(rune(text[zone]))) {
			zone++
		}
		if zone > end+1 {
			end = zone
		}
	}
	var e evidence
	switch n := len(token); {
	case n <= 2:
		e.add(3, "the unspecified address")
	case n <= 6:
		e.add(6.5, "a short IPv6 address")
	default:
		e.add(10, "an IPv6 address")
	}
	s.ipWords(&e, start, end)
	s.report("IP", start, end, a.String(), &e)
	return done
}

// ipWords adds what the words say.
func (s *netScan) ipWords(e *evidence, start, end int) {
	if e.sum >= atHigh {
		return
	}
	if left, right := s.words.over(s.w).near(s.ofIP, start, end); min(left, right) <= reach {
		e.add(3, "a word for addresses nearby")
	}
}

// macPairs reports whether a token is six pairs of hexadecimal digits.
func macPairs(token []byte, sign byte) bool {
	for i, c := range token {
		if i%3 == 2 != (c == sign) || i%3 != 2 && !isHex(c) {
			return false
		}
	}
	return len(token) == 17
}

// hardware reports a MAC address, unless it is that of everybody or nobody.
func (s *netScan) hardware(start, end int) {
	var value []byte
	same := true
	for _, c := range s.text[start:end] {
		if isHex(c) {
			value = append(value, upper(c))
			same = same && value[0] == upper(c)
		}
	}
	if same && (value[0] == 'F' || value[0] == '0') {
		return
	}
	e := evidence{}
	e.add(7, "six octets of a hardware address")
	if left, right := s.words.over(s.w).near(s.ofMAC, start, end); min(left, right) <= reach {
		e.add(3, "a word for hardware addresses nearby")
	}
	s.report("MAC", start, end, string(value), &e)
}

// quads finds IPv4 addresses among the digits, and hardware addresses with
// hyphens.
func (s *netScan) quads() {
	runs, text := s.w.Digits(), s.text
	for i := 0; i+3 < len(runs); i++ {
		if !dotted(text, runs[i], runs[i+1]) {
			continue
		}
		if !dotted(text, runs[i+1], runs[i+2]) || !dotted(text, runs[i+2], runs[i+3]) {
			continue
		}
		start, end := int(runs[i].Start), int(runs[i+3].End)
		prev := before(text, start)
		next := after(text, end)
		if isWord(prev) || decimal(text, prev, start-2) || isWord(next) && next != '_' || decimalAfter(text, next, end+1) {
			continue
		}
		single, fits := true, true
		for k := i; k <= i+3; k++ {
			n := 0
			for _, c := range text[runs[k].Start:runs[k].End] {
				n = n*10 + int(c-'0')
			}
			fits = fits && n <= 255
			single = single && n <= 9
		}
		if !fits {
			continue
		}
		var e evidence
		e.add(10, "four octets of an address")
		if single {
			e.add(-3, "could be a version")
		}
		if versionBefore(text, start) {
			e.add(-7, "a version")
		}
		if single {
			s.ipWords(&e, start, end)
		}
		s.report("IP", start, end, string(text[start:end]), &e)
		i += 3
	}
}

func dotted(text []byte, a, b detect.Span) bool {
	return b.Start-a.End == 1 && text[a.End] == '.' && a.Len() <= 3 && b.Len() <= 3
}

// versionBefore reports whether a word for versions stands just before.
func versionBefore(text []byte, start int) bool {
	head := bytes.ToLower(text[max(0, start-24):start])
	head = bytes.TrimRight(head, " :=\t\"'v.")
	for _, w := range []string{"version", "release", "build", "firmware", "versie", "versión", "versione", "ver"} {
		if bytes.HasSuffix(head, []byte(w)) {
			return true
		}
	}
	return false
}

// stops finds names with full stops.
func (s *netScan) stops() {
	text := s.text
	done := 0
	for i := 0; i < len(text); i++ {
		k := bytes.IndexByte(text[i:], '.')
		if k < 0 {
			return
		}
		if i += k; i < done || i == 0 || i+2 >= len(text) || !isLetter(text[i+1]) && !isDigit(rune(text[i+1])) ||
			!isLetter(text[i-1]) && !isDigit(rune(text[i-1])) {
			continue
		}
		done = s.name(i)
	}
}

// name reads the host name around the full stop at i.
func (s *netScan) name(i int) int {
	text := s.text
	start, end := i, i
	letters := false
	for start > 0 && i-start < 80 && inName(text[start-1]) {
		start--
	}
	for end < len(text) && end-start < maxDomain && inName(text[end]) {
		letters = letters || isLetter(text[end])
		end++
	}
	done := end
	for end > start && (text[end-1] == '.' || text[end-1] == '-') {
		end--
	}
	prev, next := before(text, start), after(text, end)
	if !letters || isWord(prev) || prev == '/' || prev == '@' || prev == '=' ||
		prev == ':' && start > 1 && isWord(before(text, start-1)) || next == '@' || next == '_' || next == '(' {
		return done
	}
	token := text[start:end]
	if s.mac && len(token) == 14 && token[4] == '.' && token[9] == '.' && hexGroups(token) {
		s.hardware(start, end)
		return done
	}
	dot := bytes.LastIndexByte(token, '.')
	if dot < 1 || !sameCase(token[dot+1:]) || !s.knownHost(token) {
		return done
	}
	var e evidence
	tail := end
	switch {
	case bytes.HasPrefix(bytes.ToLower(token), []byte("www.")) && bytes.Count(token, []byte{'.'}) > 1:
		e.add(7, "www and a known top-level domain")
	case len(token) < 5 && dot == 1, dot == 3 && bytes.EqualFold(token[:3], []byte("www")):
		return done // "i.e", "s.r.l"
	default:
		e.add(4, "a known top-level domain")
	}
	if next == '/' || next == '?' {
		tail = urlEnd(text, end)
		e.add(1, "a path")
	}
	if s.url {
		s.report("URL", start, tail, string(text[start:tail]), &e)
	}
	if s.domain && tail == end {
		value := strings.ToLower(string(token))
		if registered, err := publicsuffix.EffectiveTLDPlusOne(value); err == nil {
			value = registered
		}
		s.report("DOMAIN", start, end, value, &e)
	}
	return max(done, tail)
}

func inName(c byte) bool { return isLetter(c) || isDigit(rune(c)) || c == '.' || c == '-' }

func hexGroups(token []byte) bool {
	for i, c := range token {
		if i%5 == 4 != (c == '.') || i%5 != 4 && !isHex(c) {
			return false
		}
	}
	return true
}

// sameCase reports whether a label is written in one case: "end.It" is two
// sentences.
func sameCase(label []byte) bool {
	lower, upper := 0, 0
	for _, c := range label {
		if 'a' <= c && c <= 'z' {
			lower++
		} else if 'A' <= c && c <= 'Z' {
			upper++
		}
	}
	return lower == 0 || upper == 0
}
