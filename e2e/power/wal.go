package power

import (
	"encoding/binary"
	"fmt"
)

// What a write-ahead log of SQLite is made of: https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
const (
	walHead  = 32
	walFrame = 24
)

// walScan reads a write-ahead log as SQLite's recovery does: frame by frame,
// until one whose salts or checksum do not fit. What comes after the last
// commit before it is nothing to it.
type walScan struct {
	order  binary.ByteOrder
	size   int    // of a page
	salts  string // of all frames
	at     int    // up to here all fits; 0: not even the head does
	sum    walSum // there
	commit int    // the end of the last commit
	mark   walSum // there
}

// on reads on from where the scan stopped. octets gives n of them at a place,
// or fewer at the end.
func (s walScan) on(octets func(at, n int) []byte) walScan {
	if s.at == 0 && !s.head(octets(0, walHead)) {
		return walScan{}
	}
	for {
		f := octets(s.at, walFrame+s.size)
		if len(f) < walFrame+s.size || string(f[8:16]) != s.salts || binary.BigEndian.Uint32(f) == 0 {
			return s
		}
		sum := s.sum
		sum.add(s.order, f[:8])
		sum.add(s.order, f[walFrame:])
		if !sum.is(f[16:24]) {
			return s
		}
		s.at, s.sum = s.at+len(f), sum
		if binary.BigEndian.Uint32(f[4:]) != 0 {
			s.commit, s.mark = s.at, sum
		}
	}
}

func (s *walScan) head(b []byte) bool {
	if len(b) < walHead {
		return false
	}
	switch binary.BigEndian.Uint32(b) {
	case 0x377f0682:
		s.order = binary.LittleEndian
	case 0x377f0683:
		s.order = binary.BigEndian
	default:
		return false
	}
	s.size = int(binary.BigEndian.Uint32(b[8:]))
	s.sum.add(s.order, b[:24])
	s.at, s.salts = walHead, string(b[16:24])
	return s.size >= 512 && s.size <= 65536 && s.size&(s.size-1) == 0 && s.sum.is(b[24:])
}

// read is a mark of all that is taken from the log.
func (s walScan) read() string {
	if s.commit == 0 {
		return ""
	}
	return fmt.Sprintf("%x %d %x", s.salts, s.commit, s.mark)
}

// walSum is the running checksum of a write-ahead log.
type walSum [2]uint32

func (s *walSum) add(order binary.ByteOrder, b []byte) {
	one, two := s[0], s[1]
	if order == binary.LittleEndian { // nearly always: a call for each word would take most of the time
		for ; len(b) >= 8; b = b[8:] {
			one += binary.LittleEndian.Uint32(b) + two
			two += binary.LittleEndian.Uint32(b[4:]) + one
		}
	}
	for ; len(b) >= 8; b = b[8:] {
		one += order.Uint32(b) + two
		two += order.Uint32(b[4:]) + one
	}
	s[0], s[1] = one, two
}

func (s *walSum) is(b []byte) bool {
	return binary.BigEndian.Uint32(b) == s[0] && binary.BigEndian.Uint32(b[4:]) == s[1]
}
