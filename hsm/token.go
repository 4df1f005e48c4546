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
// When a call fails, it is made once more, in a new session. A token that was away, or that
// has logged everybody out, is opened anew before that, and so signs again as soon as it is
// back. It is opened at most once a second, and never again once it has refused the PIN,
// because tokens lock themselves after a few wrong ones. An error of one key alone leaves
// the token and its other keys as they are.
//
// What Go cannot contain is a crash inside the module's C code, nor can it end a call. The
// token is opened anew between calls only, so one that never returns keeps it from that:
// restart the app.
type Token struct {
	limits *limits
	module *pkcs11.Ctx
	label  string
	login  func(pkcs11.SessionHandle) error // holds the PIN, where no printing verb finds it

	mu          sync.RWMutex // held for reading by whoever uses conn
	initialized bool         // the module, by this Token
	conn        *conn        // nil: none
	reopened    time.Time    // when that was tried last
	away        error        // why it did not succeed
	over        error        // why there will be no conn any more
}

// conn is what ends when a token goes away: its handles mean nothing to the next one.
type conn struct {
	slot uint
	// Never closed by itself: a login ends with the last session (PKCS#11 v2.40, section 5.6).
	login pkcs11.SessionHandle
}

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
// pkcs11.Error, or [context.DeadlineExceeded]. The caller calls Close.
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
		go func() { // a call that was given up may still succeed
			for t.shut() != nil { // nobody else can do that
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
		return fmt.Errorf("the module does not start; is its own configuration in place (for SoftHSM, SOFTHSM2_CONF)? %w", err)
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
		return t.refusal(err)
	}
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

// aboutToken are the errors that are not about one key. Some modules know no better what
// has become of a session than what they remember of it.
var aboutToken = []pkcs11.Error{
	pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT,
	pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SESSION_HANDLE_INVALID,
}

// lost says if an error is about the token: it says so, or nobody is logged in any more. It
// is called with mu held for reading.
func (t *Token) lost(c *conn, err error) bool {
	var code pkcs11.Error
	if errors.As(err, &code) && slices.Contains(aboutToken, code) {
		return true
	}
	info, err := t.module.GetSessionInfo(c.login)
	return err != nil || info.State != pkcs11.CKS_RO_USER_FUNCTIONS
}

// reopen puts a new conn in the place of one that failed, unless that was just tried.
func (t *Token) reopen(failed *conn) error {
	// Whoever waits in Lock keeps all others out, for as long as a call hangs. Here nobody
	// does; calls that fail all come here, and so the lock is free soon. Half the time, so
	// that the error is heard before the call is given up.
	for end := time.Now().Add(t.limits.timeout / 2); !t.mu.TryLock(); time.Sleep(time.Millisecond) {
		t.mu.RLock()
		current := t.conn
		t.mu.RUnlock()
		if current != failed { // by somebody else meanwhile
			return nil
		}
		if time.Now().After(end) {
			return errors.New("other calls to the token have not returned; if one never does, restart the app")
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
	_ = t.disconnect() // if it fails, connect makes do with the module as it is
	t.away = t.connect()
	return t.away
}

// disconnect is called with mu held. That the module is finalized already, by somebody else
// in the process, is as good. A module that lost its token is finalized, too, as
// p11-kit's client and SoftHSM look for tokens only when they are initialized.
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

// shut makes the token one that is closed, once no call is in flight.
func (t *Token) shut() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = errors.New("it was closed (Token.Close)")
	if err := t.disconnect(); err != nil {
		return err
	}
	t.module.Destroy() // nothing calls it any more
	return nil
}

// Close logs out. It waits for the calls in flight, but no longer than [WithTimeout]; then
// it returns an error that wraps [context.DeadlineExceeded], and the rest is done when they
// have returned. Afterwards nothing can be signed with the token's keys, and the module can
// be opened again, unless the error, which wraps a pkcs11.Error then, says that it does not
// stop. Close may be called again, and tries that again; once closed, it returns nil.
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

// Signer returns the key pair of that label for docslogin.SignWith. The key is P-256, for
// the platforms that take ES256, or Ed25519, for those that take EdDSA, and its public half
// is on the token, too; one that wants the PIN for each signature (CKA_ALWAYS_AUTHENTICATE)
// cannot be used. All that is said at the func [Signer] holds for it. Keys of a Token may be
// used side by side.
//
// It asks the token for the key, and waits no longer than [WithTimeout] for that. The error
// wraps what the module said, a pkcs11.Error, or [context.DeadlineExceeded]; one that says
// what is wrong with the key wraps neither.
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
