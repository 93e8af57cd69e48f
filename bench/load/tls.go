package load

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// NewCertificate makes a certificate that signs itself, for the names (and
// 127.0.0.1 and ::1), as server and as client. The second result is its PEM
// form, for those who must trust it.
func NewCertificate(names ...string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("load: key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("load: serial: %w", err)
	}
	names = append(names, "localhost")
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   now.Add(-time.Hour), NotAfter: now.Add(30 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("load: certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, text, err
}

// plainCurves leave out the hybrid key exchange with ML-KEM: what the client
// and the next hop spend on it would be measured as the gateway's. It is for
// measuring only: what Exchange Online offers was not looked at.
func plainCurves() []tls.CurveID { return []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384} }

// SourceTLS is the configuration of a source: it shows cert and trusts
// roots, or everybody when they are nil. With resume it comes back to its
// sessions.
func SourceTLS(cert tls.Certificate, roots *x509.CertPool, name string, resume bool) *tls.Config {
	c := &tls.Config{
		Certificates: []tls.Certificate{cert}, RootCAs: roots, ServerName: name, InsecureSkipVerify: roots == nil,
		MinVersion: tls.VersionTLS12, CurvePreferences: plainCurves(), DynamicRecordSizingDisabled: true,
	}
	if resume {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return c
}

// SinkTLS is the configuration of a sink. Without resume it gives no
// tickets.
func SinkTLS(cert tls.Certificate, resume bool) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: !resume, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequestClientCert, CurvePreferences: plainCurves(), DynamicRecordSizingDisabled: true,
	}
}

// ReadRoots reads certificates to trust.
func ReadRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("load: no certificate in %s", file)
	}
	return pool, nil
}
