package socket_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern/internal/socket"
)

func TestPeekSaysWhatIsThereAndTakesNothing(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ours, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	raw := socket.Of(ours)
	if n, err := socket.Peek(raw); n != 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("nothing has come: %d, %v", n, err)
	}
	// until waits for what the network needs no time for, as a rule.
	until := func(want int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			n, err := socket.Peek(raw)
			if n == want && err == nil {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d, %v; want %d", n, err, want)
			}
		}
	}
	if _, err := theirs.Write([]byte("word")); err != nil {
		t.Fatal(err)
	}
	until(1)
	theirs.Close()
	if all, err := io.ReadAll(ours); string(all) != "word" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
	until(0)
	ours.Close()
	if n, err := socket.Peek(raw); n != 0 || err == nil || errors.Is(err, syscall.EAGAIN) {
		t.Errorf("a closed connection: %d, %v", n, err)
	}
}

func TestAPipeIsNoSocket(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if socket.Of(a) != nil {
		t.Error("a pipe has a socket")
	}
}
