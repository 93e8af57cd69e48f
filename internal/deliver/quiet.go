package deliver

import (
	"syscall"
	"time"

	"postern.dev/postern/internal/socket"
)

// quiet reports whether a host, which has nothing to say, has said nothing and
// has not closed the connection. Inside TLS it may have sent what is for TLS
// alone, such as a ticket.
func (c *conn) quiet() bool {
	n, err := socket.Peek(c.sock)
	if n == 0 || c.plain() {
		return err == syscall.EAGAIN || err == syscall.EINTR
	}
	if c.SetReadDeadline(time.Now().Add(ticketTime)) != nil {
		return false
	}
	_, err = c.r.Peek(1)
	return isTimeout(err)
}

// ticketTime is how long what has come already takes to be read.
const ticketTime = 10 * time.Millisecond
