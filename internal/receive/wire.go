package receive

import (
	"bytes"
	"net"
	"syscall"
	"time"

	"postern.dev/postern/internal/socket"
)

// wire is the socket below everything. It counts the reads that brought
// something.
type wire struct {
	net.Conn
	sock  syscall.RawConn // nil: not a socket
	reads int
	hello []byte // what a handshake must still begin with

	readBy, writeBy deadline
}

func newWire(nc net.Conn) *wire { return &wire{Conn: nc, sock: socket.Of(nc)} }

// pending reports whether input lies in the socket that nobody has read yet.
// What is not a socket has none that we can see.
func (w *wire) pending() bool {
	if w.sock == nil {
		return false
	}
	n, err := socket.Peek(w.sock)
	return n > 0 && err == nil
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	w.reads++
	k := min(n, len(w.hello))
	if !bytes.Equal(p[:k], w.hello[:k]) {
		return 0, errNoHello
	}
	w.hello = w.hello[k:]
	return n, err
}

// deadline is until when a socket waits. A client says its few lines in some
// milliseconds, and each of them has its time: as it is set a little late, it
// holds for the next lines too.
type deadline struct {
	at    time.Time
	slack time.Duration
}

// grain is how much later than asked for a wait may end.
const grain = time.Second

// move returns the deadline to set for t, and whether one must be set.
func (d *deadline) move(t time.Time) (at time.Time, needed bool) {
	if late := d.at.Sub(t); late >= 0 && late <= d.slack {
		return d.at, false
	}
	d.slack = min(max(time.Until(t)/64, 0), grain)
	d.at = t.Add(d.slack)
	return d.at, true
}

// SetReadDeadline implements net.Conn.
func (w *wire) SetReadDeadline(t time.Time) error {
	at, needed := w.readBy.move(t)
	if !needed {
		return nil
	}
	return w.Conn.SetReadDeadline(at)
}

// SetWriteDeadline implements net.Conn.
func (w *wire) SetWriteDeadline(t time.Time) error {
	at, needed := w.writeBy.move(t)
	if !needed {
		return nil
	}
	return w.Conn.SetWriteDeadline(at)
}
