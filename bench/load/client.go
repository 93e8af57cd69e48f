package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// client is one connection of a source.
type client struct {
	conn net.Conn
	tcp  *net.TCPConn
	in   []byte // what came and was not read
	buf  [1024]byte
	out  []byte
}

// dial connects and says hello. The reply is the last one that came.
func (r *run) dial(ctx context.Context) (*client, string, error) {
	d := net.Dialer{Timeout: r.Timeout}
	conn, err := d.DialContext(ctx, "tcp", r.Addr)
	if err != nil {
		return nil, "", err
	}
	c := &client{conn: conn}
	c.tcp, _ = conn.(*net.TCPConn)
	c.deadline(r.Timeout)
	reply, err := c.hello(r)
	if err != nil {
		c.close()
		return nil, reply, err
	}
	r.connected.Add(1)
	return c, reply, nil
}

func (c *client) hello(r *run) (reply string, err error) {
	expect := func(class byte, read func() (string, error)) {
		if err != nil {
			return
		}
		if reply, err = read(); err == nil && reply[0] != class {
			err = fmt.Errorf("load: answer %s", reply)
		}
	}
	verb := "HELO "
	if r.EHLO || r.TLS != nil || r.Chunk > 0 {
		verb = "EHLO "
	}
	expect('2', c.reply)
	expect('2', func() (string, error) { return c.command(verb, r.Hello, "") })
	if r.TLS == nil || err != nil {
		return reply, err
	}
	expect('2', func() (string, error) { return c.command("STARTTLS", "", "") })
	if err != nil {
		return reply, err
	}
	if len(c.in) > 0 {
		return "", errors.New("load: the server spoke before TLS began")
	}
	session := tls.Client(c.conn, r.TLS)
	c.conn = session
	if err := session.Handshake(); err != nil {
		return "", err
	}
	if session.ConnectionState().DidResume {
		r.resumed.Add(1)
	}
	expect('2', func() (string, error) { return c.command(verb, r.Hello, "") })
	return reply, err
}

func (c *client) deadline(d time.Duration) { c.conn.SetDeadline(time.Now().Add(d)) }

// command sends one line and reads the answer.
func (c *client) command(verb, arg, end string) (string, error) {
	c.out = append(append(append(append(c.out[:0], verb...), arg...), end...), "\r\n"...)
	if _, err := c.conn.Write(c.out); err != nil {
		return "", err
	}
	return c.reply()
}

// reply reads a whole answer; its lines are joined by spaces.
func (c *client) reply() (string, error) {
	var text string
	for {
		i := bytes.IndexByte(c.in, '\n')
		if i < 0 {
			if err := c.more(); err != nil {
				return "", err
			}
			continue
		}
		line := strings.TrimSuffix(string(c.in[:i]), "\r")
		c.in = c.in[i+1:]
		if len(line) < 3 {
			return "", fmt.Errorf("load: not an answer: %q", line)
		}
		if text == "" {
			text = line
		} else {
			text += " " + line[min(4, len(line)):]
		}
		if len(line) == 3 || line[3] != '-' {
			return text, nil
		}
	}
}

func (c *client) more() error {
	if len(c.in) > 64<<10 {
		return errors.New("load: an answer without end")
	}
	kept := copy(c.buf[:], c.in)
	if kept < len(c.in) || kept == len(c.buf) { // a long line: rare
		var more [1024]byte
		n, err := c.conn.Read(more[:])
		c.in = append(bytes.Clone(c.in), more[:n]...)
		return orNil(n, err)
	}
	n, err := c.conn.Read(c.buf[kept:])
	c.in = c.buf[:kept+n]
	return orNil(n, err)
}

func orNil(n int, err error) error {
	if n > 0 {
		return nil
	}
	return err
}

func (c *client) reset() error {
	_, err := c.command("RSET", "", "")
	return err
}

// blocks are buffers for the content of a message.
var blocks = sync.Pool{New: func() any { b := make([]byte, 0, blockSize); return &b }}

const (
	blockSize = 128 << 10
	// direct pieces are written from where they stand, without TLS.
	direct = 64 << 10
)

// data sends the content with its end, in as few writes as it can.
func (c *client) data(m Message, abort bool) error {
	const end = ".\r\n"
	block := blocks.Get().(*[]byte)
	defer blocks.Put(block)
	out := (*block)[:0]
	flush := func() (err error) {
		if len(out) > 0 {
			_, err = c.conn.Write(out)
			out = out[:0]
		}
		return err
	}
	for i, p := range m.wire {
		if abort && i == len(m.wire)-1 {
			p = p[:len(p)/2]
		}
		for len(p) > 0 {
			if len(p) >= blockSize || len(out)+len(p) > blockSize && len(p) >= direct {
				n := min(len(p), 8*blockSize)
				if err := flush(); err != nil {
					return err
				}
				if _, err := c.conn.Write(p[:n]); err != nil {
					return err
				}
				p = p[n:]
				continue
			}
			n := min(len(p), blockSize-len(out))
			out = append(out, p[:n]...)
			p = p[n:]
			if len(out) == blockSize {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	if abort {
		flush()
		return errCut
	}
	if len(out)+len(end) > blockSize {
		if err := flush(); err != nil {
			return err
		}
	}
	out = append(out, end...)
	return flush()
}

// chunks sends the content with BDAT. ended is called when the last chunk is
// on its way.
func (c *client) chunks(m Message, size int, abort bool, ended func() error) (reply string, err error) {
	content := m.Content()
	for len(content) > 0 {
		n := min(size, len(content))
		head := "BDAT " + strconv.Itoa(n)
		last := n == len(content)
		if last {
			head += " LAST"
		}
		c.out = append(append(c.out[:0], head...), "\r\n"...)
		part := content[:n]
		if abort {
			part = part[:n/2]
		}
		if n <= direct {
			c.out = append(c.out, part...)
			part = nil
		}
		if _, err := c.conn.Write(c.out); err != nil {
			return "", err
		}
		if len(part) > 0 {
			if _, err := c.conn.Write(part); err != nil {
				return "", err
			}
		}
		if abort {
			return "", errCut
		}
		if last {
			if err := ended(); err != nil {
				return "", err
			}
		}
		if reply, err = c.reply(); err != nil {
			return "", err
		}
		if reply[0] != '2' {
			return reply, nil
		}
		content = content[n:]
	}
	return reply, nil
}

// quit ends the connection as one should.
func (c *client) quit() {
	if c == nil {
		return
	}
	c.command("QUIT", "", "")
	c.close()
}

// close ends it at once; no port is left waiting.
func (c *client) close() {
	if c.tcp != nil {
		c.tcp.SetLinger(0)
	}
	c.conn.Close()
}
