package rules

import (
	"crypto/hmac"
	"hash"
	"strings"
)

// A rewriting is something that tools are known to do to a secret on its way from the dashboard to
// the app.
type rewriting struct {
	how string // completes "was made with", and contains no part of the secret
	by  string // completes how: what does that
	fix string
	// of returns what the secret may have become. The secret itself and "" do not count.
	of func(secret string) []string
}

const (
	// maxSearched is the length of the longest secret for which more than single rewritings are tried.
	// The number of the others grows with the length.
	maxSearched = 512
	// maxHashed limits the bytes that a search hashes, and so its time. An ordinary token and a secret
	// of 40 characters need less than half of it.
	maxHashed = 24 << 20
	// perKey is what a candidate costs besides the token and itself, in bytes that are hashed.
	perKey = 256
)

// A search looks for the key of a signature among the rewritings of a secret.
type search struct {
	newHash          func() hash.Hash
	input, signature []byte
	tried            map[string]bool
	hashed           int // bytes
}

// rewritten returns how the secret was rewritten if the signature was made with one of its
// rewritings, and what to do about it. It returns "" if it finds none.
//
// It tries each rewriting alone before it tries two, one after the other, so that the simplest
// explanation wins. Among those that give the same key, the first in the list wins.
func rewritten(newHash func() hash.Hash, secret string, input, signature []byte) (how, fix string) {
	// An empty key is among instead.
	s := search{newHash: newHash, input: input, signature: signature, tried: map[string]bool{secret: true, "": true}}
	if r, ok := s.find(rewritings, secret); ok {
		return r.how + r.by, r.fix
	}
	delete(s.tried, "")
	if r, ok := s.find(instead, secret); ok {
		return r.how + r.by, r.fix
	}
	if len(secret) > maxSearched {
		return "", ""
	}
	for _, first := range rewritings {
		for _, once := range distinct(first.of(secret), secret) {
			if second, ok := s.find(rewritings, once); ok {
				how = first.how + ", then " + strings.TrimPrefix(second.how, "the secret ")
				if first.fix == second.fix {
					return how, first.fix
				}
				return how, first.fix + " " + second.fix
			}
		}
	}
	if r, ok := s.find(slips, secret); ok {
		return r.how + r.by, r.fix
	}
	return "", ""
}

// find returns the first rewriting that makes the signature's key of a text.
func (s *search) find(list []rewriting, text string) (rewriting, bool) {
	for _, r := range list {
		for _, candidate := range r.of(text) {
			if s.hashed > maxHashed {
				return rewriting{}, false
			}
			if s.tried[candidate] {
				continue
			}
			s.tried[candidate] = true
			s.hashed += len(s.input) + len(candidate) + perKey
			if signedWith(s.newHash, candidate, s.input, s.signature) {
				return r, true
			}
		}
	}
	return rewriting{}, false
}

// signedWith reports whether the HMAC of the input with this key is the signature.
func signedWith(newHash func() hash.Hash, key string, input, signature []byte) bool {
	h := hmac.New(newHash, []byte(key))
	h.Write(input)
	return hmac.Equal(h.Sum(nil), signature)
}

// distinct returns the candidates that are neither empty nor the secret, each once.
func distinct(candidates []string, secret string) []string {
	seen := map[string]bool{secret: true, "": true}
	var out []string
	for _, c := range candidates {
		if !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}
