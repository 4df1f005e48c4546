package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/platforms"
	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
)

const (
	docsURL  = "https://docs.example.com"
	deepLink = "/docs/getting-started"
	login    = "/docs-login?redirect=%2Fdocs%2Fgetting-started"
)

// ada is the user who logs in.
var ada = &docslogin.User{
	ID: "u-42", Name: "Ada Lovelace", Email: "ada@example.com", Groups: []string{"admin", "beta"},
	APIKeys: []docslogin.APIKey{{Name: "live", Key: "sk_live_1"}, {Name: "test", Key: "sk_test_1"}},
}

func signedIn(*http.Request) (*docslogin.User, error)  { return ada, nil }
func anonymous(*http.Request) (*docslogin.User, error) { return nil, nil }

// site is a docs site, with its preset and with everything that a handler without the library needs.
type site struct {
	algorithm string
	preset    func(docsURL, key string) docslogin.Platform
	key       string // secret, or PEM text of the private key
	claims    func(u *docslogin.User, now time.Time) map[string]any
	location  func(token, link string) string
}

// newSites returns a site for each of HS256, EdDSA, and ES256, in this order, with new keys.
func newSites() ([]*site, error) {
	_, ed, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	edPEM, edErr := pemText(ed)
	ecPEM, ecErr := pemText(ec)
	return []*site{
		{"HS256", platforms.ReadMe, rand.Text() + rand.Text(), readMeClaims, func(token, link string) string {
			return docsURL + "?auth_token=" + token + "&redirect=" + url.QueryEscape(link)
		}},
		{"EdDSA", platforms.Mintlify, edPEM, mintlifyClaims, func(token, link string) string {
			return docsURL + "/login/jwt-callback?redirect=" + url.QueryEscape(link) + "#" + token
		}},
		{"ES256", platforms.MintlifyPersonalization, ecPEM, personalizationClaims, func(token, link string) string {
			return docsURL + link + "#" + token
		}},
	}, errors.Join(edErr, ecErr)
}

func pemText(key any) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), err
}

func readMeClaims(u *docslogin.User, now time.Time) map[string]any {
	var keys []map[string]any
	for _, k := range u.APIKeys {
		keys = append(keys, map[string]any{"name": k.Name, "apiKey": k.Key})
	}
	return map[string]any{
		"name": u.Name, "email": u.Email, "apiKey": u.APIKeys[0].Key, "keys": keys, "version": 1,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": rand.Text(),
	}
}

func personalizationClaims(u *docslogin.User, now time.Time) map[string]any {
	return map[string]any{
		"groups":              u.Groups,
		"content":             map[string]any{"name": u.Name, "email": u.Email},
		"apiPlaygroundInputs": map[string]any{"header": map[string]any{"Authorization": "Bearer " + u.APIKeys[0].Key}},
		"expiresAt":           now.Add(14 * 24 * time.Hour).Unix(),
		"iat":                 now.Unix(), "exp": now.Add(10 * time.Second).Unix(),
	}
}

func mintlifyClaims(u *docslogin.User, now time.Time) map[string]any {
	claims := personalizationClaims(u, now)
	claims["host"] = "docs.example.com"
	return claims
}

// signingKey returns the site's key in the type that the crypto packages use. A secret is a []byte.
func (s *site) signingKey() (any, error) {
	if s.algorithm == "HS256" {
		return []byte(s.key), nil
	}
	block, _ := pem.Decode([]byte(s.key))
	if block == nil {
		return nil, errors.New("the key is not a PEM text")
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// peers returns the handlers to compare: docslogin, handwritten, golang-jwt, and go-jose.
func (s *site) peers() ([]http.Handler, error) {
	docs, err := docslogin.New(signedIn, s.preset(docsURL, s.key))
	if err != nil {
		return nil, err
	}
	key, err := s.signingKey()
	if err != nil {
		return nil, err
	}
	return []http.Handler{docs, s.handwritten(key), s.golangJWT(key), s.goJose()}, nil
}

// handwritten uses only the standard library and checks nothing.
func (s *site) handwritten(key any) http.Handler {
	header := s.header()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := signedIn(r)
		payload, _ := json.Marshal(s.claims(user, time.Now()))
		w.Header().Set("Location", s.location(compact(header, payload, key), r.URL.Query().Get("redirect")))
		w.WriteHeader(http.StatusFound)
	})
}

// header returns the encoded header of the site's tokens and the dot after it.
func (s *site) header() string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+s.algorithm+`","typ":"JWT"}`)) + "."
}

// signingInput returns the bytes that a token's signature covers.
func signingInput(header string, payload []byte) []byte {
	return base64.RawURLEncoding.AppendEncode([]byte(header), payload)
}

// compact returns the signed token in compact serialization.
func compact(header string, payload []byte, key any) string {
	token := signingInput(header, payload)
	signature := sign(key, token)
	return string(base64.RawURLEncoding.AppendEncode(append(token, '.'), signature))
}

func sign(key any, text []byte) []byte {
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(key, text)
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256(text)
		r, s, _ := ecdsa.Sign(rand.Reader, key, sum[:])
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature
	default:
		mac := hmac.New(sha256.New, key.([]byte))
		mac.Write(text)
		return mac.Sum(nil)
	}
}

// golangJWT uses golang-jwt as most people do.
func (s *site) golangJWT(key any) http.Handler {
	method := jwt.GetSigningMethod(s.algorithm)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := signedIn(r)
		if err != nil || user == nil {
			http.Error(w, "not signed in", http.StatusUnauthorized)
			return
		}
		token, err := jwt.NewWithClaims(method, jwt.MapClaims(s.claims(user, time.Now()))).SignedString(key)
		if err != nil {
			http.Error(w, "signing failed", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, s.location(token, r.URL.Query().Get("redirect")), http.StatusFound)
	})
}

// goJose uses go-jose as in a first attempt. It parses the key and creates a signer for every request.
func (s *site) goJose() http.Handler {
	token := func(user *docslogin.User) (string, error) {
		key, err := s.signingKey()
		if err != nil {
			return "", err
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(s.algorithm), Key: key}, new(jose.SignerOptions).WithType("JWT"))
		if err != nil {
			return "", err
		}
		return josejwt.Signed(signer).Claims(s.claims(user, time.Now())).Serialize()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := signedIn(r)
		if err != nil || user == nil {
			http.Error(w, "not signed in", http.StatusUnauthorized)
			return
		}
		signed, err := token(user)
		if err != nil {
			http.Error(w, "signing failed", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, s.location(signed, r.URL.Query().Get("redirect")), http.StatusFound)
	})
}

// content is what a login sends to the docs, without the values that differ between logins.
type content struct {
	Header map[string]any
	Claims map[string]any // times are relative to iat
	URL    string         // with TOKEN instead of the token
}

var tokenIn = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)

// read verifies the token in a login's Location, and returns the login's content.
func (s *site) read(location string) (content, error) {
	token := tokenIn.FindString(location)
	if token == "" {
		return content{}, errors.New("the Location has no token")
	}
	key, err := s.signingKey()
	if err != nil {
		return content{}, err
	}
	if pair, ok := key.(interface{ Public() crypto.PublicKey }); ok {
		key = pair.Public()
	}
	parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.algorithm)})
	if err != nil {
		return content{}, err
	}
	claims := map[string]any{}
	if err := parsed.Claims(key, &claims); err != nil {
		return content{}, err
	}
	header, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return content{}, err
	}
	c := content{Claims: claims, URL: strings.Replace(location, token, "TOKEN", 1)}
	if err := json.Unmarshal(text, &c.Header); err != nil {
		return content{}, err
	}
	iat, _ := claims["iat"].(float64)
	for _, name := range []string{"exp", "expiresAt"} {
		if end, ok := claims[name].(float64); ok {
			claims[name] = end - iat
		}
	}
	if age := time.Since(time.Unix(int64(iat), 0)); age > -time.Minute && age < time.Minute {
		claims["iat"] = "now"
	}
	if id, ok := claims["jti"].(string); ok && len(id) > 20 {
		claims["jti"] = "random"
	}
	return c, nil
}
