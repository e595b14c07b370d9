package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keyFiles are the identities of the server and of its administrator. Elliptic curves, since an RSA key
// takes longer to make than the server takes to start on a busy machine.
type keyFiles struct {
	ca                string
	serverCertificate string
	serverKey         string
	adminCertificate  string
	adminKey          string
	serviceAccountKey string
	tokens            string
	adminToken        string
}

// loadOrMakeKeys reuses what an earlier run left in the directory, so that a server that is started
// again is the same one to its clients: same CA, same tokens.
func loadOrMakeKeys(dir string) (keyFiles, error) {
	dir = filepath.Join(dir, "keys")
	keys := keyFiles{
		ca:                filepath.Join(dir, "ca.crt"),
		serverCertificate: filepath.Join(dir, "server.crt"),
		serverKey:         filepath.Join(dir, "server.key"),
		adminCertificate:  filepath.Join(dir, "admin.crt"),
		adminKey:          filepath.Join(dir, "admin.key"),
		serviceAccountKey: filepath.Join(dir, "service-accounts.key"),
		tokens:            filepath.Join(dir, "tokens.csv"),
	}
	// Written last, so its presence says that the others are there.
	if line, err := os.ReadFile(keys.tokens); err == nil {
		keys.adminToken, _, _ = strings.Cut(string(line), ",")
		return keys, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return keys, err
	}

	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keys, err
	}
	ca := certificateTemplate("kube-apiserver-for-tests", nil)
	ca.IsCA = true
	ca.BasicConstraintsValid = true
	ca.KeyUsage |= x509.KeyUsageCertSign
	if err := sign(keys.ca, ca, ca, &caKey.PublicKey, caKey); err != nil {
		return keys, err
	}

	server := certificateTemplate("kube-apiserver", nil)
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	server.DNSNames = []string{"localhost", "kubernetes.default.svc"}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	if err := issue(keys.serverCertificate, keys.serverKey, server, ca, caKey); err != nil {
		return keys, err
	}
	admin := certificateTemplate("admin", []string{"system:masters"})
	admin.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if err := issue(keys.adminCertificate, keys.adminKey, admin, ca, caKey); err != nil {
		return keys, err
	}
	if _, err := makeKey(keys.serviceAccountKey); err != nil {
		return keys, err
	}

	token := make([]byte, 16)
	if _, err := rand.Read(token); err != nil {
		return keys, err
	}
	keys.adminToken = hex.EncodeToString(token)
	return keys, writeWhole(keys.tokens, fmt.Appendf(nil, "%s,admin,admin,\"system:masters\"\n", keys.adminToken))
}

func certificateTemplate(name string, groups []string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: groups},
		// An hour back: a test may run under a shifted clock.
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().AddDate(1, 0, 0),
		KeyUsage:  x509.KeyUsageDigitalSignature,
	}
}

func issue(certificateFile, keyFile string, template, ca *x509.Certificate, caKey crypto.Signer) error {
	key, err := makeKey(keyFile)
	if err != nil {
		return err
	}
	return sign(certificateFile, template, ca, &key.PublicKey, caKey)
}

func makeKey(file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	// Not PKCS#8: the reader of service account keys takes SEC 1 for elliptic curves.
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

func sign(file string, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) error {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}
