package receive

import (
	"crypto/x509"
	"strings"
	"time"
)

// maxChain is the longest client chain that is worth verifying.
const maxChain = 10

// verify reports whether a client's chain leads to a trusted root, and the
// names that it then proves.
//
// Certificates for servers are taken too: Exchange Online presents one, and
// public authorities stop issuing for clients (Chrome Root Program, June 2026).
func (c *Config) verify(chain []*x509.Certificate, now time.Time) (verified bool, names []string) {
	if len(chain) == 0 || len(chain) > maxChain {
		return false, nil
	}
	var roots *x509.CertPool // nil: the system's
	if c.ClientRoots != nil {
		if roots = c.ClientRoots(); roots == nil {
			return false, nil
		}
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: between,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return false, nil
	}
	return true, namesOf(chain[0])
}

// namesOf lists the DNS names of a certificate, or its common name when it
// has no subject alternative name at all.
func namesOf(cert *x509.Certificate) []string {
	names := make([]string, 0, len(cert.DNSNames))
	for _, n := range cert.DNSNames {
		names = append(names, strings.ToLower(n))
	}
	other := len(cert.EmailAddresses) + len(cert.IPAddresses) + len(cert.URIs)
	if len(names) == 0 && other == 0 && cert.Subject.CommonName != "" {
		names = append(names, strings.ToLower(cert.Subject.CommonName))
	}
	return names
}
