package dlp_test

import (
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
)

// letterText is like mail: prose with a number now and then.
func letterText(size int) []byte {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString("Dear Ms. Jones, thank you for your letter of 12 November 2026 about order 4711-2026.\r\n" +
			"As agreed on the phone (+31 20 555 0123) we will send the goods to Keizersgracht 12, 1015 CX Amsterdam, before noon;\r\n" +
			"the invoice of EUR 1,234.56 is due within 30 days. Please do not hesitate to ask when something remains unclear.\r\n")
		if i%8 == 0 {
			fmt.Fprintf(&b, "Contact: person%d@contoso.com, card 4111 1111 1111 1111, IBAN GB29NWBK60161331926819, SSN 536-90-4399.\r\n", i)
		}
	}
	return []byte(b.String())
}

func words() detect.Catalogue {
	var terms []string
	for i := range 200 {
		terms = append(terms, fmt.Sprintf("project word%d", i))
	}
	return detect.Catalogue{Dictionaries: []detect.Dictionary{{ID: "projects", Terms: append(terms, "bluebird", "Überraschung")}}}
}

func BenchmarkFiveDetectorsTogether(b *testing.B) {
	for _, kind := range []string{"letters", "digits"} {
		text := letterText(8 << 20)
		if kind == "digits" {
			text = []byte(strings.Repeat("4012 8888 1234 5678 9012 3456\t17 3.14159\n", (8<<20)/42))
		}
		b.Run(kind, func(b *testing.B) {
			detectors := dlp.Detectors(words())
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				s := detect.Stream{Detectors: detectors, Found: func(detect.Found) {}}
				_, _ = s.Write(text)
				_ = s.Close()
			}
		})
	}
	for _, d := range dlp.Detectors(words()) {
		text := letterText(8 << 20)
		b.Run(d.ID(), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				s := detect.Stream{Detectors: []detect.Detector{d}, Found: func(detect.Found) {}}
				_, _ = s.Write(text)
				_ = s.Close()
			}
		})
	}
}

func BenchmarkFiftyPatterns(b *testing.B) {
	var c detect.Catalogue
	c.Detectors = []string{"none"}
	for i := range 50 {
		pattern := fmt.Sprintf(`\b(?:EMP%d|STAFF%d)-\d{6}\b`, i, i)
		switch i % 5 {
		case 1:
			pattern = fmt.Sprintf(`(?i)\bdossier +%d[A-Z]{3}\b`, i)
		case 2:
			pattern = fmt.Sprintf(`\b[A-Z]{2}\d{%d}[A-Z]\b`, 4+i%4)
		}
		c.Patterns = append(c.Patterns, detect.PatternRule{ID: fmt.Sprintf("p%d", i), Pattern: pattern})
	}
	detectors := dlp.Detectors(c)
	text := letterText(1 << 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s := detect.Stream{Detectors: detectors, Found: func(detect.Found) {}}
		_, _ = s.Write(text)
		_ = s.Close()
	}
}
