package hsm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/miekg/pkcs11"
)

// A Token is a PKCS#11 token that is logged in to. Its methods may be called by many
// goroutines at once.
//
// When a call fails, the token is opened anew and the call made once more: a token that
// was away, or that has logged everybody out, signs again as soon as it is back. It is
// opened at most once a second, and never again once it has refused the PIN, because
// tokens lock themselves after a few wrong ones.
//
// What Go cannot contain is a crash inside the module's C code.
type Token struct {
	limits *limits
	module *pkcs11.Ctx
	label  string
	login  func(pkcs11.SessionHandle) error // holds the PIN, where no printing verb finds it

	mu       sync.RWMutex // held for reading by whoever uses conn
	conn     *conn        // nil: none
	reopened time.Time    // when that was tried last
	away     error        // why it did not succeed
	over     error        // why there will be no conn any more
}

// conn is what ends when a token goes away: its handles mean nothing to the next one.
type conn struct{ slot uint }

// reopenAfter keeps a token that fails for good from being opened for each visitor.
const reopenAfter = time.Second

// Open loads a PKCS#11 module and logs in, as a user, to the token of that label.
//
// The module is the path of the shared library that came with the token, such as
// /usr/lib/softhsm/libsofthsm2.so. Most modules can be opened once in a process: take all
// keys from one Token. The PIN is kept for when the token has to be opened anew; no error holds it.
// The options hold for all calls together that are made to the token, by any of its keys.
//
// The error says which of module, label and PIN is wrong. It wraps what the module said, a
// pkcs11.Error. The caller calls Close.
func Open(module, label, pin string, opts ...Option) (*Token, error) {
	l, err := newLimits(opts)
	switch {
	case err != nil:
		return nil, err
	case pin == "" || strings.TrimSpace(pin) != pin:
		return nil, errors.New("docslogin/hsm: the PIN is empty or has white space around it, as PINs from files often have; mend it")
	}
	t := &Token{limits: l, label: label}
	_, err = call(context.Background(), l, func(context.Context) (none struct{}, err error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.module = pkcs11.New(module); t.module == nil {
			return none, errors.New("the module cannot be loaded; is its path right, and is it a PKCS#11 library?")
		}
		t.login = func(s pkcs11.SessionHandle) error { return t.module.Login(s, pkcs11.CKU_USER, pin) }
		return none, t.connect()
	})
	if err != nil {
		go t.shut() // a call that was given up may still succeed
		return nil, fmt.Errorf("docslogin/hsm: opening the token: %w", err)
	}
	return t, nil
}

// connect is called with mu held.
func (t *Token) connect() (err error) {
	if t.over != nil {
		return t.over
	}
	if err := t.module.Initialize(); errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		return fmt.Errorf("this process uses the module already; take all keys from one Token: %w", err)
	} else if err != nil {
		return fmt.Errorf("the module does not start; is its own configuration in place (for SoftHSM, SOFTHSM2_CONF)? %w", err)
	}
	defer func() {
		if err != nil {
			_ = t.module.Finalize() // there is an error already
		}
	}()
	slot, err := t.findSlot()
	if err != nil {
		return err
	}
	// Never closed by itself: a login ends with the last session (PKCS#11 v2.40, section 5.6).
	session, err := t.openSession(slot)
	if err != nil {
		return err
	}
	if err := t.login(session); err != nil {
		return t.refusal(err)
	}
	t.conn = &conn{slot}
	return nil
}

func (t *Token) findSlot() (uint, error) {
	slots, err := t.module.GetSlotList(true)
	if err != nil {
		return 0, fmt.Errorf("the module does not tell its tokens: %w", err)
	}
	var found []uint
	var labels []string
	for _, slot := range slots {
		info, err := t.module.GetTokenInfo(slot)
		if err != nil || info.Label == "" { // not initialized
			continue
		}
		if labels = append(labels, info.Label); info.Label == t.label {
			found = append(found, slot)
		}
	}
	if len(found) != 1 {
		return 0, fmt.Errorf("%d tokens have the given label; the labels of all that the module has: %q", len(found), labels)
	}
	return found[0], nil
}

func (t *Token) openSession(slot uint) (pkcs11.SessionHandle, error) {
	session, err := t.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return 0, fmt.Errorf("the token opens no session: %w", err)
	}
	return session, nil
}

// aboutPIN are the answers to a login that do not change without a person.
var aboutPIN = []pkcs11.Error{
	pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED,
}

// refusal says why the token let nobody in.
func (t *Token) refusal(err error) error {
	var code pkcs11.Error
	if errors.As(err, &code) && slices.Contains(aboutPIN, code) {
		t.over = fmt.Errorf("the token refuses the PIN, and is not asked again, since tokens lock themselves after a few wrong PINs; look the user's PIN up: %w", err)
		return t.over
	}
	return fmt.Errorf("the token refuses the login: %w", err)
}

// reopen puts a new conn in the place of one that failed, unless that was just tried.
func (t *Token) reopen(failed *conn) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.over != nil:
		return t.over
	case t.conn != failed: // by somebody else meanwhile
		return nil
	case time.Since(t.reopened) < reopenAfter:
		return t.away
	}
	t.reopened = time.Now()
	t.disconnect()
	t.away = t.connect()
	return t.away
}

// disconnect is called with mu held. A module that lost its token is finalized, too, as
// p11-kit's client and SoftHSM look for tokens only when they are initialized.
func (t *Token) disconnect() {
	if t.conn != nil {
		t.conn = nil
		_ = t.module.Finalize() // which of a token that is gone cannot succeed
	}
}

// shut makes the token one that is closed, once no call is in flight.
func (t *Token) shut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.disconnect()
	t.over = errors.New("it was closed (Token.Close)")
}

// Close logs out. It waits for the calls in flight, but no longer than [WithTimeout]; then
// it returns an error, and the rest is done when they have returned. Afterwards nothing can
// be signed with the token's keys, and the module can be opened again.
func (t *Token) Close() error {
	done := make(chan struct{})
	go func() {
		t.shut()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(t.limits.timeout):
		return fmt.Errorf("docslogin/hsm: closing the token: calls are still in flight after %v (WithTimeout): %w", t.limits.timeout, context.DeadlineExceeded)
	}
}

// Signer returns the key pair of that label for docslogin.SignWith. The key is P-256, for
// the platforms that take ES256, or Ed25519, for those that take EdDSA, and its public half
// is on the token, too; one that wants the PIN for each signature (CKA_ALWAYS_AUTHENTICATE)
// cannot be used. All that is said at the func [Signer] holds for it. Keys of a Token may be
// used side by side.
func (t *Token) Signer(label string) (jose.OpaqueSigner, error) {
	k := &key{token: t, label: label, idle: make(chan session, t.limits.concurrency)}
	_, err := call(context.Background(), t.limits, func(context.Context) (none struct{}, err error) {
		return none, k.use(func(session) error { return nil })
	})
	if err != nil {
		return nil, fmt.Errorf("docslogin/hsm: the key %q: %w", label, err)
	}
	return newSigner(k, t.limits)
}
