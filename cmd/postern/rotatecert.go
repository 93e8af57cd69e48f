package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postern.dev/postern/internal/app"
	"postern.dev/postern/internal/settings"
)

// renewal exchanges the certificate of return.client_cert: first a new key
// and a request, then the certificate that was made of it.
type renewal struct {
	file   app.TenantFile
	path   string // of return.client_cert
	config string
	now    time.Time
}

// renewed is the form of tenant rotate ID cert --json.
type renewed struct {
	Tenant string   `json:"tenant"`
	Kind   string   `json:"kind"`
	Step   string   `json:"step"`
	Files  []string `json:"files"`
	Names  []string `json:"names"`
	said   string
}

func newRenewal(f app.TenantFile, config string, now time.Time) (*renewal, error) {
	value := f.Config.Return.ClientCert
	switch {
	case value == "":
		return nil, wrong("%s has no return.client_cert; put certificate and key into one PEM file and name it there", f.Path)
	case strings.HasPrefix(value, "env:"):
		return nil, wrong("return.client_cert of %s comes from the environment (%s); exchange it there and start the gateway again", f.Path, value)
	}
	return &renewal{f, settings.Path(value, filepath.Dir(f.Path)), config, now}, nil
}

// beside is a file next to the certificate.
func (r *renewal) beside(ending string) string {
	return strings.TrimSuffix(r.path, filepath.Ext(r.path)) + ending
}

// leaf is the certificate that is in use.
func (r *renewal) leaf() (*x509.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(r.path, r.path)
	if err != nil {
		return nil, fmt.Errorf("the present certificate %s: %w", r.path, err)
	}
	return pair.Leaf, nil
}

// request makes a new key and a request for the names of the present
// certificate. What is in use stays as it is.
func (r *renewal) request() (renewed, error) {
	old, err := r.leaf()
	if err != nil {
		return renewed{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return renewed{}, err
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return renewed{}, err
	}
	names := namesOf(old)
	csr, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: old.Subject, DNSNames: names}, key)
	if err != nil {
		return renewed{}, err
	}
	keyFile, csrFile := r.beside(".next.key"), r.beside(".next.csr")
	if err := fresh(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})); err != nil {
		return renewed{}, fmt.Errorf("%w; a renewal is under way: go on with --file, or remove it", err)
	}
	if err := fresh(csrFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})); err != nil {
		return renewed{}, errors.Join(err, os.Remove(keyFile))
	}
	said := fmt.Sprintf("%s and %s were made; the certificate in use was not touched.\n\n"+
		"1. Let your certificate authority make a certificate of %s, for %s.\n"+
		"2. postern tenant rotate -c %s %s cert --file CERTIFICATE.pem\n"+
		"   takes it, with its chain, together with the new key.",
		keyFile, csrFile, csrFile, strings.Join(names, ", "), r.config, r.file.Config.ID)
	return renewed{r.file.Config.ID, "cert", "request", []string{keyFile, csrFile}, names, said}, nil
}

// install puts a certificate in the place of the present one, which is kept.
func (r *renewal) install(name string) (renewed, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return renewed{}, err
	}
	pair, err := tls.X509KeyPair(text, text)
	if next, keyErr := os.ReadFile(r.beside(".next.key")); err != nil && keyErr == nil {
		text = slices.Concat(bytes.TrimSpace(text), []byte("\n"), next)
		pair, err = tls.X509KeyPair(text, text)
	}
	if err != nil {
		return renewed{}, wrong("%s: %v; it holds the chain, leaf first, and its key, or belongs to the key in %s",
			name, err, r.beside(".next.key"))
	}
	if err := r.fits(name, pair.Leaf); err != nil {
		return renewed{}, err
	}
	if old, err := os.ReadFile(r.path); err == nil {
		if err := replaceFile(r.path+".old", old); err != nil {
			return renewed{}, err
		}
	}
	if err := replaceFile(r.path, text); err != nil {
		return renewed{}, err
	}
	for _, ending := range []string{".next.key", ".next.csr"} {
		if err := os.Remove(r.beside(ending)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return renewed{}, err
		}
	}
	said := fmt.Sprintf("%s was exchanged; the former one is %s.old.\n\nPut it in force with: postern reload -c %s\n"+
		"It is valid until %s.", r.path, r.path, r.config, pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	return renewed{r.file.Config.ID, "cert", "install", []string{r.path, r.path + ".old"}, namesOf(pair.Leaf), said}, nil
}

// fits says whether Exchange will know a new certificate as it knows the
// present one: by a name in it.
func (r *renewal) fits(name string, leaf *x509.Certificate) error {
	switch {
	case r.now.After(leaf.NotAfter):
		return wrong("%s ended on %s", name, leaf.NotAfter.UTC().Format(time.RFC3339))
	case r.now.Before(leaf.NotBefore):
		return wrong("%s is not valid before %s; compare the clocks", name, leaf.NotBefore.UTC().Format(time.RFC3339))
	case len(leaf.ExtKeyUsage) > 0 && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) &&
		!slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny) && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth):
		return wrong("%s is not made for TLS", name)
	}
	old, err := r.leaf()
	if err != nil {
		return nil // nothing to compare with
	}
	for _, n := range namesOf(old) {
		if !slices.Contains(namesOf(leaf), n) {
			return wrong("%s is for %s, and the present certificate for %s: let the inbound connector know the new name first "+
				"(TlsSenderCertificateName), then put the file at %s yourself",
				name, strings.Join(namesOf(leaf), ", "), n, r.path)
		}
	}
	return nil
}

// namesOf are the names of a certificate by which a connector may know it.
func namesOf(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	if cn := c.Subject.CommonName; cn != "" && !slices.Contains(names, cn) {
		names = append(names, cn)
	}
	return names
}

// fresh writes a file that must not exist.
func fresh(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// replaceFile writes a file anew, in one step.
func replaceFile(path string, text []byte) error {
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := fresh(temp, text); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
