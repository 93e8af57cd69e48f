package app

import (
	"errors"
	"os"
	"strings"

	"postern.dev/postern/internal/settings"
)

// LoadConfig reads postern.yaml. Its error is settings.Mistakes, each with
// its place, or that of reading the file.
func LoadConfig(path string) (*Config, error) {
	c, err := ReadConfig(path)
	var bad settings.Mistakes
	if !errors.As(err, &bad) {
		return c, err
	}
	return c, placed(path, bad)
}

// placed finds the line of mistakes that only name their key.
func placed(path string, bad settings.Mistakes) settings.Mistakes {
	text, err := os.ReadFile(path)
	if err != nil {
		return bad
	}
	docs, _ := settings.Split(path, text)
	if len(docs) != 1 {
		return bad
	}
	list := make(settings.Mistakes, 0, len(bad))
	for _, m := range bad {
		key, rest, ok := strings.Cut(m.Text, ": ")
		if m.Line == 0 && ok && !strings.ContainsAny(key, " \"") {
			at := docs[0].Place(rest, "", settings.KeyPath(key)...)
			m.Line, m.Column = at.Line, at.Column
		}
		if m.Suggestion == "" {
			m.Text, m.Suggestion, _ = strings.Cut(m.Text, "; ")
		}
		list = append(list, m)
	}
	return list
}
