//go:build !linux

package app

import (
	"context"
	"net"
)

// doorAt opens a listener for mail.
func doorAt(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}
