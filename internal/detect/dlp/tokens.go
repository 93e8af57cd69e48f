package dlp

import (
	"bytes"
	"strings"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/number"
)

// tokens finds what is recognized by the length of a row of letters and
// digits: GUIDs, addresses of crypto currencies, magnetic tracks of cards, and
// hardware addresses with hyphens; and pairs of coordinates.
//
// Standards: RFC 9562 §4 (UUID), BIP 13 and BIP 173 (Bitcoin), EIP-55
// (Ethereum), ISO/IEC 7813 (tracks).
type tokens struct {
	words                                 *vocabulary
	guid, crypto, track, mac, coordinates bool
	ofCoordinates, ofMAC                  topic
}

func (*tokens) ID() string { return "tokens" }

// Scan looks at each row of letters and digits that has a digit.
func (d *tokens) Scan(w *detect.Window, found func(detect.Hit)) {
	text := w.Text
	done := 0
	s := &tokenScan{tokens: d, w: w, text: text, found: found}
	runs := w.Digits()
	for i, r := range runs {
		if int(r.Start) < done {
			continue
		}
		start, end := tokenAround(text, int(r.Start), int(r.End), done)
		done = end
		hex := start
		if start > 0 && text[start-1] == '%' {
			hex += 2 // "%7B" stands for a brace
		}
		switch n := end - hex; {
		case n == 8 && end < len(text) && text[end] == '-' && d.guid:
			s.dashedGUID(hex)
		case n == 32 && d.guid:
			s.bareGUID(hex, end)
		case n == 2 && d.mac && end < len(text) && text[end] == '-':
			done = max(done, s.dashedMAC(start))
		}
		n := end - start
		if d.crypto && n >= 25 && n <= 66 {
			s.coin(start, end)
		}
		if n >= 12 && n <= 20 && d.track {
			s.magnetic(int(r.Start), int(r.End))
		}
		if d.coordinates && n <= 3 && r.Len() <= 3 {
			s.position(runs, i)
		}
	}
}

// tokenScan is the work on one window.
type tokenScan struct {
	*tokens
	w     *detect.Window
	text  []byte
	found func(detect.Hit)
}

func (s *tokenScan) report(kind string, start, end int, value string, e *evidence) {
	if h, ok := e.hit(kind, start, end, value); ok {
		h.Detector = detect.IDOf(kind)
		s.found(h)
	}
}

// dashedGUID reads 8-4-4-4-12 hexadecimal digits.
func (s *tokenScan) dashedGUID(start int) {
	const length = 36
	text := s.text
	if start+length > len(text) {
		return
	}
	for i, c := range text[start : start+length] {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !isHex(c) {
			return
		}
	}
	s.wrapped(start, start+length)
}

// bareGUID reads 32 hexadecimal digits.
func (s *tokenScan) bareGUID(start, end int) {
	for _, c := range s.text[start:end] {
		if !isHex(c) {
			return
		}
	}
	s.wrapped(start, end)
}

// wrapped reports a GUID with the brackets or the prefix that belong to it.
func (s *tokenScan) wrapped(start, end int) {
	text := s.text
	value := strings.ToLower(strings.ReplaceAll(string(text[start:end]), "-", ""))
	if next := after(text, end); isWord(next) || next == '-' && isWord(after(text, end+1)) {
		return
	}
	head, tail := text[:start], text[end:]
	switch {
	case bytes.HasSuffix(head, []byte("%7B")) && bytes.HasPrefix(tail, []byte("%7D")):
		start, end = start-3, end+3
	case bytes.HasSuffix(head, []byte("{")) && bytes.HasPrefix(tail, []byte("}")):
		start, end = start-1, end+1
	case bytes.HasSuffix(bytes.ToLower(head[max(0, len(head)-9):]), []byte("urn:uuid:")):
		start -= 9
	case isWord(before(text, start)) || bytes.HasSuffix(head, []byte("-")) && isWord(before(text, start-1)):
		return
	}
	var e evidence
	if bytes.IndexByte(text[start:end], '-') >= 0 {
		e.add(10, "the form of a GUID")
	} else {
		e.add(4, "32 hexadecimal digits")
	}
	s.report("GUID", start, end, value, &e)
}

// dashedMAC reads six pairs of hexadecimal digits around start. A chain of
// more pairs is none, however long it is.
func (s *tokenScan) dashedMAC(start int) int {
	text, first := s.text, start
	for start >= 3 && text[start-1] == '-' && isHex(text[start-2]) && isHex(text[start-3]) {
		if start -= 3; first-start > 17 {
			return first
		}
	}
	end := start + 17
	if end > len(text) || !macPairs(text[start:end], '-') || isWord(before(text, start)) || isWord(after(text, end)) ||
		text[min(end, len(text)-1)] == '-' {
		return start
	}
	n := netScan{network: &network{words: s.words, ofMAC: s.ofMAC}, w: s.w, text: text, found: s.found}
	n.hardware(start, end)
	return end
}

// coin reads an address of Bitcoin or Ethereum.
func (s *tokenScan) coin(start, end int) {
	if isWord(before(s.text, start)) || isWord(after(s.text, end)) {
		return
	}
	token := s.text[start:end]
	var e evidence
	switch {
	case len(token) == 42 && token[0] == '0' && token[1]|0x20 == 'x':
		if !valid("CRYPTO_ETH", token) {
			return
		}
		if mixed(token[2:]) {
			e.add(10, "an Ethereum address with its checksum")
		} else {
			e.add(6.5, "the form of an Ethereum address")
		}
	case token[0] == '1' || token[0] == '3' || bytes.HasPrefix(bytes.ToLower(token), []byte("bc1")):
		if !valid("CRYPTO", token) {
			return
		}
		e.add(11, "a Bitcoin address with its checksum")
	default:
		return
	}
	s.report("CRYPTO", start, end, string(token), &e)
}

func valid(kind string, token []byte) bool {
	ok, _ := number.Valid(kind, string(token))
	return ok
}

func mixed(token []byte) bool {
	return !bytes.Equal(token, bytes.ToLower(token)) && !bytes.Equal(token, bytes.ToUpper(token))
}

// magnetic reads the card number of track 1 ("%B…^NAME^YYMM…") or track 2
// (";…=YYMM…").
func (s *tokenScan) magnetic(start, end int) {
	text := s.text
	if end-start < 12 || end-start > maxDigits || !luhn(text[start:end]) {
		return
	}
	var e evidence
	from, to := start, end
	switch {
	case end < len(text) && text[end] == '^' && start >= 1 && text[start-1]|0x20 == 'b':
		from--
		if from > 0 && text[from-1] == '%' {
			from--
		}
		k := bytes.IndexByte(text[end+1:min(len(text), end+28)], '^')
		if k < 2 || !fourDigits(text, end+1+k+1) {
			return
		}
		to = end + 1 + k + 1
	case end < len(text) && (text[end] == '=' || text[end]|0x20 == 'd') && fourDigits(text, end+1) &&
		(start >= 1 && text[start-1] == ';' || end+8 <= len(text) && fourDigits(text, end+4)):
		if start >= 1 && text[start-1] == ';' {
			from--
		}
		to = end + 1
	default:
		return
	}
	for to < len(text) && to-from < 80 && isDigit(rune(text[to])) {
		to++
	}
	if to < len(text) && text[to] == '?' {
		to++
	}
	e.add(12, "a magnetic track with the checksum of a card")
	s.report("CARD_TRACK", from, to, string(text[start:end]), &e)
}

func fourDigits(text []byte, i int) bool {
	if i+4 > len(text) {
		return false
	}
	for _, c := range text[i : i+4] {
		if !isDigit(rune(c)) {
			return false
		}
	}
	month := (text[i+2]-'0')*10 + text[i+3] - '0'
	return month >= 1 && month <= 12
}

// position reads "52.37022, 4.89517": degrees of latitude and longitude with
// at least four decimals.
func (s *tokenScan) position(runs []detect.Span, i int) {
	text := s.text
	if i+3 >= len(runs) {
		return
	}
	deg, frac, deg2, frac2 := runs[i], runs[i+1], runs[i+2], runs[i+3]
	if !decimals(text, deg, frac) || !decimals(text, deg2, frac2) || deg.Len() > 2 || deg2.Len() > 3 {
		return
	}
	gap := strings.TrimSpace(string(text[frac.End:min(int(deg2.Start), int(frac.End)+8)]))
	switch gap {
	case "", ",", ",-", ", -", ";", "-", "/":
	default:
		return
	}
	if int(deg2.Start-frac.End) > 8 {
		return
	}
	if plainNumber(text[deg.Start:deg.End]) > 90 || plainNumber(text[deg2.Start:deg2.End]) > 180 {
		return
	}
	start, end := int(deg.Start), int(frac2.End)
	if start > 0 && text[start-1] == '-' {
		start--
	}
	prev, next := before(text, start), after(text, end)
	if isWord(prev) || prev == '.' || isWord(next) || decimalAfter(text, next, end+1) {
		return
	}
	var e evidence
	e.add(4, "latitude and longitude")
	left, right := s.words.over(s.w).near(s.ofCoordinates, start, end)
	switch {
	case left <= justBefore || right <= justBehind:
		e.add(5, "a word for places just before")
	case min(left, right) <= reach:
		e.add(3, "a word for places nearby")
	}
	s.report("COORDINATES", start, end, string(text[start:end]), &e)
}

func decimals(text []byte, a, b detect.Span) bool {
	return b.Start-a.End == 1 && text[a.End] == '.' && b.Len() >= 4 && b.Len() <= 15
}

func plainNumber(digits []byte) int {
	n := 0
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}
