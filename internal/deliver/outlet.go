package deliver

import (
	"net"
	"time"

	"postern.dev/postern/internal/buffers"
)

const (
	sheaf      = 256 << 10        // octets that are written together
	shortPiece = 512              // what is not longer is copied
	shortRoom  = buffers.Size / 2 // for short pieces
)

// outlet gathers the pieces of a content and writes many of them at once, in
// place where there is no TLS: a piece must stay as it is until it is written.
type outlet struct {
	to    *content
	block *[buffers.Size]byte
	list  net.Buffers
	size  int    // of list
	short []byte // copies of short pieces, in block
	open  int    // where in short the last of list begins; -1: it is not there
	lent  bool   // room was given
}

// outlet is empty; free gives its memory back.
func (w *content) outlet() *outlet {
	o := &outlet{to: w, block: buffers.Get(), list: w.c.pieces[:0], open: -1}
	o.short = o.block[:0:shortRoom]
	return o
}

// room is memory for pieces that have none of their own. Asked for again, it
// writes those first that may lie in it.
func (o *outlet) room() ([]byte, error) {
	var err error
	if o.lent {
		err = o.flush()
	}
	o.lent = true
	return o.block[shortRoom:], err
}

func (o *outlet) free() {
	clear(o.list)
	o.to.c.pieces = o.list[:0]
	buffers.Put(o.block)
}

// Write implements io.Writer.
func (o *outlet) Write(p []byte) (int, error) {
	if len(p) > shortPiece && o.to.c.plain() {
		o.list, o.open = append(o.list, p), -1
		o.size += len(p)
	} else {
		for rest := p; len(rest) > 0; {
			n := min(len(rest), cap(o.short)-len(o.short))
			if n == 0 {
				if err := o.flush(); err != nil {
					return 0, err
				}
				continue
			}
			o.copy(rest[:n])
			rest = rest[n:]
		}
	}
	if o.size >= sheaf {
		return len(p), o.flush()
	}
	return len(p), nil
}

// copy puts a piece behind the other short ones. Those that follow each other
// are written as one.
func (o *outlet) copy(p []byte) {
	if o.open < 0 {
		o.open = len(o.short)
		o.list = append(o.list, nil)
	}
	o.short = append(o.short, p...)
	o.list[len(o.list)-1] = o.short[o.open:]
	o.size += len(p)
}

// flush writes what is gathered.
func (o *outlet) flush() error {
	rest := o.list // what is written is taken from it
	err := o.to.hand(&rest)
	o.list, o.size, o.short, o.open = o.list[:0], 0, o.short[:0], -1
	return err
}

// last is flush with the last octet of the content. A socket tells how much it
// took; of what TLS could not send as a whole, some may have left.
func (o *outlet) last() error {
	o.to.final = !o.to.c.plain()
	err := o.flush()
	o.to.final = o.to.final || err == nil
	return err
}

// hand writes a list of pieces. Each sliceSize octets have their own time.
func (w *content) hand(list *net.Buffers) error {
	for {
		if err := w.c.SetWriteDeadline(time.Now().Add(w.c.limits.Block)); err != nil {
			return err
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
		n, err := list.WriteTo(w.c.Conn) // writev(2) for a socket
		if err == nil || n < sliceSize || !isTimeout(err) {
			return err
		}
	}
}
