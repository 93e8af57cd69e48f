package app

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// What is set on the listener must reach its connections, for a client that
// is gone without a word holds a place.
func TestConnectionsAreAskedWhetherTheyLive(t *testing.T) {
	ln, err := doorAt(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		on, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		idle, _ := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
		if on != 1 || idle != 15 {
			t.Errorf("alive %d, after %d s", on, idle)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
