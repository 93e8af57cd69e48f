package disguise

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/look"
)

// faker makes values of the same kind, each original its own.
type faker struct {
	random    *rand.Rand
	detectors []detect.Detector
	fakes     map[string]string // by original, normalized
	taken     map[string]bool
}

// Attempts to find a valid number by chance; rules of the world's numbers hold
// for one in ten to one in several thousand.
const (
	maxAttempts = 100_000
	maxLooks    = 60 // at which the detectors look too
)

// normal is what makes two ways to write a value the same.
func normal(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, s)
}

// of makes a fake of a value that was found in a text. ok is false when none
// is found that the detectors take for the same.
func (f *faker) of(typ, value, before, after string, level detect.Confidence) (fake string, ok bool) {
	if old, known := f.fakes[typ+" "+normal(value)]; known && len(normal(old)) == len(normal(value)) {
		return inForm(old, value), true
	}
	looks := 0
	for i := range maxAttempts {
		c := f.candidate(typ, value, i)
		if c == value || f.taken[normal(c)] {
			continue
		}
		if valid, known := look.Validate(typ, c); known && !valid {
			continue
		}
		if looks++; looks > maxLooks {
			break
		}
		if fake == "" {
			fake = c
		}
		if !f.found(typ, c, before, after, level) {
			continue
		}
		fake, ok = c, true
		break
	}
	if fake == "" {
		fake = f.shape(value, func(int) bool { return false })
	}
	f.fakes[typ+" "+normal(value)], f.taken[normal(fake)] = fake, true
	return fake, ok
}

// found reports whether the detectors find the fake where the value was.
func (f *faker) found(typ, fake, before, after string, level detect.Confidence) bool {
	places := look.DetectText(before+fake+after, f.detectors)
	return slices.ContainsFunc(places, func(p look.Place) bool {
		return p.Type == typ && p.Confidence == level && p.Start <= int64(len(before)+len(fake)) && p.End >= int64(len(before))
	})
}

// candidate is another value of the same form. What says whose a number is,
// or of what kind a secret, stays: of cards the first four digits, of accounts
// the country, of tokens their beginning.
func (f *faker) candidate(typ, value string, attempt int) string {
	switch {
	case strings.HasPrefix(typ, "SECRET"):
		return f.secret(value, attempt)
	case network(value):
		return f.address(value)
	case typ == "CREDIT_CARD":
		return f.shape(value, func(i int) bool { return i < 4 })
	case typ == "IBAN":
		return f.shape(value, func(i int) bool { return i < 2 })
	case typ == "PHONE":
		return f.shape(value, func(i int) bool { return i < 4 })
	case attempt%3 == 0:
		return f.shape(value, func(int) bool { return false })
	}
	return f.shape(value, nil)
}

// shape replaces digits by digits and letters by letters; keep says which of
// them stay, by their number; nil keeps the letters.
func (f *faker) shape(value string, keep func(i int) bool) string {
	var b strings.Builder
	i := 0
	for _, r := range value {
		letter := unicode.IsLetter(r)
		switch {
		case !letter && !unicode.IsDigit(r):
			b.WriteRune(r)
			continue
		case keep != nil && keep(i) || keep == nil && letter:
			b.WriteRune(r)
		case unicode.IsUpper(r):
			b.WriteByte(byte('A' + f.random.IntN(26)))
		case letter:
			b.WriteByte(byte('a' + f.random.IntN(26)))
		default:
			b.WriteByte(byte('0' + f.random.IntN(10)))
		}
		i++
	}
	return b.String()
}

// secret keeps what a secret begins with, and the frame of a key.
func (f *faker) secret(value string, attempt int) string {
	if lines := strings.Split(value, "\n"); len(lines) > 2 && strings.Contains(lines[0], "-----BEGIN") {
		for i := 1; i < len(lines); i++ {
			if !strings.Contains(lines[i], "-----") {
				lines[i] = f.shape(lines[i], func(int) bool { return false })
			}
		}
		return strings.Join(lines, "\n")
	}
	if parts := strings.Split(value, "."); len(parts) == 3 && strings.HasPrefix(value, "eyJ") {
		parts[1], parts[2] = "eyJzdWIiOiJub2JvZHkifQ", f.shape(parts[2], func(int) bool { return false })
		return strings.Join(parts, ".")
	}
	stays := 4
	if i := strings.LastIndexAny(value[:min(len(value), 12)], "_-="); i > 0 {
		stays = len(normal(value[:i]))
	}
	if attempt%2 == 1 {
		stays = 0
	}
	return f.shape(value, func(i int) bool { return i < stays })
}

// network reports whether a value is an IPv4 address.
func network(value string) bool {
	a, err := netip.ParseAddr(value)
	return err == nil && a.Is4()
}

// address is another one of the same network, with numbers that exist.
func (f *faker) address(value string) string {
	parts := strings.Split(value, ".")
	for i := 2; i < 4; i++ {
		parts[i] = strings.TrimLeft(f.shape("1", nil), "0") + f.shape("1", nil)
		if len(parts[i]) == 2 && parts[i][0] == '0' {
			parts[i] = parts[i][1:]
		}
	}
	return strings.Join(parts, ".")
}

// inForm writes a fake with the separators of another way to write the value.
func inForm(fake, value string) string {
	chars := []rune(normal(fake))
	var b strings.Builder
	i := 0
	for _, r := range value {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			b.WriteRune(r)
		case i < len(chars):
			c := chars[i]
			if unicode.IsLower(r) {
				c = unicode.ToLower(c)
			}
			b.WriteRune(c)
			i++
		}
	}
	return b.String()
}
