package receive

import "golang.org/x/sys/unix"

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
