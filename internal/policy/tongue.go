package policy

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/packs"
)

// tongue is what findings are called in a language other than English.
type tongue struct {
	Language   string               `yaml:"language"`
	Words      map[string]string    `yaml:"words"`
	Categories map[string][2]string `yaml:"categories"`
	Types      map[string][2]string `yaml:"types"`
}

// tongues are the languages of packs/names, each with a name for every type of
// the vocabulary that has one there: those of its table, else the category of
// the detector, with its countries and its short name in brackets.
func tongues() map[string]*tongue { return tonguesOnce() }

// tonguesOnce reads them when they are first asked for.
var tonguesOnce = func() func() map[string]*tongue {
	return sync.OnceValue(func() map[string]*tongue {
		all := map[string]*tongue{}
		for _, f := range packs.Names() {
			t := &tongue{}
			if err := yaml.UnmarshalWithOptions(f.Data, t, yaml.Strict()); err != nil {
				panic("policy: " + f.Name + ": " + err.Error()) // the tests load every file
			}
			for _, d := range packs.Detectors() {
				t.named(typeName(strings.TrimSuffix(path.Base(d.Name), ".yaml")), string(d.Data))
			}
			all[t.Language] = t
		}
		return all
	})
}()

// named names a type by the category of its detector.
func (t *tongue) named(typ, file string) {
	category, ok := t.Categories[valueIn(file, "category")]
	regions := strings.ReplaceAll(strings.Trim(valueIn(file, "regions"), "[]"), ", ", "/")
	if _, known := t.Types[typ]; known || !ok || regions == "" {
		return
	}
	_, short, _ := strings.Cut(nameIn([]byte(file)), " (")
	if short = strings.TrimSuffix(short, ")"); short != "" {
		short = ", " + short
	}
	marks := " (" + regions + short + ")"
	t.Types[typ] = [2]string{category[0] + marks, category[1] + marks}
}

// valueIn is the value of a key that stands in one line of a file of packs.
func valueIn(file, key string) string {
	for l := range strings.Lines(file) {
		if value, ok := strings.CutPrefix(l, key+": "); ok {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

func (t *tongue) word(key string, pairs ...string) string {
	s := t.Words[key]
	for i := 0; i+1 < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, "{"+pairs[i]+"}", pairs[i+1])
	}
	return s
}

// tongueOf is a language by its tag: "de-AT" is "de"; nil for English and for
// one that is not there.
func tongueOf(lang string) *tongue {
	lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
	return tongues()[lang]
}

// WordsIn is Words in another language. ok is false, and the words are English,
// when that language has none for the type.
func WordsIn(lang, typ string, n int) (words string, ok bool) {
	if t := tongueOf(lang); t != nil {
		if two, known := t.Types[typeName(typ)]; known {
			return t.several(two, n), true
		}
	}
	return Words(typ, n), false
}

func (t *tongue) several(two [2]string, n int) string {
	if n == 1 {
		return two[0]
	}
	return strconv.Itoa(n) + " " + two[1]
}

// SentenceIn says in another language what a verdict's sentence says. ok is
// false, and the text is the English sentence, when something in it has no words
// there.
//
// The sentence is read back: it is what stands in records and in held mail, and
// is made of the words of this package alone, but for names of files.
func SentenceIn(lang, because string) (text string, ok bool) {
	t := tongueOf(lang)
	if t == nil {
		return because, false
	}
	said, where, rest := parted(because)
	if rest != "" && !strings.HasPrefix(rest, " (") {
		return because, false
	}
	if name, found := strings.CutPrefix(said, "the rule "); found {
		quoted, err := strconv.QuotedPrefix(name)
		ways, applies := strings.CutPrefix(name[len(quoted):], " applies")
		if plain, bad := strconv.Unquote(quoted); err == nil && bad == nil && applies && (ways == "" || ways[0] == ' ') {
			return t.word("rule", "rule", plain) + ways + rest, true
		}
	}
	var b strings.Builder
	for s := said; ; {
		words, left := t.item(s)
		if words == "" {
			return because, false
		}
		b.WriteString(words)
		switch {
		case left == "":
			if where != "" {
				b.WriteString(", " + t.word(where))
			}
			return b.String() + rest, true
		case strings.HasPrefix(left, ", "):
			b.WriteString(", ")
			s = left[len(", "):]
		default:
			b.WriteString(" " + t.word("and") + " ")
			s = left[len(" and "):]
		}
	}
}

// parted takes where it goes from a sentence, and what stands behind that.
func parted(because string) (said, where, rest string) {
	for _, w := range [...][2]string{
		{" goes outside", "out"}, {" go outside", "out"}, {" stays inside", "inside"}, {" stay inside", "inside"},
		{" comes in", "come"}, {" come in", "come"},
	} {
		i := strings.LastIndex(because, w[0])
		if end := i + len(w[0]); i > 0 && (end == len(because) || because[end] == ' ' || because[end] == ';') {
			return because[:i], w[1], because[end:]
		}
	}
	return because, "", ""
}

// item translates what is found first in a sentence, and returns what stands
// behind it: nothing, or ", " or " and " with the next one.
func (t *tongue) item(s string) (words, left string) {
	if words, left = t.kind(s); words == "" {
		return "", ""
	}
	for _, level := range []string{"high", "medium", "low"} {
		if after, ok := strings.CutPrefix(left, " ("+level+")"); ok {
			words, left = words+" ("+t.word(level)+")", after
		}
	}
	files, ok := strings.CutPrefix(left, " in ")
	if !ok {
		if left != "" && !strings.HasPrefix(left, ", ") && !strings.HasPrefix(left, " and ") {
			return "", ""
		}
		return words, left
	}
	end := len(files)
	for i := range files {
		for _, sep := range []string{", ", " and "} {
			if next, ok := strings.CutPrefix(files[i:], sep); ok && end == len(files) {
				if more, _ := t.kind(next); more != "" {
					end = i
				}
			}
		}
	}
	return words + " " + t.word("in") + " " + t.files(files[:end]), files[end:]
}

// files are the names of files: "a.pdf", "a.pdf and b.pdf", "a.pdf and 3 other
// files".
func (t *tongue) files(s string) string {
	i := strings.LastIndex(s, " and ")
	if i < 0 {
		return s
	}
	first, second := s[:i], s[i+len(" and "):]
	if n, ok := strings.CutSuffix(second, " other files"); ok {
		if _, err := strconv.Atoi(n); err == nil {
			return first + " " + t.word("or_more", "n", n)
		}
	}
	if strings.Contains(path.Ext(first), " ") || path.Ext(first) == "" { // one name with a word in it
		return s
	}
	return first + " " + t.word("and") + " " + second
}

// kind translates the words for a type, or a label, with which a text begins.
func (t *tongue) kind(s string) (words, left string) {
	if name, ok := strings.CutPrefix(s, "the label "); ok {
		if quoted, err := strconv.QuotedPrefix(name); err == nil {
			plain, _ := strconv.Unquote(quoted)
			return t.word("label", "label", plain), name[len(quoted):]
		}
	}
	if m := otherKind.FindStringSubmatch(s); m != nil {
		if m[1] == "a finding" {
			return t.word("other", "what", m[3]), s[len(m[0]):]
		}
		return t.word("others", "n", m[2], "what", m[3]), s[len(m[0]):]
	}
	n, many := 1, s
	if digits := len(s) - len(strings.TrimLeft(s, "0123456789")); digits > 0 && digits < 9 && strings.HasPrefix(s[digits:], " ") {
		n, _ = strconv.Atoi(s[:digits])
		many = s[digits+1:]
	}
	best := ""
	for _, w := range vocabulary() {
		english, text := w.many, many
		if n == 1 {
			english, text = w.one, s
		}
		after, ok := strings.CutPrefix(text, english)
		two, known := t.Types[w.typ]
		if ok && known && len(english) > len(best) && boundary(after) {
			best, words, left = english, t.several(two, n), after
		}
	}
	return words, left
}

// otherKind is how a type is called that has no words.
var otherKind = regexp.MustCompile(`^(a finding|(\d{1,8}) findings) of "([^"]*)"`)

// boundary reports whether words for a type end here.
func boundary(after string) bool {
	for _, end := range []string{" (high)", " (medium)", " (low)", " in ", ", ", " and "} {
		if strings.HasPrefix(after, end) {
			return true
		}
	}
	return after == ""
}
