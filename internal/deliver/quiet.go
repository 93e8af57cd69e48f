package deliver

import (
	"net"
	"syscall"
	"time"
)

// rawSocket is the socket below a connection; nil when it is none.
func rawSocket(c net.Conn) syscall.RawConn {
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

// quiet reports whether a host, which has nothing to say, has said nothing and
// has not closed the connection. Inside TLS it may have sent what is for TLS
// alone, such as a ticket.
func (c *conn) quiet() bool {
	quiet, closed := false, false
	failed := c.sock.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN || err == syscall.EINTR
		closed = err == nil && n == 0
		return true
	})
	if failed != nil || closed || quiet || c.plain() {
		return failed == nil && quiet
	}
	if c.SetReadDeadline(time.Now().Add(ticketTime)) != nil {
		return false
	}
	_, err := c.r.Peek(1)
	return isTimeout(err)
}

// ticketTime is how long what has come already takes to be read.
const ticketTime = 10 * time.Millisecond
