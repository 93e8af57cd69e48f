package extract

import (
	"encoding/binary"
	"os"
	"sync/atomic"
	"unsafe"
)

// board is memory that a child shares with its parent. On its first page the
// child writes what it does now. A message about every step would cost more
// than most steps; on a board it costs a copy, and the parent reads it only
// when it wants to know: whether the child still moves, and who was at work
// when it died. The parent believes nothing that stands there, it only
// blames by it.
//
// Behind that page the parent lays out jobs, and the child reads them in
// place: no octet goes through the system. The parent never reads there; a
// child that changes what was laid out for it deceives itself.
//
// Layout: four octets that change with every step (little endian, the
// parent's and the child's machine are one), four octets of length, the step
// as it would travel in a frame; from pageSize on frames.
type board struct{ page []byte }

// pageSize is one page, on which a step fits (maxStep); boardSize leaves room
// for the jobs of most mail.
const (
	pageSize  = 4096
	boardSize = pageSize + 1<<20
)

// room is where jobs are laid out.
func (b *board) room() []byte { return b.page[pageSize:] }

func (b *board) moves() *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&b.page[0])) }

// put is the child's.
func (b *board) put(s Step) {
	n := copy(b.page[8:8+maxStep], s.Part)
	if n < maxStep {
		b.page[8+n] = 0
		n++
		n += copy(b.page[8+n:8+maxStep], s.Who)
	}
	binary.LittleEndian.PutUint32(b.page[4:], uint32(n))
	b.moves().Add(1)
}

// step is the parent's: what stands there, if it is a step.
func (b *board) step() Step {
	n := binary.LittleEndian.Uint32(b.page[4:])
	if n == 0 || n > maxStep {
		return Step{}
	}
	s, err := parseStep(b.page[8 : 8+n])
	if err != nil {
		return Step{}
	}
	return s
}

// wipe is the parent's, before a job.
func (b *board) wipe() { binary.LittleEndian.PutUint32(b.page[4:], 0) }

// boardFile is the number of the file that a child inherits.
const boardFile = 3

// openBoard is the child's side of newBoard.
func openBoard() (*board, error) {
	f := os.NewFile(boardFile, "board")
	defer f.Close()
	return mapBoard(f)
}
