package hsm_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/hsm"
	"github.com/docslogin/docslogin/platforms"
)

// lookup stands for the app's own: it knows who sent a request.
func lookup(r *http.Request) (*docslogin.User, error) {
	return &docslogin.User{ID: "42", Name: "Ada", Email: "ada@example.com"}, nil
}

// A key in a PKCS#11 token.
func Example() {
	token, err := hsm.Open("/usr/lib/softhsm/libsofthsm2.so", "docs", os.Getenv("HSM_PIN"))
	if err != nil {
		log.Fatal(err) // says whether the module, the label, or the PIN is wrong
	}
	defer token.Close()
	signer, err := token.Signer("mintlify")
	if err != nil {
		log.Fatal(err)
	}

	platform := platforms.Mintlify("https://docs.example.com", "") // no key in the process
	platform.Key = docslogin.SignWith(signer)
	docs, err := docslogin.New(lookup, platform)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(":8080", docs.Wrap(http.NotFoundHandler())))
}

// kms stands for the client of a cloud's key service, whose calls take a context.
type kms struct{ key *ecdsa.PrivateKey }

func (c kms) AsymmetricSign(ctx context.Context, digest []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, c.key, digest)
}

// kmsKey is a key of the service as a crypto.Signer that takes the context of the request that it
// signs for.
type kmsKey struct {
	ctx    context.Context
	client kms
	public crypto.PublicKey // fetched once, at start
}

func (k kmsKey) Public() crypto.PublicKey { return k.public }

func (k kmsKey) WithContext(ctx context.Context) crypto.Signer {
	k.ctx = ctx
	return k
}

func (k kmsKey) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.client.AsymmetricSign(k.ctx, digest)
}

// A key in a cloud's key service. A few lines turn the service's client into a crypto.Signer.
func ExampleSigner() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	client, public := kms{key}, key.Public()

	signer, err := hsm.Signer(kmsKey{client: client, public: public}, hsm.WithTimeout(2*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	platform := platforms.MintlifyPersonalization("https://docs.example.com", "")
	platform.Key = docslogin.SignWith(signer)
	docs, err := docslogin.New(lookup, platform)
	if err != nil {
		log.Fatal(err)
	}

	w := httptest.NewRecorder()
	docs.ServeHTTP(w, httptest.NewRequest("GET", "/docs-login", nil))
	fmt.Println(w.Code)
	// Output: 302
}
