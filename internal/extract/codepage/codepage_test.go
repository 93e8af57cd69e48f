package codepage_test

import (
	"strings"
	"testing"

	"postern.dev/postern/internal/extract/codepage"
)

func TestOctetsBecomeCharacters(t *testing.T) {
	tests := []struct {
		name string
		page int
		in   string
		want string
	}{
		{"western", 1252, "caf\xe9 \x93x\x94", "café “x”"},
		{"cyrillic", 1251, "\xcf\xf0\xe8", "При"},
		{"japanese", 932, "\x93\x8c\x8b\x9e", "東京"},
		{"korean", 949, "\xc7\xd1", "한"},
		{"an unknown code page is western", 4711, "caf\xe9", "café"},
		{"UTF-8 is kept, and what is wrong in it is marked", 65001, "é\xff4111", "é\uFFFD4111"},
		{"half a character is marked", 932, "4111\x93", "4111\uFFFD"},
		{"macintosh", 10000, "caf\x8e", "café"},
		{"a pair of UTF-16", 1200, "\x00\xd8\x48\xdf1\x00", "\U000103481"},
		{"half a pair of UTF-16", 1200, "\x00\xd81\x00", "\uFFFD1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := codepage.String(tt.page, []byte(tt.in)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestLanguagesAndCharsetsNameACodePage(t *testing.T) {
	for lcid, page := range map[int]int{0x0409: 1252, 0x0419: 1251, 0x0415: 1250, 0x0411: 932, 0x0404: 950, 0x0804: 936, 0x0412: 949, 0x040D: 1255} {
		if got := codepage.OfLanguage(lcid); got != page {
			t.Errorf("language %04x: %d, want %d", lcid, got, page)
		}
	}
	if codepage.OfCharset(204) != 1251 || codepage.OfCharset(128) != 932 || codepage.OfCharset(1) != 0 {
		t.Error("charset of a font")
	}
}

func TestRunsOfTextAreFoundAmongOctets(t *testing.T) {
	in := "\x00\x01\x02a\x00b\x00c\x004\x00\x01\x00\xff\xfe\x00plain text\x00\x00\x01"
	var got []string
	codepage.Runs(1252, []byte(in), func(p []byte) bool {
		got = append(got, string(p))
		return true
	})
	if all := strings.Join(got, "|"); !strings.Contains(all, "abc4") || !strings.Contains(all, "plain text") || len(got) > 3 {
		t.Errorf("%q", got)
	}
}

func FuzzAppend(f *testing.F) {
	f.Add(932, []byte("\x93\x8c\x8b"))
	f.Add(1200, []byte("\x00\xd8a"))
	f.Add(54936, []byte("\x81\x30\x81"))
	f.Add(50220, []byte("\x1b$B!!"))
	f.Fuzz(func(t *testing.T, page int, p []byte) {
		if len(p) > 1<<12 {
			return
		}
		if got := codepage.Append(nil, page, p); len(got) > 6*len(p)+16 {
			t.Errorf("%d octets became %d", len(p), len(got))
		}
		codepage.Runs(page, p, func([]byte) bool { return true })
	})
}
