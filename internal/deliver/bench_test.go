package deliver

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"postern.dev/postern/internal/durable"
	"postern.dev/postern/internal/mail"
)

// sinkhole answers as a next hop does, and forgets.
func sinkhole(c net.Conn, offers string) {
	defer c.Close()
	say := func(s string) { _, _ = c.Write([]byte(s)) }
	r := bufio.NewReaderSize(c, 256<<10)
	say("220 sink\r\n")
	for inside := false; ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case inside && string(line) == ".\r\n":
			inside = false
			say("250 taken\r\n")
		case inside:
		case strings.HasPrefix(string(line), "EHLO"):
			say(offers)
		case strings.HasPrefix(string(line), "BDAT"):
			var n int
			_, _ = fmt.Sscanf(string(line), "BDAT %d LAST", &n)
			_, _ = r.Discard(n)
			say("250 taken\r\n")
		case strings.HasPrefix(string(line), "DATA"):
			inside = true
			say("354 go\r\n")
		default:
			say("250 ok\r\n")
		}
	}
}

// BenchmarkDelivery is a message of 100 KiB in memory over a connection that is
// used again. The sink is part of it.
func BenchmarkDelivery(b *testing.B) {
	body := durable.NewBuffer(1<<20, "")
	defer body.Close()
	_, _ = body.Write([]byte(strings.Repeat(strings.Repeat("QUJD", 19)+"\r\n", 100*1024/78)))
	o := &mail.Outgoing{Front: []byte(strings.Repeat("X-Front: 1\r\n", 60)), Body: body}
	for way, offers := range map[string]string{
		"DATA": "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
		"BDAT": "250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n",
	} {
		b.Run(way, func(b *testing.B) { sendAgain(b, offers, o) })
	}
}

func sendAgain(b *testing.B, offers string, o *mail.Outgoing) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go sinkhole(c, offers)
		}
	}()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	d, err := New(Config{Resolver: zone{at: "127.0.0.1"}, Limits: Limits{Messages: 1 << 30}})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	e := envelope("b@y.example")
	b.ReportAllocs()
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	for b.Loop() {
		tx, err := d.Open(b.Context(), routeTo(port), e, o)
		if err != nil {
			b.Fatal(err)
		}
		if r := tx.Send(b.Context()); !r.Ok() {
			b.Fatal(r)
		}
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(cpu)/float64(b.N)/1000, "cpu-us/op")
}
