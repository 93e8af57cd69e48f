package extract

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"postern.dev/postern/internal/buffers"
)

// tray is where the frames of a job are laid out: first on the board, where
// the child reads them in place; what does not fit there goes through the
// pipe, a tray at a time.
type tray struct {
	c     *child
	room  []byte
	n     int    // octets of room that are laid out
	lent  []byte // the room, when it is not the board's
	spill func() // called once before anything is written that the child must read meanwhile
}

// trayRoom is how much goes through the pipe at a time.
const trayRoom = 4 * buffers.Size

func newTray(c *child, spill func()) *tray {
	t := &tray{c: c, spill: spill}
	if c.board != nil {
		t.room = c.board.room()
	}
	if len(t.room) == 0 {
		t.borrow()
	}
	return t
}

func (t *tray) borrow() {
	t.lent = buffers.Lend(trayRoom)
	t.room = t.lent[:trayRoom]
	t.spill()
}

func (t *tray) close() {
	if t.lent != nil {
		buffers.Return(t.lent)
	}
}

// send tells the child of what is laid out. The write of the notice never
// waits: the child has read everything before it said that it was done.
func (t *tray) send() error {
	n := t.n
	t.n = 0
	if t.lent != nil {
		_, err := t.c.in.Write(t.room[:n])
		return err
	}
	var frame [frameHead + 4]byte
	head(frame[:], frameBoard, 4)
	binary.BigEndian.PutUint32(frame[frameHead:], uint32(n))
	_, err := t.c.in.Write(frame[:])
	return err
}

// clear makes the whole room free.
func (t *tray) clear() error {
	err := t.send()
	if t.lent == nil {
		t.borrow() // the child is reading the board
	}
	return err
}

// frame lays out one frame.
func (t *tray) frame(kind byte, payload []byte) error {
	if len(payload) > maxFrame {
		return errFrame(len(payload))
	}
	if frameHead+len(payload) > len(t.room)-t.n {
		if err := t.clear(); err != nil {
			return err
		}
		if frameHead+len(payload) > len(t.room) {
			return writeFrame(t.c.in, kind, payload)
		}
	}
	head(t.room[t.n:], kind, len(payload))
	t.n += frameHead + copy(t.room[t.n+frameHead:], payload)
	return nil
}

// leastRoom is the room that is worth a frame of data.
const leastRoom = 4 << 10

// part lays out the octets of one part, read into their place.
func (t *tray) part(r io.Reader) error {
	for {
		if len(t.room)-t.n < frameHead+leastRoom {
			if err := t.clear(); err != nil {
				return errPipe
			}
		}
		room := t.room[t.n+frameHead:]
		n, err := fill(r, room[:min(len(room), maxFrame)])
		if n > 0 {
			head(t.room[t.n:], frameData, n)
			t.n += frameHead + n
		}
		if err != nil {
			return err
		}
	}
}

// fill reads until there is little room. A decoder that panics costs the rest
// of its part, not the process.
func fill(r io.Reader, room []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = ErrSource
		}
	}()
	for len(room)-n >= leastRoom {
		k, err := r.Read(room[n:])
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// share lays out what jobs share, if it is something else than before.
func (c *child) share(t *tray, shared []byte) error {
	if bytes.Equal(c.shared, shared) {
		return nil
	}
	if err := t.frame(frameShared, nil); err != nil {
		return err
	}
	c.shared = shared
	for rest := shared; len(rest) > 0; {
		n := min(len(rest), maxFrame)
		if err := t.frame(frameShared, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// feed lays out the request and the parts. A failure to write is noticed by
// the side that reads.
func (c *child) feed(t *tray, j Job) {
	defer t.close()
	if c.share(t, j.Shared) != nil || t.frame(frameJob, j.Request) != nil {
		return
	}
	for meta, content := range j.Parts {
		if t.frame(framePart, meta) != nil {
			return
		}
		err := t.part(content)
		if errors.Is(err, errPipe) {
			return
		}
		var text []byte
		if err != io.EOF {
			text = []byte("failed")
		}
		if t.frame(frameEnd, text) != nil {
			return
		}
	}
	if t.frame(frameOver, nil) == nil {
		_ = t.send()
	}
}

// errPipe marks a failure of the pipe, as opposed to the part.
var errPipe = errors.New("extract: the child does not read")
