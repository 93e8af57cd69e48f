package mapi_test

import (
	"encoding/binary"
	"testing"

	"postern.dev/postern/internal/extract/mapi"
)

// packed writes a head of compressed RTF (MS-OXRTFCP §2.1.3.1).
func packed(raw int, kind string, body string) []byte {
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(body)+12))
	out = binary.LittleEndian.AppendUint32(out, uint32(raw))
	out = append(out, kind...)
	return append(append(out, 0, 0, 0, 0), body...)
}

func TestCompressedRTF(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want string
		bad  bool
	}{
		// MS-OXRTFCP §4.1.1, the example of the specification
		{"the example", packed(0x2B, "LZFu", "\x03\x00\x0a\x00rcpg125\x42\x32\x0a\xf3 hel\x09\x00 bw\x05\xb0ld}\x0a\x80\x0f\xa0"),
			"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n", false},
		{"as it is", packed(3, "MELA", "abc"), "abc", false},
		{"a length that is too long", packed(30, "MELA", "abc"), "abc", true},
		{"cut off", packed(0x2B, "LZFu", "\x03\x00\x0a\x00rc"), `{\rtf1\ansi`, true},
		{"another kind", packed(3, "ABCD", "abc"), "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mapi.RTF(tt.in)
			if tt.name == "cut off" && len(got) > len(tt.want) {
				got = got[:len(tt.want)]
			}
			if string(got) != tt.want || (err != nil) != tt.bad {
				t.Errorf("%q %v", got, err)
			}
		})
	}
}

func TestValuesAreText(t *testing.T) {
	tests := []struct {
		kind uint16
		in   string
		want string
	}{
		{mapi.String8, "caf\xe9\x00", "café"}, {mapi.Unicode, "a\x00b\x00\x00\x00", "ab"}, {mapi.Int16, "\xff\xff", "-1"},
		{mapi.Int32, "\x01\x00\x00\x00", "1"}, {mapi.Boolean, "\x01\x00", "true"}, {mapi.Int32, "\x01", ""},
		{mapi.Time, "\x00\x80\x3e\xd5\xde\xb1\x9d\x01", "1970-01-01T00:00:00Z"}, {mapi.Binary, "abc", ""},
	}
	for _, tt := range tests {
		if got := mapi.Text(tt.kind, []byte(tt.in), 1252); got != tt.want {
			t.Errorf("%04x %q: %q, want %q", tt.kind, tt.in, got, tt.want)
		}
	}
}

func FuzzRTF(f *testing.F) {
	f.Add(packed(0x2B, "LZFu", "\x03\x00\x0a\x00rcpg125\x42\x32\x0a\xf3 hel\x09\x00 bw\x05\xb0ld}\x0a\x80\x0f\xa0"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if out, _ := mapi.RTF(in); len(out) > 9*len(in)+16 {
			t.Errorf("%d octets became %d", len(in), len(out))
		}
		mapi.Text(uint16(len(in)), in, 1252)
	})
}
