package app

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// doorAt opens a listener for mail. Whether a silent client is still there is
// asked as often as Go would ask; said once to the listener, it need not be
// said in four system calls to each connection, which takes it over.
func doorAt(ctx context.Context, address string) (net.Listener, error) {
	once := net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, raw syscall.RawConn) (err error) {
		failed := raw.Control(func(fd uintptr) {
			for _, o := range []struct{ level, name, value int }{
				{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
				{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
				{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
				{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9},
			} {
				if err == nil {
					err = unix.SetsockoptInt(int(fd), o.level, o.name, o.value)
				}
			}
		})
		if failed != nil {
			return failed
		}
		return err
	}}
	return once.Listen(ctx, "tcp", address)
}
