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

// A Token is an open PKCS#11 token, after the login. It prints as "[redacted]". It is safe for
// concurrent use by multiple goroutines.
//
// A call that fails is repeated once, in a new session. If the token was away, or has logged
// everybody out, it is opened again first, and so it signs again as soon as it is back. It is
// opened at most once a second. Once it has rejected the PIN, it is never opened again, because
// tokens lock themselves after a few wrong PINs. An error about one key does not affect the
// token and its other keys.
//
// Go cannot survive a crash inside the module's C code, and cannot end a call into it. The token
// is opened again only between calls: if a call never returns, restart the app.
type Token struct {
	redacted
	limits *limits
	module *pkcs11.Ctx
	label  string
	login  func(pkcs11.SessionHandle) error // a closure holds the PIN, so that fmt cannot print it

	mu          sync.RWMutex // held for reading while conn is used
	initialized bool         // the module, by this Token
	conn        *conn        // nil: none
	reopened    time.Time    // the last attempt
	away        error        // why that attempt failed
	over        error        // why the token is never opened again
}

// conn is one connection to a token. Its handles are invalid after the token was away.
type conn struct {
	slot uint
	// Stays open, since a login ends with the last session (PKCS#11 v2.40, section 5.6).
	login pkcs11.SessionHandle
}

// reopenAfter is the shortest time between two attempts to open a token that fails.
const reopenAfter = time.Second

// Open loads a PKCS#11 module and logs in, as a user, to the token with a label.
//
// module is the path of the shared library that came with the token, such as
// /usr/lib/softhsm/libsofthsm2.so. Most modules can be opened only once in a process, so take
// all keys from one Token. Open keeps the PIN, to open the token again; no error contains it.
// The limits of the options are shared by all keys of the token.
//
// The error says whether the module, the label, or the PIN is wrong. It wraps the module's own
// error, a pkcs11.Error, or [context.DeadlineExceeded]. Call Close when the token is no longer
// used.
func Open(module, label, pin string, opts ...Option) (*Token, error) {
	l, err := newLimits(opts)
	switch {
	case err != nil:
		return nil, err
	case pin == "" || strings.TrimSpace(pin) != pin:
		return nil, errors.New("docslogin/hsm: the PIN is empty or has white space around it, as PINs from files often have; pass it without")
	}
	t := &Token{limits: l, label: label}
	_, err = call(context.Background(), l, func(context.Context) (none struct{}, err error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.module = pkcs11.New(module); t.module == nil {
			return none, errors.New("the module cannot be loaded; check its path, and that it is a PKCS#11 library")
		}
		t.login = func(s pkcs11.SessionHandle) error { return t.module.Login(s, pkcs11.CKU_USER, pin) }
		return none, t.connect()
	})
	if err != nil {
		go func() { // a call that was given up may still succeed, and nobody else can close the token
			for t.shut() != nil {
				time.Sleep(reopenAfter)
			}
		}()
		return nil, fmt.Errorf("docslogin/hsm: opening the token: %w", err)
	}
	return t, nil
}

// connect is called with mu held.
func (t *Token) connect() (err error) {
	if t.over != nil {
		return t.over
	}
	already := pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)
	if err := t.module.Initialize(); errors.Is(err, already) && !t.initialized {
		return fmt.Errorf("this process uses the module already; take all keys from one Token: %w", err)
	} else if err != nil && !errors.Is(err, already) {
		return fmt.Errorf("the module does not start; check its own configuration (for SoftHSM, SOFTHSM2_CONF): %w", err)
	}
	t.initialized = true
	defer func() {
		if err == nil {
			return
		}
		if still := t.disconnect(); still != nil {
			err = fmt.Errorf("%w; %w", err, still)
		}
	}()
	slot, err := t.findSlot()
	if err != nil {
		return err
	}
	session, err := t.openSession(slot)
	if err != nil {
		return err
	}
	t.conn = &conn{slot, session}
	if err := t.login(session); err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return t.rejection(err)
	}
	return nil
}

func (t *Token) findSlot() (uint, error) {
	slots, err := t.module.GetSlotList(true)
	if err != nil {
		return 0, fmt.Errorf("the module does not list its tokens: %w", err)
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
		return 0, fmt.Errorf("%d tokens have the given label, not one; the labels of all tokens of the module: %q", len(found), labels)
	}
	return found[0], nil
}

func (t *Token) openSession(slot uint) (pkcs11.SessionHandle, error) {
	session, err := t.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return 0, fmt.Errorf("the token does not open a session: %w", err)
	}
	return session, nil
}

// aboutPIN are the errors of a login that stay until a person acts.
var aboutPIN = []pkcs11.Error{
	pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED,
}

// rejection returns why the login failed.
func (t *Token) rejection(err error) error {
	var code pkcs11.Error
	if errors.As(err, &code) && slices.Contains(aboutPIN, code) {
		t.over = fmt.Errorf("the token rejects the PIN and is not tried again, since tokens lock themselves after a few wrong PINs; check the user's PIN: %w", err)
		return t.over
	}
	return fmt.Errorf("the token rejects the login: %w", err)
}

// aboutToken are the errors that are not about one key. lost needs them because some modules
// answer GetSessionInfo from memory, without asking the token.
var aboutToken = []pkcs11.Error{
	pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT,
	pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SESSION_HANDLE_INVALID,
}

// lost reports whether an error is about the token: its code says so, or nobody is logged in
// any longer. It is called with mu held for reading.
func (t *Token) lost(c *conn, err error) bool {
	var code pkcs11.Error
	if errors.As(err, &code) && slices.Contains(aboutToken, code) {
		return true
	}
	info, err := t.module.GetSessionInfo(c.login)
	return err != nil || info.State != pkcs11.CKS_RO_USER_FUNCTIONS
}

// reopen replaces a conn that failed, unless that was tried within reopenAfter.
func (t *Token) reopen(failed *conn) error {
	// No Lock: a goroutine that waits in Lock keeps all readers out for as long as a call hangs.
	// All calls that fail come here, so the lock is free soon. The wait is half of the timeout,
	// so that this error arrives before the call is given up.
	for end := time.Now().Add(t.limits.timeout / 2); !t.mu.TryLock(); time.Sleep(time.Millisecond) {
		t.mu.RLock()
		current := t.conn
		t.mu.RUnlock()
		if current != failed { // another call has replaced it
			return nil
		}
		if time.Now().After(end) {
			return errors.New("other calls to the token have not returned; restart the app if one never does")
		}
	}
	defer t.mu.Unlock()
	switch {
	case t.over != nil:
		return t.over
	case t.conn != failed:
		return nil
	case time.Since(t.reopened) < reopenAfter:
		return t.away
	}
	t.reopened = time.Now()
	_ = t.disconnect() // if it fails, connect uses the module as it is
	t.away = t.connect()
	return t.away
}

// disconnect finalizes the module, which other code in the process may have done already. A
// module that lost its token is finalized, too, since p11-kit's client and SoftHSM look for
// tokens only when they are initialized. It is called with mu held.
func (t *Token) disconnect() error {
	c := t.conn
	t.conn = nil
	if !t.initialized {
		return nil
	}
	err := t.module.Finalize()
	if err == nil || errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED)) {
		t.initialized = false
		return nil
	}
	if c != nil {
		_ = t.module.CloseAllSessions(c.slot) // there is an error already
	}
	return fmt.Errorf("the module does not stop: %w", err)
}

// shut closes the token once no call is in flight.
func (t *Token) shut() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = errors.New("it was closed (Token.Close)")
	if err := t.disconnect(); err != nil {
		return err
	}
	t.module.Destroy() // nothing calls it after over is set
	return nil
}

// Close logs out. Afterwards the token's keys do not sign, and the module can be opened again.
// Close waits for the calls in flight for the time of [WithTimeout]. Then it returns an error
// that wraps [context.DeadlineExceeded], and the token is closed when they have returned. If the
// module does not stop, the error wraps a pkcs11.Error, and Close can be called again. Once the
// token is closed, Close returns nil.
func (t *Token) Close() error {
	done := make(chan error, 1)
	go func() { done <- t.shut() }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("docslogin/hsm: closing the token: %w; call Close again", err)
		}
		return nil
	case <-time.After(t.limits.timeout):
		return fmt.Errorf("docslogin/hsm: closing the token: calls are still in flight after %v (WithTimeout): %w", t.limits.timeout, context.DeadlineExceeded)
	}
}

// Signer returns the key pair with a label, for docslogin.SignWith. The key must be P-256 for
// platforms that take ES256, or Ed25519 for those that take EdDSA. Its public half must be on the
// token, too. A key that requires the PIN for each signature (CKA_ALWAYS_AUTHENTICATE) cannot be
// used. The result behaves as that of the func [Signer]. Several keys of a Token can be used at
// the same time.
//
// Signer looks for the key on the token, for the time of [WithTimeout] at most. The error wraps
// the module's own error, a pkcs11.Error, or [context.DeadlineExceeded]; an error about the key
// wraps neither.
func (t *Token) Signer(label string) (jose.OpaqueSigner, error) {
	k := &key{token: t, label: label, idle: make(chan session, cap(t.limits.calls))}
	_, err := call(context.Background(), t.limits, func(context.Context) (none struct{}, err error) {
		return none, k.use(func(session) error { return nil })
	})
	if err != nil {
		return nil, fmt.Errorf("docslogin/hsm: the key %q: %w", label, err)
	}
	return newSigner(k, t.limits)
}
