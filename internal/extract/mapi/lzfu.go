package mapi

import (
	"encoding/binary"
	"errors"
)

// dictionary is what the window of compressed RTF holds at the beginning
// (MS-OXRTFCP §2.1.2.1).
const dictionary = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor ` +
	`MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0` + "\r\n" +
	`\par \pard\plain\f0\fs20\b\i\u\tab\tx`

// maxGrowth is how many octets one octet of compressed RTF can become: a
// reference of two octets stands for up to 17.
const maxGrowth = 9

// ErrRTF says that compressed RTF is damaged; what was read counts.
var ErrRTF = errors.New("mapi: compressed RTF is damaged")

// RTF unpacks compressed RTF (MS-OXRTFCP §2.1.3).
func RTF(p []byte) ([]byte, error) {
	if len(p) < 16 {
		return nil, ErrRTF
	}
	le := binary.LittleEndian
	raw, kind := int64(le.Uint32(p[4:])), le.Uint32(p[8:])
	p = p[16:]
	if kind == 0x414C454D { // "MELA": as it is
		if raw > int64(len(p)) {
			return p, ErrRTF
		}
		return p[:raw], nil
	}
	if kind != 0x75465A4C { // "LZFu"
		return nil, ErrRTF
	}
	if raw > maxGrowth*int64(len(p)) {
		raw = maxGrowth * int64(len(p))
	}
	var window [4096]byte
	at := copy(window[:], dictionary)
	out := make([]byte, 0, raw)
	put := func(c byte) {
		out = append(out, c)
		window[at] = c
		at = (at + 1) & 4095
	}
	for len(p) > 0 {
		flags := p[0]
		p = p[1:]
		for bit := range 8 {
			if len(p) == 0 {
				break
			}
			if flags>>bit&1 == 0 {
				put(p[0])
				p = p[1:]
				continue
			}
			if len(p) < 2 {
				return out, ErrRTF
			}
			ref := int(p[0])<<8 | int(p[1])
			p = p[2:]
			from, size := ref>>4, ref&15+2
			if from == at {
				return out, nil
			}
			for range size {
				put(window[from])
				from = (from + 1) & 4095
			}
		}
	}
	if int64(len(out)) < raw {
		return out, ErrRTF
	}
	return out, nil
}
