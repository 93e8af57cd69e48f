package ocr

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// digits are the figures 0 to 9, five points wide and seven high.
var digits = [10][7]string{
	{" ### ", "#   #", "#   #", "#   #", "#   #", "#   #", " ### "},
	{"  #  ", " ##  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "},
	{" ### ", "#   #", "    #", "  ## ", " #   ", "#    ", "#####"},
	{" ### ", "#   #", "    #", "  ## ", "    #", "#   #", " ### "},
	{"   # ", "  ## ", " # # ", "#  # ", "#####", "   # ", "   # "},
	{"#####", "#    ", "#### ", "    #", "    #", "#   #", " ### "},
	{" ### ", "#    ", "#    ", "#### ", "#   #", "#   #", " ### "},
	{"#####", "    #", "   # ", "  #  ", "  #  ", "  #  ", "  #  "},
	{" ### ", "#   #", "#   #", " ### ", "#   #", "#   #", " ### "},
	{" ### ", "#   #", "#   #", " ####", "    #", "    #", " ### "},
}

// picture draws a number.
func picture(t *testing.T, number string) []byte {
	t.Helper()
	const point, step = 6, 44
	m := image.NewGray(image.Rect(0, 0, step*len(number)+80, 120))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for n, c := range number {
		if c == ' ' {
			continue
		}
		for y, row := range digits[c-'0'] {
			for x, p := range row {
				for k := 0; p == '#' && k < point*point; k++ {
					m.SetGray(40+n*step+x*point+k%point, 40+y*point+k/point, color.Gray{})
				}
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func reader(t *testing.T, c Config) *Reader {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestANumberInAPictureIsRead(t *testing.T) {
	if _, err := exec.LookPath("tesseract"); err != nil {
		t.Skip("SKIPPED: tesseract is not installed (apt-get install tesseract-ocr)")
	}
	r := reader(t, Config{Program: "tesseract", Timeout: time.Minute})
	text, err := r.Read(context.Background(), bytes.NewReader(picture(t, "4287 4962 2784")))
	if got := strings.Join(strings.Fields(text), ""); err != nil || !strings.Contains(got, "428749622784") {
		t.Errorf("%q %v", text, err)
	}
	if text, err := r.Read(context.Background(), strings.NewReader("no picture")); err == nil {
		t.Errorf("what is no picture gives %q, and no error", text)
	}
}

func TestItIsOffUntilItIsTurnedOn(t *testing.T) {
	if r, err := New(Config{}); r != nil || err != nil {
		t.Errorf("%v %v", r, err)
	}
	if _, err := New(Config{Program: "/nowhere/tesseract"}); err == nil {
		t.Error("a program that is not there is no error")
	}
}

// program is a stand-in for tesseract.
func program(t *testing.T, script string) Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return Config{Program: path, Timeout: 5 * time.Second}
}

func TestAProgramIsBounded(t *testing.T) {
	small := strings.NewReader("x")
	hangs := program(t, "while :; do sleep 1; done")
	hangs.Timeout = 200 * time.Millisecond
	if _, err := reader(t, hangs).Read(context.Background(), small); !errors.Is(err, ErrTime) {
		t.Errorf("it hangs: %v", err)
	}
	if _, err := reader(t, program(t, "cat >/dev/null; exit 3")).Read(context.Background(), small); err == nil {
		t.Error("it fails, and there is no error")
	}
	text, err := reader(t, program(t, "cat >/dev/null; head -c 6000000 /dev/zero")).Read(context.Background(), small)
	if err != nil || len(text) != maxText {
		t.Errorf("%d octets of text, %v", len(text), err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if text, _ := reader(t, program(t, "cat >/dev/null; ulimit -v; ulimit -n; (echo x >"+file+") 2>/dev/null; env")).Read(
		context.Background(), small); !strings.HasPrefix(text, "1048576\n64\n") || strings.Contains(text, "HOME=") {
		t.Errorf("limits and environment: %q", text)
	}
	if b, _ := os.ReadFile(file); len(b) > 0 {
		t.Errorf("it wrote a file: %q", b)
	}
	echo := program(t, "cat >/dev/null")
	if _, err := reader(t, echo).Read(context.Background(), bytes.NewReader(make([]byte, maxPicture+1))); !errors.Is(err, ErrLarge) {
		t.Errorf("too many octets: %v", err)
	}
	wide := picture(t, "1")
	copy(wide[16:24], "\x00\x01\x00\x00\x00\x01\x00\x00") // 65,536 x 65,536
	if _, err := reader(t, echo).Read(context.Background(), bytes.NewReader(resealed(wide))); !errors.Is(err, ErrLarge) {
		t.Errorf("too many points: %v", err)
	}
}

// resealed corrects the checksum of the head of a PNG.
func resealed(b []byte) []byte {
	sum := crc32.ChecksumIEEE(b[12:29])
	binary.BigEndian.PutUint32(b[29:33], sum)
	return b
}
