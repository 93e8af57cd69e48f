package pdf

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// drawnContent is a page of lines as programs write them, with now and then
// something else between them.
func drawnContent(r *rand.Rand) string {
	number := func() string {
		return [...]string{"0", "1", "-3", "0.00001", "12", "99999999", fmt.Sprintf("%.3f", r.NormFloat64()*10)}[r.IntN(7)]
	}
	numbers := func(n int) (s string) {
		for range n {
			s += number() + " "
		}
		return s
	}
	words := func() string {
		var b strings.Builder
		for range r.IntN(50) {
			switch k := r.IntN(30); {
			case k < 6:
				b.WriteByte(' ')
			case k == 6:
				fmt.Fprintf(&b, "\\%03o", r.IntN(256))
			case k == 7:
				b.WriteString("(a)")
			default:
				b.WriteByte(byte('a' + r.IntN(26)))
			}
		}
		return "(" + b.String() + ")"
	}
	calm := r.IntN(2) == 0
	var b strings.Builder
	b.WriteString("BT /F1 10 Tf 14 TL 50 780 Td\n")
	for range 40 {
		k := r.IntN(20)
		if calm {
			k = r.IntN(12)
		}
		switch {
		case k < 8:
			b.WriteString(words() + " Tj T*\n")
		case k < 10:
			b.WriteString("[" + words() + number() + words() + " -250 " + words() + "] TJ\n")
		case k == 10:
			fmt.Fprintf(&b, "%d %d Td\n", r.IntN(60)-20, r.IntN(40)-30)
		case k == 11:
			fmt.Fprintf(&b, "%.2f Tc %.2f Tw\n", r.Float64()/4*float64(r.IntN(2)), r.Float64()*3)
		case k == 12:
			b.WriteString(number() + " Tc\n")
		case k == 13:
			b.WriteString(number() + " Tw\n")
		case k == 14:
			b.WriteString(number() + " Tz\n")
		case k == 15:
			b.WriteString(numbers(6) + "Tm\n")
		case k == 16:
			b.WriteString(numbers(6) + "cm\n")
		case k == 17:
			b.WriteString("/F1 " + number() + " Tf\n")
		default:
			b.WriteString("0 Tc 0 Tw 100 Tz\n")
		}
	}
	return b.String() + "ET"
}

func TestLettersOfPrintArePutLikeOthers(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 400 {
		content := drawnContent(r)
		data := simple(content)
		if r.IntN(2) == 0 {
			var widths strings.Builder
			for range 96 {
				widths.WriteString([...]string{"500 ", "250 ", "556 ", "0 ", "-100 ", "0.4 ", "99999999 "}[r.IntN(3+r.IntN(5))])
			}
			data = bytes.Replace(data, []byte("/Encoding"), []byte("/FirstChar 32 /Widths ["+widths.String()+"] /Encoding"), 1)
		}
		d := newDocument(data)
		if err := d.open(); err != nil {
			t.Fatal(err)
		}
		read := &reader{document: d, out: &collected{}, fonts: map[ref]*font{}, sent: map[*byte]bool{}, forms: map[*stream][]byte{}}
		read.pages = read.findPages()
		fast := read.draw(&read.pages[0], false)
		for _, f := range read.fonts {
			f.printed = [256]printed{}
		}
		slow := read.draw(&read.pages[0], false)
		a, b := fast.layout, slow.layout
		if !slices.Equal(a.runs, b.runs) || a.letters != b.letters || !slices.Equal(a.gaps, b.gaps) {
			t.Fatalf("the runs of %q differ", content)
		}
		if x, y := string(a.finish()), string(b.finish()); x != y {
			t.Fatalf("%q\nas print: %q\none by one: %q", content, x, y)
		}
	}
}
