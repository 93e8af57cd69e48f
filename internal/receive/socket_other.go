//go:build !linux

package receive

import "syscall"

// pending reports whether input lies in the socket that nobody has read yet.
// What is not a socket has none that we can see.
func (w *wire) pending() bool {
	if w.sock == nil {
		return false
	}
	found := false
	err := w.sock.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		found = err == nil && n > 0
		return true
	})
	return err == nil && found
}

// hold is for Linux only.
func (w *wire) hold([]byte) (taken int) { return 0 }
