package extract

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The wire between a parent and its child, version 3.
//
// Both sides send frames: one octet that says what it is, four octets with
// the length of what follows (big endian, at most 1 MiB), and that many
// octets. Requests and records are opaque here; look defines them.
//
//	parent                         child
//	C limits (JSON)         →
//	                        ←      H version
//	M so many octets        →      the frames that come next lie on the board
//	K what jobs share       →      sent again only when it changes; empty: it begins anew
//	J request               →      ┐
//	P what the part is      →      │ parts in order; the child reads them at
//	D octets of it …        →      │ its own speed, and answers meanwhile:
//	E end, or why it failed →      │ S the step that begins now: part, NUL, who
//	P …                     →      │ R a record
//	O no more parts         →      ┘
//	                        ←      Z the job is done
//
// A frame that is none of these, comes from the wrong side, is too long or
// arrives out of turn is garbage: the child is killed, and the step that it
// had announced is to blame.
const wireVersion = "postern-child/3"

// What a frame is.
const (
	frameLimits = 'C'
	frameBoard  = 'M'
	frameShared = 'K'
	frameJob    = 'J'
	framePart   = 'P'
	frameData   = 'D'
	frameEnd    = 'E'
	frameOver   = 'O'

	frameHello  = 'H'
	frameStep   = 'S'
	frameRecord = 'R'
	frameDone   = 'Z'
)

const (
	fromParent = "CMKJPDEO"
	fromChild  = "HSRZ"
)

// maxFrame bounds what follows a frame's head.
const maxFrame = 1 << 20

// ErrWire is the failure of a peer that does not keep to the wire form.
var ErrWire = errors.New("extract: garbage on the wire")

// frameHead is the length of a frame's head.
const frameHead = 5

// head writes the head of a frame.
func head(b []byte, kind byte, n int) {
	b[0] = kind
	binary.BigEndian.PutUint32(b[1:frameHead], uint32(n))
}

func errFrame(n int) error { return fmt.Errorf("extract: a frame of %d octets is too long", n) }

// writeFrame writes one frame.
func writeFrame(w io.Writer, kind byte, payload []byte) error {
	if len(payload) > maxFrame {
		return errFrame(len(payload))
	}
	var h [frameHead]byte
	head(h[:], kind, len(payload))
	if _, err := w.Write(h[:]); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// cutFrame takes one frame of the kinds in allowed from the front of b, in
// place.
func cutFrame(b []byte, allowed string) (kind byte, payload, rest []byte, err error) {
	if len(b) < frameHead || strings.IndexByte(allowed, b[0]) < 0 {
		return 0, nil, nil, ErrWire
	}
	n := binary.BigEndian.Uint32(b[1:frameHead])
	if n > maxFrame || int(n) > len(b)-frameHead {
		return 0, nil, nil, ErrWire
	}
	end := frameHead + int(n)
	return b[0], b[frameHead:end:end], b[end:], nil
}

// readFrame reads one frame of the kinds in allowed. The payload lies in buf,
// which grows only as octets really arrive.
func readFrame(r *bufio.Reader, allowed string, buf *[]byte) (kind byte, payload []byte, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return 0, nil, err
	}
	if strings.IndexByte(allowed, head[0]) < 0 {
		return 0, nil, ErrWire
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return 0, nil, cutOff(err)
	}
	n := int(binary.BigEndian.Uint32(head[1:]))
	if n > maxFrame {
		return 0, nil, ErrWire
	}
	b := (*buf)[:0]
	for len(b) < n {
		step := min(n-len(b), 64<<10)
		at := len(b)
		b = append(b, make([]byte, step)...)
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return 0, nil, cutOff(err)
		}
	}
	*buf = b
	return head[0], b, nil
}

func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Step is what the child does now: who works on which part.
type Step struct {
	Part string
	Who  string
}

// maxStep bounds the names in a step.
const maxStep = 1024

// StepAt is a step whose names fit on the wire. The path of a part that lies
// in many others is cut: whom to blame, and what to leave out in the next
// attempt, then goes by its beginning.
func StepAt(part, who string) Step {
	who = who[:min(len(who), maxStep/2)]
	return Step{part[:min(len(part), maxStep-1-len(who))], who}
}

func (s Step) wire() []byte { return []byte(s.Part + "\x00" + s.Who) }

func parseStep(b []byte) (Step, error) {
	part, who, ok := strings.Cut(string(b), "\x00")
	if !ok || len(b) > maxStep || strings.IndexByte(who, 0) >= 0 {
		return Step{}, ErrWire
	}
	return Step{part, who}, nil
}
