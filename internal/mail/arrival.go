package mail

import (
	"crypto/x509"
	"io"
	"net/netip"
	"time"
)

// Arrival is a message at the front door: who brought it, its envelope and
// its octets.
type Arrival struct {
	// Trace names the arrival in logs and in the audit record; it is
	// time-ordered and random.
	Trace    string
	Peer     Peer
	Envelope Envelope
	// Body holds header and body of the message as they came, without dot
	// stuffing and without the end-of-data line.
	Body Body
	// Chunked is set when the message came by BDAT (RFC 3030).
	Chunked bool
	// Bare is set when the octets contain a CR or LF that is not part of a
	// CR LF pair. Only BDAT can bring such a message.
	Bare bool
	// Began and Ended are the times of MAIL and of the end of data.
	Began, Ended time.Time
}

// Peer is the client at the other end of a connection, as far as the
// connection itself proves it.
type Peer struct {
	Addr  netip.AddrPort
	Hello string // the argument of EHLO, not verified
	TLS   *TLS   // nil without TLS
}

// TLS is what the handshake said.
type TLS struct {
	Version    uint16
	Cipher     uint16
	ServerName string // SNI, lower case
	// Certificates is the client's chain, leaf first; empty when the client
	// gave none.
	Certificates []*x509.Certificate
	// Verified is set when the chain leads to a root that this installation
	// trusts for clients and the leaf is valid now.
	Verified bool
	// Names are the DNS names of a verified leaf, lower case, with its
	// common name when it has no subject alternative name.
	Names []string
}

// Body is the content of a message: random access, so that nothing is read
// into memory as a whole.
type Body interface {
	io.ReaderAt
	// Size is the number of octets.
	Size() int64
}

// Kept is a Body that is there until everybody has let it go.
type Kept interface {
	Body
	// Keep has the octets stay until Close is called once more. It is false
	// when they cannot be kept any longer than they are anyway.
	Keep() bool
	Close() error
}

// Range is a half-open interval of octet offsets over a message.
type Range struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// Len is the number of octets in r.
func (r Range) Len() int64 { return r.End - r.Start }

// Direction is which way a message crosses the border of its tenant.
type Direction string

// The directions of an inline message.
const (
	Out Direction = "out"
	In  Direction = "in"
)
