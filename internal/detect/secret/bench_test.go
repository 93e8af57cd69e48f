package secret_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/secret"
)

// prose is mail without a secret.
func prose(size int) []byte {
	const letter = "Dear Ms. Jones, thank you for your letter of 12 November 2026 about order 4711-2026.\r\n" +
		"As agreed on the phone (+31 20 555 0123) we will send the goods to Keizersgracht 12, 1015 CX Amsterdam, before noon;\r\n" +
		"the invoice of EUR 1,234.56 is due within 30 days. Please do not hesitate to ask when something remains unclear: we\r\n" +
		"are glad to help. Our colleagues keep the passwords of the customers' portal secret, and nobody will ask you for yours.\r\n"
	return []byte(strings.Repeat(letter, size/len(letter)+1))[:size]
}

func window(text []byte) *detect.Window {
	return &detect.Window{Text: text, From: 0, To: len(text) + 1}
}

func BenchmarkSecretsInProse(b *testing.B) {
	d, text := secret.New(), prose(1<<20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	w := window(text)
	before := cpu()
	for b.Loop() {
		d.Scan(w, func(detect.Hit) {})
	}
	perCPU(b, before, len(text))
}

// cpu is the time that this process has computed: on a machine that others
// use it says more than the clock.
func cpu() time.Duration {
	var use syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

func perCPU(b *testing.B, before time.Duration, size int) {
	b.ReportMetric(float64(size)*float64(b.N)/1e6/(cpu()-before).Seconds(), "MB/cpu-s")
}

func BenchmarkSecretsInSharedText(b *testing.B) {
	t := new(testing.T)
	kinds := map[string]*strings.Builder{}
	for _, x := range samples(t, "benign_text.jsonl") {
		if kinds[x.Kind] == nil {
			kinds[x.Kind] = new(strings.Builder)
		}
		kinds[x.Kind].WriteString(x.Text)
	}
	d := secret.New()
	for kind, text := range kinds {
		b.Run(kind, func(b *testing.B) {
			w := window([]byte(text.String()))
			b.SetBytes(int64(len(w.Text)))
			before := cpu()
			for b.Loop() {
				d.Scan(w, func(detect.Hit) {})
			}
			perCPU(b, before, len(w.Text))
		})
	}
}
