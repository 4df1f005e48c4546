package docsloginotel_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/docslogin/docslogin"
	docsloginotel "github.com/docslogin/docslogin/otel"
	"github.com/docslogin/docslogin/platforms"
	"github.com/docslogin/docslogin/userinfo"
	"github.com/docslogin/docslogin/webhook"
)

// now is the clock of all tests' routes.
var now = time.Unix(1800000000, 0)

// What nothing that is exported may contain.
const (
	secret      = "rdme_the_very_secret"
	nameOfAda   = "Ada Lovelace"
	emailOfAda  = "ada@example.com"
	apiKeyOfAda = "acme_live_5521"
	claimOfAda  = "enterprise-plan"
	queryOfLink = "lang=go-and-more"
)

func ada(*http.Request) (*docslogin.User, error) {
	return &docslogin.User{
		ID: "u-1", Name: nameOfAda, Email: emailOfAda,
		APIKeys:    []docslogin.APIKey{{Key: apiKeyOfAda}},
		Attributes: map[string]any{"plan": claimOfAda},
	}, nil
}

func nobody(*http.Request) (*docslogin.User, error) { return nil, nil }

func fails(err error) docslogin.UserLookup {
	return func(*http.Request) (*docslogin.User, error) { return nil, err }
}

func mapper(f func(docslogin.Claims) error) docslogin.Option {
	return docslogin.WithClaimsMapper(func(_ context.Context, _ *docslogin.User, c docslogin.Claims) error { return f(c) })
}

// textless is an error whose Error panics on a nil pointer.
type textless struct{ text string }

func (e *textless) Error() string { return e.text }

// providers are those of OpenTelemetry's SDK, which export into memory.
type providers struct {
	exporter *tracetest.InMemoryExporter
	tracers  *sdktrace.TracerProvider
	reader   *sdkmetric.ManualReader
	meters   *sdkmetric.MeterProvider
}

func newProviders(opts ...sdktrace.TracerProviderOption) *providers {
	p := &providers{exporter: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	p.tracers = sdktrace.NewTracerProvider(append(opts, sdktrace.WithSyncer(p.exporter))...)
	p.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(p.reader))
	return p
}

func (p *providers) observer(t *testing.T) func(context.Context, docslogin.Event) {
	t.Helper()
	observer, err := docsloginotel.Observer(docsloginotel.WithTracerProvider(p.tracers), docsloginotel.WithMeterProvider(p.meters))
	if err != nil {
		t.Fatal(err)
	}
	return observer
}

// span returns the one span of that name.
func (p *providers) span(t *testing.T, name string) tracetest.SpanStub {
	t.Helper()
	var found []tracetest.SpanStub
	for _, span := range p.exporter.GetSpans() {
		if span.Name == name {
			found = append(found, span)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %q", len(found), name)
	}
	return found[0]
}

func (p *providers) collect(t *testing.T) metricdata.ResourceMetrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := p.reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// points writes each data point on a line.
func (p *providers) points(t *testing.T) []string {
	t.Helper()
	var lines []string
	add := func(m metricdata.Metrics, set attribute.Set, value string) {
		lines = append(lines, fmt.Sprintf("%s (%s) {%s} %s", m.Name, m.Unit, set.Encoded(attribute.DefaultEncoder()), value))
	}
	for _, scope := range p.collect(t).ScopeMetrics {
		if scope.Scope.Name != "github.com/docslogin/docslogin/otel" {
			t.Errorf("metrics of %q", scope.Scope.Name)
		}
		for _, m := range scope.Metrics {
			if m.Description == "" {
				t.Errorf("%s has no description", m.Name)
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				if !data.IsMonotonic {
					t.Errorf("%s may fall", m.Name)
				}
				for _, point := range data.DataPoints {
					add(m, point.Attributes, strconv.FormatInt(point.Value, 10))
				}
			case metricdata.Histogram[int64]:
				for _, point := range data.DataPoints {
					add(m, point.Attributes, fmt.Sprintf("%d, together %d, in %v", point.Count, point.Sum, point.Bounds))
				}
			case metricdata.Histogram[float64]:
				for _, point := range data.DataPoints {
					add(m, point.Attributes, fmt.Sprintf("%d, together %v, in %v", point.Count, point.Sum, point.Bounds))
				}
			default:
				t.Errorf("%s is a %T", m.Name, data)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// everything prints all that was exported, as JSON and with its Go types.
func (p *providers) everything(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, v := range []any{p.exporter.GetSpans(), p.collect(t)} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n%+v\n", text, v)
	}
	return b.String()
}

func attributes(list []attribute.KeyValue) map[string]any {
	all := map[string]any{}
	for _, a := range list {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

// app puts a handler into a span of the app's own, as the instrumentation of a server does.
func (p *providers) app(route http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := p.tracers.Tracer("app").Start(r.Context(), "GET", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		route.ServeHTTP(w, r.WithContext(ctx))
	})
}

// row is a request, and what OpenTelemetry gets of it.
type row struct {
	name    string
	outcome string
	status  int // 0: no response

	lookup docslogin.UserLookup // default: ada
	opts   []docslogin.Option
	route  func(docslogin.UserLookup, ...docslogin.Option) (http.Handler, error) // default: ReadMe's login route
	wrap   func(http.Handler) http.Handler

	method string // default: GET
	query  string
	body   string
	header http.Header

	attributes map[string]any // of the span, besides the outcome, the platform, and what is below
	hasURL     bool           // url_bytes is the length of Location
	fault      string         // the exception's text, in a span that is an error
}

func login(lookup docslogin.UserLookup, opts ...docslogin.Option) (http.Handler, error) {
	return docslogin.New(lookup, platforms.ReadMe("https://docs.example.com", secret), opts...)
}

func userInfo(lookup docslogin.UserLookup, opts ...docslogin.Option) (http.Handler, error) {
	return userinfo.New(lookup, platforms.ReadMeInfo(), []string{"https://docs.example.com"}, opts...)
}

func readMe(lookup docslogin.UserLookup, opts ...docslogin.Option) (http.Handler, error) {
	find := func(context.Context, string) (*docslogin.User, error) { return lookup(nil) }
	return webhook.ReadMe(secret, find, opts...)
}

// signed is the header with which ReadMe asks.
func signed(body string) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", now.UnixMilli(), body)
	return http.Header{"Readme-Signature": {fmt.Sprintf("t=%d,v0=%s", now.UnixMilli(), hex.EncodeToString(mac.Sum(nil)))}}
}

type attrs = map[string]any

var signInPage = docslogin.WithSignInPage("/sign-in", "next")

// rows has at least one request for each outcome.
var rows = []row{
	{name: "a user logs in", outcome: "logged_in", status: 302, hasURL: true,
		attributes: attrs{"user.id": "u-1"}},
	{name: "a user logs in with a deep link", outcome: "logged_in", status: 302, hasURL: true,
		query:      "redirect=%2Fquickstart%3F" + queryOfLink,
		attributes: attrs{"user.id": "u-1", "docslogin.deep_link": "/quickstart"}},
	{name: "a deep link leads elsewhere", outcome: "logged_in", status: 302, hasURL: true,
		query: "redirect=https%3A%2F%2Fevil.example%2F%3F" + queryOfLink,
		attributes: attrs{"user.id": "u-1", "docslogin.link_rejected": true,
			"docslogin.warning": "the deep link was rejected: it names an origin that is not the docs'"}},
	{name: "a URL is long", outcome: "logged_in", status: 302, hasURL: true,
		opts: []docslogin.Option{mapper(func(c docslogin.Claims) error { c["bio"] = strings.Repeat("x", 3000); return nil })},
		attributes: attrs{"user.id": "u-1",
			"docslogin.warning": "the URL is over 3000 bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;"}},
	{name: "a user's ID is not UTF-8", outcome: "logged_in", status: 302, hasURL: true,
		lookup: func(*http.Request) (*docslogin.User, error) {
			return &docslogin.User{ID: "\xffu", Email: emailOfAda}, nil
		},
		attributes: attrs{"user.id": "\uFFFDu"}},
	{name: "nobody is signed in", outcome: "sign_in", status: 302, lookup: nobody,
		opts: []docslogin.Option{signInPage}},
	{name: "nobody is signed in, without a sign-in page", outcome: "no_user", status: 401, lookup: nobody},
	{name: "nobody is signed in after the sign-in page", outcome: "loop", status: 401, lookup: nobody,
		opts: []docslogin.Option{signInPage}, query: "docslogin_sent=1800000000"},
	{name: "a link checker", outcome: "method", status: 405, method: "HEAD"},
	{name: "a prefetch", outcome: "speculative", status: 403, header: http.Header{"Sec-Purpose": {"prefetch"}}},
	{name: "an image", outcome: "embedded", status: 403, header: http.Header{"Sec-Fetch-Dest": {"image"}}},
	{name: "a user may not read the docs", outcome: "forbidden", status: 403, lookup: fails(docslogin.ErrForbidden)},
	{name: "a user has no e-mail address", outcome: "incomplete_user", status: 403,
		lookup:     func(*http.Request) (*docslogin.User, error) { return &docslogin.User{ID: "u-2", Name: "Bo"}, nil },
		attributes: attrs{"user.id": "u-2"}},
	{name: "the session store is down", outcome: "lookup_failed", status: 500,
		lookup: fails(errors.New("the store is down")), fault: "the store is down"},
	{name: "an error is a typed nil", outcome: "lookup_failed", status: 500,
		lookup: fails((*textless)(nil)), fault: "the lookup returned a nil *docsloginotel_test.textless as its error, which is not a nil error in Go; return nil"},
	{name: "an error's text is not UTF-8", outcome: "lookup_failed", status: 500,
		lookup: fails(errors.New("row \xff")), fault: "row \uFFFD"},
	{name: "a mapper fails", outcome: "mapper_failed", status: 500,
		opts:       []docslogin.Option{mapper(func(docslogin.Claims) error { return errors.New("no plan") })},
		attributes: attrs{"user.id": "u-1"}, fault: "no plan"},
	{name: "a mapper sets a reserved claim", outcome: "reserved_claim", status: 500,
		opts:       []docslogin.Option{mapper(func(c docslogin.Claims) error { c["exp"] = 1; return nil })},
		attributes: attrs{"user.id": "u-1"},
		fault:      `a mapper, an attribute, or an API key's value sets the reserved claim "exp", which the library writes; use another name`},
	{name: "there is no time left to sign", outcome: "sign_failed", status: 500,
		wrap: func(route http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithDeadline(r.Context(), time.Unix(0, 0))
				defer cancel()
				route.ServeHTTP(w, r.WithContext(ctx))
			})
		},
		attributes: attrs{"user.id": "u-1"}, fault: "context deadline exceeded"},
	{name: "a lookup panics", outcome: "panic", status: 500,
		lookup: func(*http.Request) (*docslogin.User, error) { panic(errors.New("index out of range")) }, fault: "index out of range"},
	{name: "a user is too large", outcome: "too_large", status: 500,
		opts:       []docslogin.Option{mapper(func(c docslogin.Claims) error { c["bio"] = strings.Repeat("x", 9000); return nil })},
		attributes: attrs{"user.id": "u-1", "docslogin.url_bytes": int64(12371)},
		fault:      "the URL is 12371 bytes long, and more than 8000 do not arrive; the largest claims: bio (9002 bytes), jti (28 bytes), email (17 bytes)"},
	{name: "a visitor hangs up", outcome: "canceled",
		lookup: func(r *http.Request) (*docslogin.User, error) {
			r.Context().Value(leaveKey{}).(context.CancelFunc)()
			<-r.Context().Done()
			return ada(r)
		},
		attributes: attrs{"user.id": "u-1"}},
	{name: "a page of the docs asks for its visitor", outcome: "user_info", status: 200, route: userInfo,
		header: http.Header{"Origin": {"https://docs.example.com"}}, attributes: attrs{"user.id": "u-1"}},
	{name: "a page of another origin asks for its visitor", outcome: "origin", status: 403, route: userInfo,
		header: http.Header{"Origin": {"https://evil.example"}}},
	{name: "a visitor opens the JSON's address", outcome: "origin", status: 403, route: userInfo,
		header: http.Header{"Sec-Fetch-Dest": {"document"}}},
	{name: "ReadMe asks for a user", outcome: "user_info", status: 200, route: readMe, method: "POST",
		body: `{"email":"` + emailOfAda + `"}`, header: signed(`{"email":"` + emailOfAda + `"}`),
		attributes: attrs{"user.id": "u-1"}},
	{name: "a request without a signature asks for a user", outcome: "no_user", status: 401, route: readMe, method: "POST",
		body: `{"email":"` + emailOfAda + `"}`},
}

// leaveKey is the key of the func with which the visitor hangs up, in the server's context.
type leaveKey struct{}

// request sends the row's request through a server. It returns the event and the size of the
// URL that the visitor is sent to.
func (r row) request(t *testing.T, p *providers) (event docslogin.Event, urlBytes int) {
	t.Helper()
	events := make(chan docslogin.Event, 1)
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	server := httptest.NewUnstartedServer(p.app(r.handler(t, p.observer(t), events)))
	server.Config.BaseContext = func(net.Listener) context.Context {
		return context.WithValue(context.Background(), leaveKey{}, leave)
	}
	server.Start()
	defer server.Close()

	request, err := http.NewRequestWithContext(ctx, cmp.Or(r.method, "GET"), server.URL+"/docs-login?"+r.query, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, r.header)
	status := 0
	if resp, err := server.Client().Transport.RoundTrip(request); err == nil {
		resp.Body.Close()
		status, urlBytes = resp.StatusCode, len(resp.Header.Get("Location"))
	}
	if status != r.status {
		t.Errorf("status %d, not %d", status, r.status)
	}
	server.Close() // waits for the handler, and so for its spans
	select {
	case event = <-events:
	default:
		t.Fatal("no event")
	}
	return event, urlBytes
}

// handler returns the row's route. Its events go to the observer and to the channel.
func (r row) handler(t *testing.T, observer func(context.Context, docslogin.Event), events chan<- docslogin.Event) http.Handler {
	t.Helper()
	route, lookup := r.route, r.lookup
	if route == nil {
		route = login
	}
	if lookup == nil {
		lookup = ada
	}
	handler, err := route(lookup, append(r.opts,
		docslogin.WithLogger(slog.New(slog.DiscardHandler)),
		docslogin.WithClock(func() time.Time { return now }),
		docslogin.WithObserver(func(ctx context.Context, e docslogin.Event) {
			defer func() { events <- e }() // even if the observer panics
			observer(ctx, e)
		}))...)
	if err != nil {
		t.Fatal(err)
	}
	if r.wrap != nil {
		handler = r.wrap(handler)
	}
	return handler
}

// Every request becomes one span, in the app's own span, and one data point of each metric.
// They contain only what the row lists.
func TestOutcomes(t *testing.T) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			p := newProviders()
			event, urlBytes := r.request(t, p)
			if string(event.Outcome) != r.outcome {
				t.Fatalf("outcome %s: %v", event.Outcome, event.Err)
			}
			want := attrs{"docslogin.outcome": r.outcome, "docslogin.platform": "ReadMe"}
			maps.Copy(want, r.attributes)
			if r.hasURL {
				want["docslogin.url_bytes"] = int64(urlBytes)
			}
			if r.status >= 500 {
				want["error.type"] = r.outcome
			}
			span := p.span(t, "docs login")
			checkPlace(t, span, p.span(t, "GET"), event.Duration)
			if got := attributes(span.Attributes); !maps.Equal(got, want) {
				t.Errorf("attributes\n%v\nnot\n%v", got, want)
			}
			checkStatus(t, span, r)
			checkMetrics(t, p, event, want)
			checkLeaks(t, p, r.outcome)
		})
	}
}

// checkPlace checks that a span is a child of its parent and lasts as long as the request.
func checkPlace(t *testing.T, span, parent tracetest.SpanStub, duration time.Duration) {
	t.Helper()
	if span.Parent.SpanID() != parent.SpanContext.SpanID() || span.SpanContext.TraceID() != parent.SpanContext.TraceID() {
		t.Errorf("the span is not a child of the app's: %v, %v", span.Parent, parent.SpanContext)
	}
	if span.SpanKind != trace.SpanKindInternal {
		t.Errorf("kind %v", span.SpanKind)
	}
	if scope := span.InstrumentationScope; scope.Name != "github.com/docslogin/docslogin/otel" || scope.SchemaURL != "https://opentelemetry.io/schemas/1.43.0" {
		t.Errorf("scope %+v", scope)
	}
	if took := span.EndTime.Sub(span.StartTime); took != duration || took <= 0 {
		t.Errorf("the span lasts %v, the request %v", took, duration)
	}
	if span.StartTime.Before(parent.StartTime) || span.EndTime.After(parent.EndTime) {
		t.Error("the span is not within the app's")
	}
}

// checkStatus checks that a span is an error, with one exception, exactly if the row is a fault.
func checkStatus(t *testing.T, span tracetest.SpanStub, r row) {
	t.Helper()
	want := sdktrace.Status{}
	if r.status >= 500 {
		want.Code = codes.Error
	}
	if span.Status != want {
		t.Errorf("status %+v", span.Status)
	}
	if r.fault == "" {
		if len(span.Events) > 0 {
			t.Errorf("events %+v", span.Events)
		}
		return
	}
	if len(span.Events) != 1 {
		t.Fatalf("events %+v", span.Events)
	}
	event := span.Events[0]
	if got := attributes(event.Attributes); event.Name != "exception" || !maps.Equal(got, attrs{"exception.message": r.fault}) {
		t.Errorf("event %q with %v", event.Name, got)
	}
	if !event.Time.Equal(span.EndTime) {
		t.Errorf("the event is at %v, the end of the span at %v", event.Time, span.EndTime)
	}
}

// checkMetrics checks that there is one data point of each metric.
func checkMetrics(t *testing.T, p *providers, event docslogin.Event, want attrs) {
	t.Helper()
	const (
		seconds = "[0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10]"
		bytes   = "[500 1000 2000 3000 4000 6000 8000 12000 16000]"
	)
	by := fmt.Sprintf("docslogin.outcome=%s,docslogin.platform=ReadMe", event.Outcome)
	points := []string{
		fmt.Sprintf("docslogin.duration (s) {%s} 1, together %v, in %s", by, event.Duration.Seconds(), seconds),
		fmt.Sprintf("docslogin.logins ({login}) {docslogin.link_rejected=%t,%s} 1", want["docslogin.link_rejected"] == true, by),
	}
	if size, ok := want["docslogin.url_bytes"]; ok {
		points = append(points, fmt.Sprintf("docslogin.url.size (By) {%s} 1, together %d, in %s", by, size, bytes))
	}
	if got := p.points(t); !slices.Equal(got, points) {
		t.Errorf("metrics\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(points, "\n"))
	}
}

// checkLeaks checks that nothing that is exported contains a secret or personal data.
func checkLeaks(t *testing.T, p *providers, outcome string) {
	t.Helper()
	everything := p.everything(t)
	for _, s := range []string{"eyJhbGci", secret, nameOfAda, emailOfAda, apiKeyOfAda, claimOfAda, queryOfLink, "evil.example", "xxxx"} {
		if strings.Contains(everything, s) {
			t.Errorf("%q is exported:\n%s", s, everything)
		}
	}
	for _, s := range []string{outcome, "docs login", "docslogin.logins"} { // everything is not empty
		if !strings.Contains(everything, s) {
			t.Errorf("%q is not exported:\n%s", s, everything)
		}
	}
}

// A preflight has no event, and so neither a span nor a metric.
func TestAPreflightIsNotRecorded(t *testing.T) {
	p, events := newProviders(), make(chan docslogin.Event, 1)
	handler := row{route: userInfo}.handler(t, p.observer(t), events)
	request := httptest.NewRequest("OPTIONS", "/user-info", nil)
	request.Header.Set("Origin", "https://docs.example.com")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, request)
	if w.Code != 204 || len(events) > 0 || len(p.exporter.GetSpans()) > 0 || len(p.points(t)) > 0 {
		t.Errorf("status %d, %d events, spans %v, metrics %v", w.Code, len(events), p.exporter.GetSpans(), p.points(t))
	}
}

// The rows have every outcome that docslogin's source declares.
func TestRowsAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../middleware.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	declared, have := map[string]bool{}, map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Outcome" {
				outcome, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				declared[outcome] = true
			}
		}
		return true
	})
	for _, r := range rows {
		have[r.outcome] = true
	}
	if len(declared) < 18 || !maps.Equal(declared, have) {
		t.Errorf("declared: %v\nhave rows: %v", declared, have)
	}
}

// serve answers one login with the observer, in the context of a request.
func serve(t *testing.T, ctx context.Context, observer func(context.Context, docslogin.Event), lookup docslogin.UserLookup) {
	t.Helper()
	route, err := login(lookup, docslogin.WithLogger(slog.New(slog.DiscardHandler)), docslogin.WithObserver(observer))
	if err != nil {
		t.Fatal(err)
	}
	route.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/docs-login", nil).WithContext(ctx))
}

// asked is an error that counts the calls of Error.
type asked struct{ times *int }

func (a asked) Error() string { *a.times++; return "the store is down" }

func TestATraceThatIsNotSampledCostsNoText(t *testing.T) {
	p, times := newProviders(sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample()))), 0
	unsampled := trace.ContextWithRemoteSpanContext(context.Background(),
		trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	serve(t, unsampled, p.observer(t), fails(asked{&times}))
	if spans := p.exporter.GetSpans(); len(spans) > 0 || times > 0 {
		t.Errorf("%d spans, Error was called %d times", len(spans), times)
	}
	if points := p.points(t); len(points) != 2 || !strings.HasSuffix(points[1], "docslogin.outcome=lookup_failed,docslogin.platform=ReadMe} 1") {
		t.Errorf("metrics %v", points)
	}

	serve(t, context.Background(), p.observer(t), fails(asked{&times}))
	if spans := p.exporter.GetSpans(); len(spans) != 1 || spans[0].Parent.IsValid() || times != 1 {
		t.Errorf("sampled: %d spans, Error was called %d times", len(spans), times)
	}
}

// lookedAt is a sampler that keeps the attributes that it sees.
type lookedAt struct {
	sdktrace.Sampler
	attributes *[]attribute.KeyValue
}

func (l lookedAt) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	*l.attributes = p.Attributes
	return l.Sampler.ShouldSample(p)
}

func TestASamplerSeesTheOutcome(t *testing.T) {
	var seen []attribute.KeyValue
	p := newProviders(sdktrace.WithSampler(lookedAt{sdktrace.AlwaysSample(), &seen}))
	serve(t, context.Background(), p.observer(t), fails(errors.New("the store is down")))
	if got := attributes(seen); !maps.Equal(got, attrs{"docslogin.outcome": "lookup_failed", "docslogin.platform": "ReadMe"}) {
		t.Errorf("attributes %v", got)
	}
}

func TestExemplarsLeadToTheSpan(t *testing.T) {
	p := newProviders()
	serve(t, context.Background(), p.observer(t), ada)
	span, found := p.span(t, "docs login").SpanContext.SpanID(), 0
	check := func(name string, spanID []byte) {
		if found++; !bytes.Equal(spanID, span[:]) {
			t.Errorf("an exemplar of %s is of span %x, not %s", name, spanID, span)
		}
	}
	for _, m := range p.collect(t).ScopeMetrics[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, exemplar := range data.DataPoints[0].Exemplars {
				check(m.Name, exemplar.SpanID)
			}
		case metricdata.Histogram[int64]:
			for _, exemplar := range data.DataPoints[0].Exemplars {
				check(m.Name, exemplar.SpanID)
			}
		case metricdata.Histogram[float64]:
			for _, exemplar := range data.DataPoints[0].Exemplars {
				check(m.Name, exemplar.SpanID)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d exemplars", found)
	}
}

func TestManyAtOnce(t *testing.T) {
	const visitors, each = 8, 25
	p := newProviders()
	route, err := login(ada, docslogin.WithLogger(slog.New(slog.DiscardHandler)), docslogin.WithObserver(p.observer(t)))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.app(route))
	defer server.Close()
	var wg sync.WaitGroup
	for range visitors {
		wg.Go(func() {
			for range each {
				request, _ := http.NewRequest("GET", server.URL+"/docs-login", nil)
				resp, err := server.Client().Transport.RoundTrip(request)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	server.Close()

	parents := map[trace.SpanID]bool{}
	for _, span := range p.exporter.GetSpans() {
		if span.Name == "docs login" {
			parents[span.Parent.SpanID()] = true
		}
	}
	if len(parents) != 200 {
		t.Errorf("%d requests have a span", len(parents))
	}
	points := p.points(t)
	if len(points) != 3 || !strings.HasSuffix(points[1], "} 200") || !strings.Contains(points[0], "} 200, ") || !strings.Contains(points[2], "} 200, ") {
		t.Errorf("metrics %v", points)
	}
}

var (
	global     = newProviders()
	setGlobals sync.Once
)

// Without options the global providers count, even those that are set after the observer was
// made.
func TestGlobalProviders(t *testing.T) {
	observer, err := docsloginotel.Observer()
	if err != nil {
		t.Fatal(err)
	}
	setGlobals.Do(func() { // the observer follows only the first ones in a process
		otel.SetTracerProvider(global.tracers)
		otel.SetMeterProvider(global.meters)
	})
	global.exporter.Reset()
	before := global.points(t)
	serve(t, context.Background(), observer, ada)
	global.span(t, "docs login")
	if after := global.points(t); len(after) != 3 || slices.Equal(before, after) {
		t.Errorf("metrics %v", after)
	}
}

func TestProvidersThatRecordNothing(t *testing.T) {
	observer, err := docsloginotel.Observer(
		docsloginotel.WithTracerProvider(tracenoop.NewTracerProvider()),
		docsloginotel.WithMeterProvider(metricnoop.NewMeterProvider()))
	if err != nil {
		t.Fatal(err)
	}
	times := 0
	serve(t, context.Background(), observer, fails(asked{&times}))
	if times > 0 {
		t.Errorf("Error was called %d times", times)
	}
}

// poor is a meter provider that cannot make the instrument of one name.
type poor struct {
	metricnoop.MeterProvider
	cannot string
}

type poorMeter struct {
	metricnoop.Meter
	cannot string
}

func (p poor) Meter(string, ...metric.MeterOption) metric.Meter {
	return poorMeter{cannot: p.cannot}
}

func (m poorMeter) err(name string) error {
	if name == m.cannot {
		return errPoor
	}
	return nil
}

func (m poorMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return metricnoop.Int64Counter{}, m.err(name)
}

func (m poorMeter) Int64Histogram(name string, _ ...metric.Int64HistogramOption) (metric.Int64Histogram, error) {
	return metricnoop.Int64Histogram{}, m.err(name)
}

func (m poorMeter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return metricnoop.Float64Histogram{}, m.err(name)
}

var errPoor = errors.New("out of instruments")

func TestConfigurationErrors(t *testing.T) {
	var (
		noTracers *sdktrace.TracerProvider
		noMeters  *sdkmetric.MeterProvider
	)
	const (
		nilTracers = "docslogin/otel: WithTracerProvider is nil; leave the option out for the global provider"
		nilMeters  = "docslogin/otel: WithMeterProvider is nil; leave the option out for the global provider"
		poorly     = "docslogin/otel: the meter provider cannot make the metrics: out of instruments"
	)
	for _, tt := range []struct {
		name string
		opts []docsloginotel.Option
		want string
	}{
		{"a nil tracer provider", []docsloginotel.Option{docsloginotel.WithTracerProvider(nil)}, nilTracers},
		{"a typed nil tracer provider", []docsloginotel.Option{docsloginotel.WithTracerProvider(noTracers)}, nilTracers},
		{"a nil meter provider", []docsloginotel.Option{docsloginotel.WithMeterProvider(nil)}, nilMeters},
		{"a typed nil meter provider", []docsloginotel.Option{docsloginotel.WithMeterProvider(noMeters)}, nilMeters},
		{"a nil option", []docsloginotel.Option{nil}, "docslogin/otel: an option is nil; leave it out"},
		{"everything at once", []docsloginotel.Option{docsloginotel.WithMeterProvider(nil), nil, docsloginotel.WithTracerProvider(nil)},
			nilMeters + "\ndocslogin/otel: an option is nil; leave it out\n" + nilTracers},
		{"no counter of logins", []docsloginotel.Option{docsloginotel.WithMeterProvider(poor{cannot: "docslogin.logins"})}, poorly},
		{"no histogram of durations", []docsloginotel.Option{docsloginotel.WithMeterProvider(poor{cannot: "docslogin.duration"})}, poorly},
		{"no histogram of sizes", []docsloginotel.Option{docsloginotel.WithMeterProvider(poor{cannot: "docslogin.url.size"})}, poorly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			observer, err := docsloginotel.Observer(tt.opts...)
			if err == nil || err.Error() != tt.want || observer != nil {
				t.Errorf("error %v, not %s", err, tt.want)
			}
			if errors.Is(err, errPoor) != (tt.want == poorly) {
				t.Errorf("%v does not wrap its cause", err)
			}
		})
	}
}

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// Every snippet in the README is part of an example, which is compiled.
func TestReadmeCompiles(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	dense := func(code []byte) string { return strings.Join(strings.Fields(string(code)), " ") }
	blocks := goBlock.FindAllSubmatch(readme, -1)
	if len(blocks) == 0 {
		t.Fatal("no snippets in the README")
	}
	for _, block := range blocks {
		if !strings.Contains(dense(examples), dense(block[1])) {
			t.Errorf("not in an example:\n%s", block[1])
		}
	}
}
