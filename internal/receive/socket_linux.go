package receive

import "golang.org/x/sys/unix"

// pending reports whether input lies in the socket that nobody has read yet
// (tcp(7), SIOCINQ). What is not a socket has none that we can see.
func (w *wire) pending() (found bool) {
	if w.sock == nil {
		return false
	}
	err := w.sock.Control(func(fd uintptr) {
		n, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ)
		found = err == nil && n > 0
	})
	return err == nil && found
}

// hold gives a socket octets that it need not send yet: they go with what comes
// next, which is its end (send(2), MSG_MORE). It returns how many were taken.
func (w *wire) hold(p []byte) (taken int) {
	if w.sock == nil || len(p) == 0 {
		return 0
	}
	_ = w.sock.Write(func(fd uintptr) bool { // what is not taken is sent as ever
		n, err := unix.SendmsgN(int(fd), p, nil, nil, unix.MSG_MORE|unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err == nil {
			taken = n
		}
		return true
	})
	return taken
}
