package mail

import "crypto/tls"

// Route says to which next hop a message goes, before any name is looked up.
// It is built from a tenant's return setting; deliver turns it into hosts.
type Route struct {
	// Tenant separates connections, concurrency and throttling.
	Tenant string
	// Domain is looked up for its mail exchangers; "" when Host is set.
	Domain string
	// Initial is the tenant's initial domain (contoso.onmicrosoft.com), used
	// when Domain has no usable exchanger of Exchange Online.
	Initial string
	// ForeignMX allows exchangers that are not Exchange Online's
	// (Safetica's way; off by default).
	ForeignMX bool
	// Host is a pinned next hop, "host" or "host:port".
	Host string
	// TLS is how the next hop must be reached.
	TLS TLSLevel
	// ServerName is the name that the certificate must carry; "" for the
	// name of the host.
	ServerName string
	// Certificate is presented as the client's; nil for none.
	Certificate *tls.Certificate
	// User and Password are used for AUTH when User is set; only over TLS.
	User, Password string
}

// TLSLevel is how much the connection to a next hop must prove.
type TLSLevel string

// The levels. TLSOff is refused by the configuration except on loopback.
const (
	TLSRequire       TLSLevel = "require"
	TLSOpportunistic TLSLevel = "opportunistic"
	TLSOff           TLSLevel = "off"
)
