package notice

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"postern.dev/postern/packs"
)

// English is the language of the originals, and of what another lacks.
const English = "en"

// Catalog holds the texts of all languages.
type Catalog struct{ languages map[string]*language }

// language is what is said in one language.
type language struct {
	name   string
	words  map[string]string
	urgent []string
	texts  map[Kind]*template
}

// Source is a text as its author wrote it.
type Source struct {
	Subject string `yaml:"subject" json:"subject"`
	Text    string `yaml:"text" json:"text"`
}

// file is a language as it stands in packs/notices.
type file struct {
	Language string            `yaml:"language"`
	Words    map[string]string `yaml:"words"`
	Urgent   []string          `yaml:"urgent"`
	Notices  map[Kind]Source   `yaml:"notices"`
}

// Default is the catalog that comes with Postern.
func Default() *Catalog { return defaultOnce() }

var defaultOnce = func() func() *Catalog {
	return sync.OnceValue(func() *Catalog {
		c, err := load(packs.Notices())
		if err != nil {
			panic("notice: " + err.Error()) // the tests load every file
		}
		return c
	})
}()

func load(list []packs.File) (*Catalog, error) {
	c := &Catalog{languages: map[string]*language{}}
	for _, f := range list {
		var in file
		if err := yaml.UnmarshalWithOptions(f.Data, &in, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		l := &language{name: in.Language, words: in.Words, urgent: in.Urgent, texts: map[Kind]*template{}}
		for kind, s := range in.Notices {
			t, err := s.compile()
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", f.Name, kind, err)
			}
			l.texts[kind] = t
		}
		c.languages[in.Language] = l
	}
	if c.languages[English] == nil {
		return nil, fmt.Errorf("there is no English")
	}
	return c, nil
}

func (s Source) compile() (*template, error) {
	t := &template{source: s}
	var err error
	if t.subject, err = parse(strings.Join(strings.Fields(s.Subject), " ")); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	for i, p := range paragraphs(s.Text) {
		list, err := parse(p)
		if err != nil {
			return nil, fmt.Errorf("paragraph %d: %w", i+1, err)
		}
		t.paras = append(t.paras, list)
	}
	if len(t.paras) == 0 || len(t.subject) == 0 {
		return nil, fmt.Errorf("a text needs a subject and a paragraph")
	}
	return t, nil
}

// Languages lists the languages.
func (c *Catalog) Languages() []string { return slices.Sorted(maps.Keys(c.languages)) }

// With is the catalog with a text in place of its own. It must have passed
// Lint; a language that is not known begins with it.
func (c *Catalog) With(kind Kind, lang string, s Source) (*Catalog, error) {
	t, err := s.compile()
	if err != nil {
		return nil, err
	}
	n := &Catalog{languages: maps.Clone(c.languages)}
	l := &language{name: lang, texts: map[Kind]*template{}}
	if old := c.languages[lang]; old != nil {
		*l = *old
		l.texts = maps.Clone(old.texts)
	}
	l.texts[kind] = t
	n.languages[lang] = l
	return n, nil
}

// find is the text in the first of the languages that has it. "de-AT" is
// looked for as "de", too.
func (c *Catalog) find(kind Kind, langs []string) (*language, *template) {
	for _, tag := range append(slices.Clone(langs), English) {
		for tag = strings.ToLower(strings.TrimSpace(tag)); tag != ""; {
			if l := c.languages[tag]; l != nil && l.texts[kind] != nil {
				return l, l.texts[kind]
			}
			i := strings.LastIndexByte(tag, '-')
			if i < 0 {
				break
			}
			tag = tag[:i]
		}
	}
	return nil, nil
}

// word is a phrase of the language, in English when it lacks one.
func (c *Catalog) word(l *language, key string, pairs ...string) string {
	s := l.words[key]
	if s == "" {
		s = c.languages[English].words[key]
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, "{"+pairs[i]+"}", pairs[i+1])
	}
	return s
}

// Source is a text as it was written, in the first of the languages that has
// it, and that language.
func (c *Catalog) Source(kind Kind, langs ...string) (s Source, lang string, ok bool) {
	l, t := c.find(kind, langs)
	if t == nil {
		return Source{}, "", false
	}
	return t.source, l.name, true
}
