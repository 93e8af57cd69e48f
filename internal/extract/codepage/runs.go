package codepage

// shortest is the number of characters that make a run of text among octets
// that are not understood.
const shortest = 4

// Runs gives every piece of printable text among octets whose format is not
// known: first those in UTF-16, then those in the code page. found returns
// false to end the search.
func Runs(page int, p []byte, found func(text []byte) bool) {
	if wide(p, found) {
		narrow(page, p, found)
	}
}

func wide(p []byte, found func([]byte) bool) bool {
	var text []byte
	for phase := range 2 {
		start := phase
		for i := phase; i <= len(p); i += 2 {
			if i+1 < len(p) && likely(rune(p[i])|rune(p[i+1])<<8) {
				continue
			}
			if i-start >= 2*shortest && !plain(p[start:min(i, len(p))]) {
				text = AppendUTF16(text[:0], p[start:min(i, len(p))])
				if !found(text) {
					return false
				}
			}
			start = i + 2
		}
	}
	return true
}

// plain reports whether a run is text of single octets: narrow finds it.
func plain(p []byte) bool {
	for _, c := range p {
		if c < 0x20 || c >= 0x7F {
			return false
		}
	}
	return true
}

// likely reports whether a unit of UTF-16 looks like text: the letters and
// signs of Latin, Greek, Cyrillic, Hebrew and Arabic, and of the scripts of
// East Asia.
func likely(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return true
	case r < 0x20 || r == 0x7F || r >= 0x100 && r&0xFF == 0: // a zero: the other half of a letter
		return false
	case r < 0x700:
		return r < 0x80 || r >= 0xA0
	case r >= 0x2010 && r < 0x2050, r >= 0x20A0 && r < 0x20C0, r >= 0x3000 && r < 0x3100:
		return true
	case r >= 0x4E00 && r < 0x9FA6, r >= 0xAC00 && r < 0xD7A4, r >= 0xFF00 && r < 0xFFF0:
		return true
	}
	return false
}

func narrow(page int, p []byte, found func([]byte) bool) {
	var text []byte
	start := 0
	for i := 0; i <= len(p); i++ {
		if i < len(p) && (p[i] >= 0x20 && p[i] < 0x7F || p[i] >= 0xA0 || p[i] == '\t' || p[i] == '\n' || p[i] == '\r') {
			continue
		}
		if i-start >= shortest && letters(p[start:i]) {
			text = Append(text[:0], page, p[start:i])
			if !found(text) {
				return
			}
		}
		start = i + 1
	}
}

// letters reports whether a run of octets is plain for the greater part.
func letters(p []byte) bool {
	plain := 0
	for _, c := range p {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == ' ' {
			plain++
		}
	}
	return plain >= shortest && 3*plain >= 2*len(p)
}
