// Package fakejwt is what the recipes' fake identity services share: a key that signs tokens, and
// responses in JSON.
package fakejwt

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// key is shared, since generating it takes a while.
var key = sync.OnceValue(func() jose.JSONWebKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return jose.JSONWebKey{Key: private, KeyID: KeyID, Algorithm: "RS256", Use: "sig"}
})

// KeyID is the key's ID in tokens. SuperTokens' SDK requires its prefix, which marks keys that are
// rotated.
const KeyID = "d-1"

// Sign returns a JSON Web Token (RS256) with the claims, and with header members besides alg, kid,
// and typ.
func Sign(claims any, header map[jose.HeaderKey]any) (string, error) {
	return SignWith(jose.RS256, key(), claims, header)
}

// SignWith signs with another key, for a token that must be rejected.
func SignWith(alg jose.SignatureAlgorithm, key jose.JSONWebKey, claims any, header map[jose.HeaderKey]any) (string, error) {
	options := (&jose.SignerOptions{ExtraHeaders: header}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// ServeJWKS answers with the JSON Web Key Set (RFC 7517) that Sign's tokens verify with.
func ServeJWKS(w http.ResponseWriter, _ *http.Request) {
	private := key()
	WriteJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{private.Public()}})
}

// PublicPEM returns the public key that Sign's tokens verify with.
func PublicPEM() string {
	private := key()
	der, err := x509.MarshalPKIXPublicKey(private.Public().Key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// WriteJSON writes a response.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
