package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// life is how long everything here is valid: a lab that is kept for a year is no lab.
const life = 365 * 24 * time.Hour

// Authority signs certificates. Its own are the files <name>.crt and <name>.key.
type Authority struct {
	dir, name string
	cert      *x509.Certificate
	key       *ecdsa.PrivateKey
}

// Pair is a certificate and its key: where they are, and what is in them.
type Pair struct {
	CertFile, KeyFile string
	Cert, Key         []byte // PEM
}

// NewAuthority makes a certificate authority of its own under dir.
func NewAuthority(dir, name string) (*Authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(pkix.Name{CommonName: name})
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate authority %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse the certificate authority %s: %w", name, err)
	}
	a := &Authority{dir: dir, name: name, cert: cert, key: key}
	if _, err := write(dir, name, der, key); err != nil {
		return nil, err
	}
	return a, nil
}

// CertFile is the file of the authority's certificate.
func (a *Authority) CertFile() string { return filepath.Join(a.dir, a.name+".crt") }

// KeyFile is the file of the authority's key.
func (a *Authority) KeyFile() string { return filepath.Join(a.dir, a.name+".key") }

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte { return certPEM(a.cert.Raw) }

// Server signs a serving certificate for the given host names and addresses.
func (a *Authority) Server(name string, hosts ...string) (Pair, error) {
	template, err := newTemplate(pkix.Name{CommonName: name})
	if err != nil {
		return Pair{}, err
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return a.sign(name, template)
}

// Client signs a certificate that Kubernetes reads as user in groups.
func (a *Authority) Client(name, user string, groups ...string) (Pair, error) {
	template, err := newTemplate(pkix.Name{CommonName: user, Organization: groups})
	if err != nil {
		return Pair{}, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(name, template)
}

// Workload signs a certificate for both ends of a connection, whose subject is a URI as those
// of SPIFFE are.
func (a *Authority) Workload(name, uri string) (Pair, error) {
	id, err := url.Parse(uri)
	if err != nil {
		return Pair{}, fmt.Errorf("read the identity of %s: %w", name, err)
	}
	template, err := newTemplate(pkix.Name{CommonName: name})
	if err != nil {
		return Pair{}, err
	}
	template.URIs = []*url.URL{id}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return a.sign(name, template)
}

func (a *Authority) sign(name string, template *x509.Certificate) (Pair, error) {
	key, err := newKey()
	if err != nil {
		return Pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("sign the certificate %s: %w", name, err)
	}
	return write(a.dir, name, der, key)
}

// KeyPair makes a key without a certificate (the one that signs service account tokens).
func KeyPair(dir, name string) (public, private string, err error) {
	key, err := newKey()
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", "", fmt.Errorf("encode the public key %s: %w", name, err)
	}
	public = filepath.Join(dir, name+".pub")
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	if err := os.WriteFile(public, block, 0o600); err != nil {
		return "", "", fmt.Errorf("write the public key %s: %w", name, err)
	}
	private = filepath.Join(dir, name+".key")
	if err := writeKey(private, key); err != nil {
		return "", "", err
	}
	return public, private, nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a key: %w", err)
	}
	return key, nil
}

func newTemplate(subject pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("choose a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    now.Add(-time.Hour), // clocks of freshly resumed machines jump
		NotAfter:     now.Add(life),
	}, nil
}

func write(dir, name string, der []byte, key *ecdsa.PrivateKey) (Pair, error) {
	p := Pair{
		CertFile: filepath.Join(dir, name+".crt"),
		KeyFile:  filepath.Join(dir, name+".key"),
		Cert:     certPEM(der),
	}
	if err := os.WriteFile(p.CertFile, p.Cert, 0o600); err != nil {
		return Pair{}, fmt.Errorf("write the certificate %s: %w", name, err)
	}
	if err := writeKey(p.KeyFile, key); err != nil {
		return Pair{}, err
	}
	data, err := os.ReadFile(p.KeyFile)
	if err != nil {
		return Pair{}, fmt.Errorf("read back the key %s: %w", name, err)
	}
	p.Key = data
	return p, nil
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the key %s: %w", path, err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	return nil
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
