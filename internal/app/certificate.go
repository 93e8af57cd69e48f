package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificate is a server certificate that is read again when its files
// change, so that a renewed one needs no restart.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	loaded  *tls.Certificate
	stamp   time.Time
	checked time.Time
}

// every is how often the files are looked at.
const every = 10 * time.Second

func loadCertificate(cert, key string) (*certificate, error) {
	c := &certificate{cert: cert, key: key}
	_, err := c.get(nil)
	return c, err
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded != nil && time.Since(c.checked) < every {
		return c.loaded, nil
	}
	c.checked = time.Now()
	stamp, err := newest(c.cert, c.key)
	if err == nil && c.loaded != nil && stamp.Equal(c.stamp) {
		return c.loaded, nil
	}
	fresh, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		if c.loaded != nil { // half-written: the old one serves on
			return c.loaded, nil
		}
		return nil, fmt.Errorf("app: certificate: %w", err)
	}
	c.loaded, c.stamp = &fresh, stamp
	return c.loaded, nil
}

func newest(paths ...string) (t time.Time, err error) {
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return t, err
		}
		if info.ModTime().After(t) {
			t = info.ModTime()
		}
	}
	return t, nil
}

// loadRoots reads a PEM file; "" gives the roots of the system.
func loadRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return x509.SystemCertPool()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	}
	return pool, nil
}
