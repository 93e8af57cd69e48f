package number

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// kind is a type of number. check sees the compact form: capitals and digits
// without separators and without a country in front.
type kind struct {
	name  string
	check func([]byte) bool

	// drop are the separators that people write; by default space, hyphen
	// and full stop.
	drop string
	// lead are the country codes or words that may stand in front, each
	// ended by a space.
	lead string
	// exact looks at the value as it is written, for kinds where separators
	// are a part of the number. check is then for the compact form only.
	exact func(string) bool
}

const (
	usual = " -."
	slash = " -./"
	// longest is how long a value may be.
	longest = 128
)

// all is every kind by its name.
var all = func() map[string]*kind {
	table := make(map[string]*kind, 640)
	for _, list := range [][]kind{
		general, banking, securities, media, devices, crypto, union, vatForms,
		northAmerica, centralAmerica, southAmerica,
		britain, benelux, france, germany, alpine, iberia, southern, nordic, baltic,
		central, balkan, eastern, turkey,
		southAsia, eastAsia, southEastAsia, pacific, africa, middleEast, passports,
	} {
		for i := range list {
			k := &list[i]
			if table[k.name] != nil {
				panic("number: " + k.name + " is there twice")
			}
			table[k.name] = k
		}
	}
	return table
}()

// Valid says whether value, written as people write it, is a possible number
// of its kind; known is false when there is no such kind.
func Valid(kind, value string) (valid, known bool) {
	k := all[strings.ToUpper(kind)]
	if k == nil {
		return false, false
	}
	if k.exact != nil {
		return len(value) <= longest && k.exact(value), true
	}
	var room [longest]byte
	b, ok := compact(room[:0], value, k.separators())
	return ok && k.look(b), true
}

// Check is the rule of a kind for a number in compact form (capital letters
// and digits, with or without its country in front), or nil when there is no
// such kind. The rule does not keep or change what it is given.
func Check(kind string) func(compact []byte) bool {
	k := all[strings.ToUpper(kind)]
	switch {
	case k == nil:
		return nil
	case k.lead == "":
		return k.check
	}
	return k.look
}

// Kinds lists the names of all kinds.
func Kinds() []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (k *kind) separators() string {
	if k.drop == "" {
		return usual
	}
	return k.drop
}

// look checks a compact number with or without what may stand in front.
func (k *kind) look(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for rest := k.lead; rest != ""; {
		i := strings.IndexByte(rest, ' ')
		if n := len(rest[:i]); n < len(b) && string(b[:n]) == rest[:i] {
			return k.check(b[n:]) || k.check(b)
		}
		rest = rest[i+1:]
	}
	return k.check(b)
}

// compact appends the capitals and digits of a value without the separators
// in drop. Digits of other scripts and the dashes of typesetters are read as
// what they mean; other characters stay and make a number invalid.
func compact(to []byte, value, drop string) ([]byte, bool) {
	for _, r := range value {
		r = plain(r)
		switch {
		case r < utf8.RuneSelf && strings.IndexByte(drop, byte(r)) >= 0:
			continue
		case 'a' <= r && r <= 'z':
			r -= 'a' - 'A'
		case r == 'ñ':
			r = 'Ñ'
		}
		if len(to)+utf8.UTFMax > longest {
			return to, false
		}
		to = utf8.AppendRune(to, r)
	}
	return to, true
}

// plain is the ASCII character that r stands for, or r.
func plain(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		return r
	case '٠' <= r && r <= '٩':
		return r - '٠' + '0'
	case '۰' <= r && r <= '۹':
		return r - '۰' + '0'
	case '０' <= r && r <= '９':
		return r - '０' + '0'
	case '\u2010' <= r && r <= '\u2015', r == '\u2212', r == '\u00ad', r == '\uff0d':
		return '-'
	case r == '\u00a0', '\u2000' <= r && r <= '\u200b', r == '\u202f', r == '\u3000', r == '\ufeff':
		return ' '
	}
	return r
}
