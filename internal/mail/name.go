package mail

import (
	"path"
	"strings"
	"unicode"
)

// bestName chooses the name of a file as mail programs do: the disposition's
// before the type's. It reports whether the names contradict each other: a
// reader that chooses otherwise would open the file with another program.
func bestName(disposition, ctype structured) (name string, contradict bool) {
	list := append(disposition.all("filename"), ctype.all("name")...)
	for _, raw := range list {
		clean := cleanName(raw)
		if clean == "" {
			continue
		}
		if name == "" {
			name = clean
		} else if extension(clean) != extension(name) {
			contradict = true
		}
	}
	return name, contradict
}

func extension(name string) string {
	return strings.TrimRight(strings.ToLower(path.Ext(name)), "?= \"'")
}

// cleanName decodes encoded words, which do not belong into parameters but
// are common there, and removes paths and control characters.
func cleanName(s string) string {
	s = DecodeWords(s)
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsControl(c), unicode.Is(unicode.Bidi_Control, c), c == '\uFEFF', c == '\u200B':
			return -1
		}
		return c
	}, s)
	s = strings.ReplaceAll(s, "\\", "/")
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		s = s[i+1:]
	}
	if len(s) > 1 && s[1] == ':' {
		s = s[2:]
	}
	s = strings.Trim(s, " \t\"")
	if strings.Trim(s, ".") == "" {
		return ""
	}
	return s
}
