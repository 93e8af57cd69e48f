package look_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/look"
)

// usualWords are those of letters between companies: many of them speak of
// what a detector looks for.
const usualWords = "the of and to in for on with contract invoice customer budget meeting quarter report price delivery project " +
	"review account payment team attached please confirm schedule update draft legal agreement service terms " +
	"order number office manager request approval policy security travel expense hours data system change " +
	"product market plan risk value total amount date signed version copy address phone company supplier " +
	"question answer next week Monday Friday regards thank you we will send have been before after this that " +
	"which from by at an is are was be or not all can may must should"

// paragraphs are prose of about size octets, with a reference and an amount
// now and then.
func paragraphs(r *rand.Rand, size int) []string {
	words := strings.Fields(usualWords)
	var list []string
	var b strings.Builder
	for n, k := 0, 1; n < size; k++ {
		from := b.Len()
		for i := range 6 + r.IntN(11) {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(words[r.IntN(len(words))])
		}
		b.WriteByte('.')
		if r.IntN(20) == 0 {
			fmt.Fprintf(&b, " Ref %04d-%05d, EUR %d.%02d.", r.IntN(10000), r.IntN(100000), 1+r.IntN(9999), r.IntN(100))
		}
		n += b.Len() - from + 1
		if b.WriteByte(' '); k%5 == 0 || n >= size {
			list = append(list, strings.TrimSpace(b.String())+"\n")
			b.Reset()
		}
	}
	return list
}

// BenchmarkDetectors runs all built-in detectors over the texts of one
// message: what stands in its header, a text in two forms and a document.
func BenchmarkDetectors(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []struct {
		kind  detect.Kind
		parts []string
	}{
		{detect.Subject, []string{"Budget review and attached agreement"}},
		{detect.Header, []string{"Anna Visser <anna.visser@contoso.example>\nBert Jansen <bert.jansen@fabrikam.example>\n"}},
		{detect.Body, paragraphs(r, 2500)},
		{detect.Body, paragraphs(r, 6500)},
		{detect.FileName, []string{"agreement.docx"}},
		{detect.Attachment, paragraphs(r, 43800)},
	}
	size := 0
	for _, t := range texts {
		size += len(strings.Join(t.parts, ""))
	}
	for _, regions := range [][]string{nil, {"NL", "DE"}} {
		b.Run(fmt.Sprintf("%d-countries", len(regions)), func(b *testing.B) {
			detectors := look.Detectors(detect.Catalogue{Regions: regions})
			hits := 0
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for i, t := range texts {
					s := detect.Open(detect.Source{Part: string(rune('1' + i)), Kind: t.kind}, detectors)
					s.Found = func(detect.Found) { hits++ }
					for _, p := range t.parts {
						_, _ = s.Write([]byte(p))
					}
					_ = s.Close()
					s.Release()
				}
			}
			b.ReportMetric(float64(hits)/float64(b.N), "hits")
		})
	}
}
