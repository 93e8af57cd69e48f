package zipped

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
)

// packed writes an archive of names and contents.
func packed(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// listing is what an archive holds, as one line: hidden entries in brackets.
func listing(a *Archive) string {
	var b strings.Builder
	for i := range a.Files {
		f := &a.Files[i]
		content := ""
		if r, err := f.Open(); err != nil {
			content = "?"
		} else {
			all, err := io.ReadAll(r)
			if content = string(all); err != nil {
				content += "!"
			}
			r.Close()
		}
		if f.Hidden {
			fmt.Fprintf(&b, "(%s=%s)", f.Name, content)
		} else {
			fmt.Fprintf(&b, "%s=%s ", f.Name, content)
		}
	}
	return strings.TrimSpace(b.String())
}

func TestOpen(t *testing.T) {
	plain := packed(t, "a.txt", "first", "b.txt", "second")
	end := bytes.Index(plain, []byte(sigEnd))
	directory := bytes.Index(plain, []byte(sigCentral))
	second := bytes.LastIndex(plain, []byte(sigCentral))
	edit := func(change func(b []byte) []byte) []byte { return change(bytes.Clone(plain)) }
	tests := []struct {
		name, want, odd string
		damaged         bool
		in              []byte
	}{
		{"an archive", "a.txt=first b.txt=second", "", false, plain},
		{"an archive behind a program", "a.txt=first b.txt=second", "", false, append([]byte(strings.Repeat("MZ", 20)), plain...)},
		{"an archive without its directory", "(a.txt=first)(b.txt=second)", "", true, plain[:directory]},
		{"an archive with something behind it", "a.txt=first b.txt=second", "there is data behind the end of the archive", false,
			append(bytes.Clone(plain), "and a tail"...)},
		{"an entry that the directory leaves out", "a.txt=first (b.txt=second)", "there are entries that the directory does not show", false,
			edit(func(b []byte) []byte {
				b = append(b[:second], b[end:]...)
				at := bytes.Index(b, []byte(sigEnd))
				binary.LittleEndian.PutUint16(b[at+8:], 1)
				binary.LittleEndian.PutUint16(b[at+10:], 1)
				binary.LittleEndian.PutUint32(b[at+12:], uint32(second-directory))
				return b
			})},
		{"a name that differs in the entry's own header", "a.txt=first (x.txt=first)b.txt=second", "an entry's own header differs from the directory", false,
			edit(func(b []byte) []byte { b[sizeLocal] = 'x'; return b })},
		{"two entries of one name", "a.txt=1 a.txt=2", "two entries have the same name", false, packed(t, "a.txt", "1", "a.txt", "2")},
		{"two archives in one file", "b.txt=2 (a.txt=1)", "there are entries that the directory does not show", false,
			append(packed(t, "a.txt", "1"), packed(t, "b.txt", "2")...)},
		{"text", "", "", true, []byte("no archive")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Open(tt.in)
			if got := listing(a); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if odd := strings.Join(a.Oddities, "; "); tt.odd != "" && !strings.Contains(odd, tt.odd) || tt.odd == "" && odd != "" {
				t.Errorf("oddities %q", odd)
			}
			if (a.Damaged != "") != tt.damaged {
				t.Errorf("damaged: %q", a.Damaged)
			}
		})
	}
}

func TestDataBetweenEntriesIsKept(t *testing.T) {
	secret := strings.Repeat("hidden ", 20)
	one := packed(t, "a.txt", "1")
	a := Open(append([]byte(secret), one...))
	if len(a.Gaps) != 1 || string(a.Gaps[0]) != secret {
		t.Errorf("gaps %q", a.Gaps)
	}
}

func TestEncryptedEntriesOpenWithTheirPassword(t *testing.T) {
	plain := []byte("the content of the file")
	old := File{Name: "a", Encrypted: true, flags: 1, crc: crc32.ChecksumIEEE(plain)}
	old.packed = encryptOld("secret", append(append(make([]byte, 11), byte(old.crc>>24)), plain...))
	if _, err := old.Open(); !errors.Is(err, ErrPassword) {
		t.Errorf("without a password: %v", err)
	}
	if _, err := old.OpenWith([]string{"wrong", ""}); !errors.Is(err, ErrPassword) {
		t.Errorf("with a wrong password: %v", err)
	}
	r, err := old.OpenWith([]string{"wrong", "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(r); !bytes.Equal(got, plain) {
		t.Errorf("got %q", got)
	}
}

// encryptOld is APPNOTE 6.1.3 the other way round.
func encryptOld(password string, plain []byte) []byte {
	k := [3]uint32{0x12345678, 0x23456789, 0x34567890}
	update := func(c byte) {
		k[0] = crc32.IEEETable[byte(k[0])^c] ^ k[0]>>8
		k[1] = (k[1]+k[0]&0xFF)*134775813 + 1
		k[2] = crc32.IEEETable[byte(k[2])^byte(k[1]>>24)] ^ k[2]>>8
	}
	for _, c := range []byte(password) {
		update(c)
	}
	out := make([]byte, len(plain))
	for i, c := range plain {
		t := k[2] | 2
		out[i] = c ^ byte(t*(t^1)>>8)
		update(c)
	}
	return out
}

func TestDeflate64ReadsWhatBothFormsShare(t *testing.T) {
	var text []byte
	n := uint32(1)
	for range 20000 {
		n = n*1664525 + 1013904223
		text = fmt.Appendf(text, "item %x, ", n)
	}
	for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, flate.BestSpeed, flate.BestCompression} {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(text)
		w.Close()
		got, err := io.ReadAll(newInflate(b.Bytes(), deflate64()))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("level %d: %d octets, %v", level, len(got), err)
		}
	}
}

func TestDeflate64HasLongMatches(t *testing.T) {
	// One fixed block: the literal 'a', a match of length 3+1000 at distance
	// 1 (symbol 285 with 16 more bits), the end.
	var bits []byte
	put := func(v, n uint, reversed bool) {
		for i := range n {
			bit := v >> i & 1
			if reversed {
				bit = v >> (n - 1 - i) & 1
			}
			bits = append(bits, byte(bit))
		}
	}
	put(1, 1, false)
	put(1, 2, false)
	put(0x30+'a', 8, true)
	put(0xC0+285-280, 8, true)
	put(1000, 16, false)
	put(0, 5, true)
	put(0, 7, true)
	packed := make([]byte, len(bits)/8+1)
	for i, bit := range bits {
		packed[i/8] |= bit << (i % 8)
	}
	got, err := io.ReadAll(newInflate(packed, deflate64()))
	if err != nil || string(got) != strings.Repeat("a", 1004) {
		t.Errorf("%d octets, %v", len(got), err)
	}
}

func TestTooManyEntriesAreSaid(t *testing.T) {
	files := make([]string, 0, 2*MaxEntries+2)
	for i := range MaxEntries + 1 {
		files = append(files, fmt.Sprint(i), "")
	}
	if a := Open(packed(t, files...)); !a.Full || len(a.Files) != MaxEntries {
		t.Errorf("%d entries, full %v", len(a.Files), a.Full)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(packed(f, "a.txt", "first", "b.txt", "second"), "")
	f.Add(append(packed(f, "a", "1"), packed(f, "a", "2")...), "")
	cut := packed(f, "a.txt", strings.Repeat("long ", 100))
	f.Add(cut[:len(cut)/2], "password")
	f.Fuzz(func(t *testing.T, b []byte, password string) {
		a := Open(b)
		for i := range a.Files {
			file := &a.Files[i]
			r, err := file.Open()
			if errors.Is(err, ErrPassword) {
				r, err = file.OpenWith([]string{password})
			}
			if err != nil {
				continue
			}
			_, _ = io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			r.Close()
		}
	})
}

func FuzzInflate64(f *testing.F) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	w.Write([]byte("some text, some text, some more text"))
	w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = io.Copy(io.Discard, io.LimitReader(newInflate(b, deflate64()), 1<<20))
	})
}
