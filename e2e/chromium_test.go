package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// chromium is the only browser process. Every visitor has separate cookies in it.
var chromium struct {
	sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func startChromium() {
	flags := map[string]any{
		"headless": true, "disable-gpu": true, "no-first-run": true, "no-default-browser-check": true,
		"no-sandbox":            os.Getuid() == 0, // otherwise it does not run as root
		"disable-dev-shm-usage": true,             // which is too small in containers
		// Only loopback traffic.
		"host-resolver-rules": "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE *.localhost",
		"no-proxy-server":     true, "disable-background-networking": true, "disable-component-update": true,
		"disable-sync": true, "disable-quic": true,
		// Fewer processes, since starting one takes longer than most pages do.
		"process-per-site": true, "disable-features": "SpareRendererForSitePerProcess",
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(tools.chromium)}
	for name, value := range flags {
		options = append(options, chromedp.Flag(name, value))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	chromium.ctx, _ = chromedp.NewContext(allocator)
	chromium.stop = func() {
		_ = chromedp.Cancel(chromium.ctx)
		stop()
	}
	chromium.err = chromedp.Do(chromium.ctx)
}

func stopChromium() {
	if chromium.stop != nil {
		chromium.stop()
	}
}

// patience is the longest that a visitor waits for a page.
const patience = 20 * time.Second

// visitor is a visitor with an empty browser profile.
type visitor struct {
	t   *testing.T
	ctx context.Context
}

// unused are tabs that no visitor uses now. Each has a profile of its own, which is empty. Opening
// another tab takes longer than most visits.
var unused struct {
	sync.Mutex
	tabs []target.ID
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	if chromium.Do(startChromium); chromium.err != nil {
		t.Fatalf("starting chromium: %v", chromium.err)
	}
	tab := chromedp.WithNewBrowserContext()
	unused.Lock()
	if last := len(unused.tabs) - 1; last >= 0 {
		tab = chromedp.WithTargetID(unused.tabs[last])
		unused.tabs = unused.tabs[:last]
	}
	unused.Unlock()
	ctx, detach := chromedp.NewContext(chromium.ctx, tab, chromedp.WithDetachOnCancel())
	v := &visitor{t, ctx}
	t.Cleanup(func() {
		err := v.forget()
		detach() // which also ends what the visitor has set for the tab, such as the size of its screen
		if err == nil {
			unused.Lock()
			defer unused.Unlock()
			unused.tabs = append(unused.tabs, chromedp.FromContext(ctx).Target.TargetID)
		}
	})
	if err := chromedp.Do(ctx); err != nil { // opens the tab, or attaches to it
		t.Fatal(err)
	}
	return v
}

// forget empties the tab's profile. It is an error if the tab should not be used again.
func (v *visitor) forget() error {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	history, err := chromedp.Call(ctx, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		return err
	}
	_, blankErr := chromedp.Run(ctx, chromedp.Navigate("about:blank"))
	_, historyErr := chromedp.Call(ctx, page.ResetNavigationHistory, cdp.Empty{})
	_, cookiesErr := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{})
	_, cacheErr := chromedp.Call(ctx, network.ClearBrowserCache, cdp.Empty{})
	err = errors.Join(blankErr, historyErr, cookiesErr, cacheErr)
	for _, entry := range history.Entries {
		if u, parseErr := url.Parse(entry.URL); parseErr == nil && u.Host != "" { // which may have a service worker
			_, originErr := chromedp.Call(ctx, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{Origin: u.Scheme + "://" + u.Host, StorageTypes: "all"})
			err = errors.Join(err, originErr)
		}
	}
	return err
}

// run is chromedp.Run with a timeout.
func run[T any](v *visitor, action chromedp.Action[T]) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		v.t.Fatalf("at %s: %v", v.at(), err)
	}
	return value
}

// call runs a command of the DevTools protocol.
func call[P, R any](v *visitor, command cdp.Command[P, R], params P) R {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		v.t.Fatalf("at %s: %v", v.at(), err)
	}
	return result
}

// eval returns the value of a JavaScript expression. It waits for a promise.
func eval[T any](v *visitor, expression string) T {
	v.t.Helper()
	value, err := evaluate[T](v.ctx, expression, patience)
	if err != nil {
		v.t.Fatalf("at %s: %s: %v", v.at(), expression, err)
	}
	return value
}

// evaluate is eval without an action of chromedp: such an action waits for the page's load event,
// which a page from the back/forward cache does not have.
func evaluate[T any](ctx context.Context, expression string, limit time.Duration) (value T, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	yes := true
	answer, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ReturnByValue: &yes, AwaitPromise: &yes})
	if err != nil {
		return value, err
	}
	if answer.ExceptionDetails != nil {
		return value, errors.New(answer.ExceptionDetails.Text)
	}
	return value, json.Unmarshal(answer.Result.Value, &value)
}

// open opens a URL as from the address bar.
func (v *visitor) open(url string) {
	v.t.Helper()
	run(v, chromedp.Navigate(url))
}

// travel goes forward in the history, or back.
func (v *visitor) travel(steps int64) {
	v.t.Helper()
	history := call(v, page.GetNavigationHistory, cdp.Empty{})
	call(v, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex+steps].ID})
}

// click waits for an element and clicks its middle.
func (v *visitor) click(selector string) {
	v.t.Helper()
	var middle []float64
	v.waits("seeing "+selector, func() bool {
		middle, _ = evaluate[[]float64](v.ctx, fmt.Sprintf(`(() => {
			if (document.readyState !== "complete") return [];
			const element = document.querySelector(%q);
			element?.scrollIntoView({block: "center", behavior: "instant"});
			const box = element?.getBoundingClientRect();
			return box?.width > 0 ? [box.x + box.width / 2, box.y + box.height / 2] : [];
		})()`, selector), time.Second)
		return len(middle) == 2
	})
	run(v, chromedp.MouseClickXY(middle[0], middle[1]))
}

// press presses keys, which are letters or constants of package kb.
func (v *visitor) press(keys ...string) {
	v.t.Helper()
	for _, key := range keys {
		run(v, chromedp.KeyEvent(key))
	}
}

// at returns the URL in the address bar.
func (v *visitor) at() string {
	ctx, cancel := context.WithTimeout(v.ctx, time.Second)
	defer cancel()
	history, err := chromedp.Call(ctx, page.GetNavigationHistory, cdp.Empty{})
	if err != nil || history.CurrentIndex >= int64(len(history.Entries)) {
		return ""
	}
	return history.Entries[history.CurrentIndex].URL
}

// text returns the page's text, or "" while it loads.
func (v *visitor) text() string {
	text, _ := evaluate[string](v.ctx, `document.readyState === "complete" ? document.body.innerText : ""`, time.Second)
	return text
}

// waits waits until a condition holds.
func (v *visitor) waits(what string, is func() bool) {
	v.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			v.t.Fatalf("%s: timed out after %v, at %s:\n%s", what, patience, v.at(), v.text())
		}
	}
}

// arrives waits for a page with a URL and words on it.
func (v *visitor) arrives(url string, words ...string) {
	v.t.Helper()
	v.waits("arriving at "+url, func() bool { return v.at() == url && v.text() != "" })
	v.reads(words...)
}

// reads waits for words on the current page.
func (v *visitor) reads(words ...string) {
	v.t.Helper()
	for _, word := range words {
		v.waits(fmt.Sprintf("reading %q", word), func() bool { return strings.Contains(v.text(), word) })
	}
}

// reaches waits for a page whose URL begins with prefix.
func (v *visitor) reaches(prefix string, words ...string) {
	v.t.Helper()
	v.waits("reaching "+prefix, func() bool { return strings.HasPrefix(v.at(), prefix) && v.text() != "" })
	v.reads(words...)
}

// watchPolicies prepares the pages that are opened later for blocked.
func (v *visitor) watchPolicies() {
	v.t.Helper()
	call(v, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `addEventListener("securitypolicyviolation", (event) => { document.title = "blocked by " + event.violatedDirective; })`,
	})
}

// blocked waits until a directive of the page's policy has blocked something.
func (v *visitor) blocked(by string) {
	v.t.Helper()
	v.waits("being blocked by "+by, func() bool {
		title, _ := evaluate[string](v.ctx, "document.title", time.Second)
		return title == "blocked by "+by
	})
}

// screens are the screens of shoot.
var screens = []struct {
	name          string
	width, height int64
	phone         bool // its browser assumes a desktop's width unless the page says otherwise
	scheme        string
	text          int // its size in percent of the default
}{
	{"desktop", 1280, 800, false, "light", 100},
	{"desktop-dark", 1280, 800, false, "dark", 100},
	{"phone", 360, 740, true, "light", 100},
	{"phone-dark", 360, 740, true, "dark", 100},
	{"small-phone-large-text", 320, 568, true, "light", 200},
}

// tooLow finds targets that are too small for fingers (WCAG 2.5.5, which exempts links in sentences).
const tooLow = `[...document.querySelectorAll("a, button, select")]
	.filter((e) => getComputedStyle(e).display !== "inline" && e.offsetHeight > 0 && e.offsetHeight < 44)
	.map((e) => e.textContent)`

// shoot shows the page on every screen. The page must fit the screen's width and its color scheme,
// and its targets must be large enough for fingers. With -shots, it writes a screenshot.
func (v *visitor) shoot(name string) {
	v.t.Helper()
	for _, screen := range screens {
		run(v, chromedp.EmulateViewport(screen.width, screen.height, func(p *emulation.SetDeviceMetricsOverrideParams, touch *emulation.SetTouchEmulationEnabledParams) {
			p.Mobile, touch.Enabled = screen.phone, screen.phone
		}))
		call(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: screen.scheme}},
		})
		eval[string](v, fmt.Sprintf(`document.documentElement.style.fontSize = "%d%%"`, screen.text))
		if width := eval[int64](v, "Math.max(innerWidth, document.documentElement.scrollWidth)"); width != screen.width {
			v.t.Errorf("%s is %d wide on %s", name, width, screen.name)
		}
		if low := eval[[]string](v, tooLow); screen.phone && len(low) > 0 {
			v.t.Errorf("%s has %q lower than 44 pixels on %s", name, low, screen.name)
		}
		background := eval[[]int](v, "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
		if isDark := len(background) == 3 && background[0] < 128; isDark != (screen.scheme == "dark") {
			v.t.Errorf("%s has the background %v on %s", name, background, screen.name)
		}
		if *shotsDir == "" {
			continue
		}
		png := run(v, chromedp.CaptureScreenshot())
		if err := os.MkdirAll(*shotsDir, 0o755); err != nil {
			v.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*shotsDir, name+"-"+screen.name+".png"), png, 0o644); err != nil {
			v.t.Fatal(err)
		}
	}
}

// tabTo presses Tab until an element has the focus, which must be visible.
func (v *visitor) tabTo(selector string) {
	v.t.Helper()
	for range 20 {
		v.press(kb.Tab)
		if eval[bool](v, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			if outline := eval[string](v, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
				v.t.Errorf("%s: the focus on %s is not visible", v.at(), selector)
			}
			return
		}
	}
	v.t.Fatalf("%s: the Tab key does not reach %s", v.at(), selector)
}
