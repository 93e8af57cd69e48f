// Package socket asks the socket below a connection what has come, without
// waiting and without taking it.
//
// It upholds one law: asking changes nothing; what is there is still there for
// whoever reads.
//
// It does not know what is said over the connection.
//
// Standards: POSIX.1-2024, recv (MSG_PEEK).
package socket

import (
	"net"
	"syscall"
)

// Of is the socket below a connection; nil when it is none.
func Of(c net.Conn) syscall.RawConn {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// Peek looks for an octet that nobody has read yet: n is 1 when there is one,
// and 0 when the other side has ended. syscall.EAGAIN says that nothing has come.
func Peek(raw syscall.RawConn) (n int, err error) {
	failed := raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	if failed != nil {
		return 0, failed
	}
	return max(n, 0), err
}
