package story

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/tools/txtar"
)

func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			tell(t, file)
		})
	}
}

// tell runs one story in a bubble.
func tell(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, archive)
		defer s.clear()
		for number, line := range strings.Split(string(archive.Comment), "\n") {
			s.place = fmt.Sprintf("%s:%d: %s", file, number+1, strings.TrimSpace(line))
			if err := s.run(line); err != nil {
				t.Errorf("%s\n\t%s", s.place, strings.ReplaceAll(err.Error(), "\n", "\n\t"))
				s.explain()
				return
			}
		}
		s.place = file + ": at the end"
		if err := s.curtain(); err != nil {
			t.Errorf("%s\n\t%s", s.place, strings.ReplaceAll(err.Error(), "\n", "\n\t"))
			s.explain()
		}
	})
}

// run carries out one line.
func (s *stage) run(line string) error {
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return err
	}
	two := strings.Join(words[:min(2, len(words))], " ")
	if act, ok := words1()[two]; ok {
		return act(s, words[2:])
	}
	if act, ok := words1()[words[0]]; ok {
		return act(s, words[1:])
	}
	if len(words) > 2 { // "mailbox A gets …"
		if act, ok := words1()[words[0]+" … "+words[2]]; ok {
			return act(s, append([]string{words[1]}, words[3:]...))
		}
	}
	return fmt.Errorf("no story uses these words yet: %s", line)
}

// split takes a line apart: words, 'words in quotes', # a remark.
func split(line string) (words []string, err error) {
	line = strings.TrimSpace(line)
	for line != "" && line[0] != '#' {
		if line[0] == '\'' {
			word, rest, ok := strings.Cut(line[1:], "'")
			if !ok {
				return nil, fmt.Errorf("a quote is not closed: %s", line)
			}
			words, line = append(words, word), strings.TrimSpace(rest)
			continue
		}
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		words, line = append(words, line[:end]), strings.TrimSpace(line[end:])
	}
	return words, nil
}

// octets is a file of the archive as it goes over the wire. Mail in an
// archive has the line ends of the archive; on the wire they are CR LF.
// Names in .octets are written with escapes instead (\r, \n, \t, \x00, \\),
// and their line ends mean nothing.
func octets(name string, data []byte) ([]byte, error) {
	switch filepath.Ext(name) {
	case ".eml":
		return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")), nil
	case ".octets":
		return unescape(bytes.ReplaceAll(data, []byte("\n"), nil))
	}
	return data, nil
}

func unescape(data []byte) ([]byte, error) {
	var out []byte
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			out = append(out, data[i])
			continue
		}
		i++
		if i == len(data) {
			return nil, fmt.Errorf("a backslash stands at the end")
		}
		switch data[i] {
		case 'r':
			out = append(out, '\r')
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case '\\':
			out = append(out, '\\')
		case 'x':
			var b byte
			if i+2 >= len(data) {
				return nil, fmt.Errorf(`\x needs two digits`)
			}
			if _, err := fmt.Sscanf(string(data[i+1:i+3]), "%02x", &b); err != nil {
				return nil, err
			}
			out, i = append(out, b), i+2
		default:
			return nil, fmt.Errorf(`\%c is no escape`, data[i])
		}
	}
	return out, nil
}

func TestMain(m *testing.M) { os.Exit(m.Run()) }
