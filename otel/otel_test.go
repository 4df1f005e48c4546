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
	"github.com/docslogin/docslogin/readmewebhook"
)

// now is the clock of all tests' routes.
var now = time.Unix(1800000000, 0)

// What nothing that is exported may hold.
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

// textless is an error that has no text as a nil pointer.
type textless struct{ text string }

func (e *textless) Error() string { return e.text }

// providers are OpenTelemetry's own, which export into memory.
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

// everything renders all that was exported, in more than one way.
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

// app is a handler in a span of the app's own, as the instrumentation of a server makes one.
func (p *providers) app(route http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := p.tracers.Tracer("app").Start(r.Context(), "GET", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		route.ServeHTTP(w, r.WithContext(ctx))
	})
}

// row is a request, and what OpenTelemetry is to learn of it.
type row struct {
	name    string
	outcome string
	status  int // that the visitor sees; 0: nothing

	lookup docslogin.UserLookup // default: ada
	opts   []docslogin.Option
	route  func(docslogin.UserLookup, ...docslogin.Option) (http.Handler, error) // default: ReadMe's login route
	wrap   func(http.Handler) http.Handler

	method string // default: GET
	query  string
	body   string
	header http.Header

	attributes map[string]any // of the span, beside the outcome, the platform and what is below
	hasURL     bool           // url_bytes is the length of Location
	fault      string         // the exception's text, in a span that is an error
}

func login(lookup docslogin.UserLookup, opts ...docslogin.Option) (http.Handler, error) {
	return docslogin.New(lookup, docslogin.ReadMe("https://docs.example.com", secret), opts...)
}

func userInfo(lookup docslogin.UserLookup, opts ...docslogin.Option) (http.Handler, error) {
	return docslogin.UserInfo(lookup, docslogin.ReadMe("", ""), []string{"https://docs.example.com"}, opts...)
}

func webhook(lookup docslogin.UserLookup, opts ...docslogin.Option) (http.Handler, error) {
	find := func(context.Context, string) (*docslogin.User, error) { return lookup(nil) }
	return readmewebhook.New(secret, find, opts...)
}

// signed is the header with which ReadMe asks.
func signed(body string) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", now.UnixMilli(), body)
	return http.Header{"Readme-Signature": {fmt.Sprintf("t=%d,v0=%s", now.UnixMilli(), hex.EncodeToString(mac.Sum(nil)))}}
}

type attrs = map[string]any

var signInPage = docslogin.WithLoginPage("/sign-in", "next")

func rows() []row {
	return []row{
		{name: "somebody logs in", outcome: "logged_in", status: 302, hasURL: true,
			attributes: attrs{"user.id": "u-1"}},
		{name: "somebody logs in to a page", outcome: "logged_in", status: 302, hasURL: true,
			query:      "redirect=%2Fquickstart%3F" + queryOfLink,
			attributes: attrs{"user.id": "u-1", "docslogin.deep_link": "/quickstart"}},
		{name: "a link leads elsewhere", outcome: "logged_in", status: 302, hasURL: true,
			query: "redirect=https%3A%2F%2Fevil.example%2F%3F" + queryOfLink,
			attributes: attrs{"user.id": "u-1", "docslogin.link_refused": true,
				"docslogin.warning": "the deep link was refused: it names an origin that is not the docs'"}},
		{name: "a URL is long", outcome: "logged_in", status: 302, hasURL: true,
			opts: []docslogin.Option{mapper(func(c docslogin.Claims) error { c["bio"] = strings.Repeat("x", 3000); return nil })},
			attributes: attrs{"user.id": "u-1",
				"docslogin.warning": "the URL is over 3000 bytes: nginx in front of the app needs proxy_buffer_size 32k; proxy_buffers 8 32k;"}},
		{name: "a user's ID is no text", outcome: "logged_in", status: 302, hasURL: true,
			lookup: func(*http.Request) (*docslogin.User, error) {
				return &docslogin.User{ID: "\xffu", Email: emailOfAda}, nil
			},
			attributes: attrs{"user.id": "\uFFFDu"}},
		{name: "nobody is signed in", outcome: "sign_in", status: 302, lookup: nobody,
			opts: []docslogin.Option{signInPage}},
		{name: "nobody is signed in, without a sign-in page", outcome: "no_user", status: 401, lookup: nobody},
		{name: "nobody is signed in behind the sign-in page", outcome: "loop", status: 401, lookup: nobody,
			opts: []docslogin.Option{signInPage}, query: "docslogin_sent=1800000000"},
		{name: "a link checker", outcome: "method", status: 405, method: "HEAD"},
		{name: "a prefetch", outcome: "speculative", status: 403, header: http.Header{"Sec-Purpose": {"prefetch"}}},
		{name: "an image", outcome: "embedded", status: 403, header: http.Header{"Sec-Fetch-Dest": {"image"}}},
		{name: "somebody may not read the docs", outcome: "forbidden", status: 403, lookup: fails(docslogin.ErrForbidden)},
		{name: "somebody has no e-mail address", outcome: "incomplete_user", status: 403,
			lookup:     func(*http.Request) (*docslogin.User, error) { return &docslogin.User{ID: "u-2", Name: "Bo"}, nil },
			attributes: attrs{"user.id": "u-2"}},
		{name: "the session store is down", outcome: "lookup_failed", status: 500,
			lookup: fails(errors.New("the store is down")), fault: "the store is down"},
		{name: "an error has no text", outcome: "lookup_failed", status: 500,
			lookup: fails((*textless)(nil)), fault: "an error of type *docsloginotel_test.textless that has no text"},
		{name: "an error's text is no text", outcome: "lookup_failed", status: 500,
			lookup: fails(errors.New("row \xff")), fault: "row \uFFFD"},
		{name: "a mapper fails", outcome: "mapper_failed", status: 500,
			opts:       []docslogin.Option{mapper(func(docslogin.Claims) error { return errors.New("no plan") })},
			attributes: attrs{"user.id": "u-1"}, fault: "no plan"},
		{name: "a mapper sets what is the library's", outcome: "owned_claim", status: 500,
			opts:       []docslogin.Option{mapper(func(c docslogin.Claims) error { c["exp"] = 1; return nil })},
			attributes: attrs{"user.id": "u-1"},
			fault:      `a mapper or an attribute sets the claim "exp", which the library writes; use another name`},
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
		{name: "a visitor has gone", outcome: "canceled",
			lookup: func(r *http.Request) (*docslogin.User, error) {
				r.Context().Value(leaveKey{}).(context.CancelFunc)()
				<-r.Context().Done()
				return ada(r)
			},
			attributes: attrs{"user.id": "u-1"}},
		{name: "a page asks who is there", outcome: "user_info", status: 200, route: userInfo,
			attributes: attrs{"user.id": "u-1"}},
		{name: "a page asks whether it may", outcome: "preflight", status: 204, route: userInfo, method: "OPTIONS",
			header: http.Header{"Origin": {"https://docs.example.com"}}},
		{name: "ReadMe asks for a user", outcome: "user_info", status: 200, route: webhook, method: "POST",
			body: `{"email":"` + emailOfAda + `"}`, header: signed(`{"email":"` + emailOfAda + `"}`),
			attributes: attrs{"user.id": "u-1"}},
		{name: "somebody else asks for a user", outcome: "no_user", status: 401, route: webhook, method: "POST",
			body: `{"email":"` + emailOfAda + `"}`},
	}
}

// leaveKey is where the server's context has the func with which the visitor goes.
type leaveKey struct{}

// request sends the row's request through a server, and returns the event that docslogin
// made of it and the size of the URL where the visitor was sent.
func (r row) request(t *testing.T, p *providers) (event docslogin.Event, urlBytes int) {
	t.Helper()
	observer, events := p.observer(t), make(chan docslogin.Event, 1)
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
			defer func() { events <- e }() // also if the observer panics
			observer(ctx, e)
		}))...)
	if err != nil {
		t.Fatal(err)
	}
	if r.wrap != nil {
		handler = r.wrap(handler)
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	server := httptest.NewUnstartedServer(p.app(handler))
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
	return <-events, urlBytes
}

// TestOutcomes: of every request there is a span, in the app's own, and one of each metric,
// with nothing in them that is not on the list.
func TestOutcomes(t *testing.T) {
	const (
		seconds = "[0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10]"
		bytes   = "[500 1000 2000 3000 4000 6000 8000 12000 16000]"
	)
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			p := newProviders()
			event, urlBytes := r.request(t, p)
			if string(event.Outcome) != r.outcome {
				t.Fatalf("outcome %s: %v", event.Outcome, event.Err)
			}

			span, parent := p.span(t, "docs login"), p.span(t, "GET")
			if span.Parent.SpanID() != parent.SpanContext.SpanID() || span.SpanContext.TraceID() != parent.SpanContext.TraceID() {
				t.Errorf("the span is no child of the app's: %v, %v", span.Parent, parent.SpanContext)
			}
			if span.SpanKind != trace.SpanKindInternal || span.InstrumentationScope.Name != "github.com/docslogin/docslogin/otel" || span.InstrumentationScope.SchemaURL != "https://opentelemetry.io/schemas/1.43.0" {
				t.Errorf("kind %v, scope %+v", span.SpanKind, span.InstrumentationScope)
			}
			if took := span.EndTime.Sub(span.StartTime); took != event.Duration || took <= 0 {
				t.Errorf("the span lasts %v, the request %v", took, event.Duration)
			}
			if span.StartTime.Before(parent.StartTime) || span.EndTime.After(parent.EndTime) {
				t.Error("the span is not within the app's")
			}

			want := attrs{"docslogin.outcome": r.outcome, "docslogin.platform": "ReadMe"}
			maps.Copy(want, r.attributes)
			if r.hasURL {
				want["docslogin.url_bytes"] = int64(urlBytes)
			}
			status := sdktrace.Status{}
			if r.status >= 500 {
				status.Code = codes.Error
				want["error.type"] = r.outcome
			}
			if got := attributes(span.Attributes); !maps.Equal(got, want) {
				t.Errorf("attributes\n%v\nnot\n%v", got, want)
			}
			if span.Status != status {
				t.Errorf("status %+v", span.Status)
			}
			switch {
			case r.fault == "" && len(span.Events) > 0:
				t.Errorf("events %+v", span.Events)
			case r.fault != "":
				if len(span.Events) != 1 || span.Events[0].Name != "exception" || !span.Events[0].Time.Equal(span.EndTime) ||
					!maps.Equal(attributes(span.Events[0].Attributes), attrs{"exception.message": r.fault}) {
					t.Errorf("events %+v", span.Events)
				}
			}

			by := fmt.Sprintf("docslogin.outcome=%s,docslogin.platform=ReadMe", r.outcome)
			points := []string{
				fmt.Sprintf("docslogin.duration (s) {%s} 1, together %v, in %s", by, event.Duration.Seconds(), seconds),
				fmt.Sprintf("docslogin.logins ({login}) {docslogin.link_refused=%t,%s} 1", want["docslogin.link_refused"] == true, by),
			}
			if size, ok := want["docslogin.url_bytes"]; ok {
				points = append(points, fmt.Sprintf("docslogin.url.size (By) {%s} 1, together %d, in %s", by, size, bytes))
			}
			if got := p.points(t); !slices.Equal(got, points) {
				t.Errorf("metrics\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(points, "\n"))
			}

			everything := p.everything(t)
			for _, s := range []string{"eyJhbGci", secret, nameOfAda, emailOfAda, apiKeyOfAda, claimOfAda, queryOfLink, "evil.example", "xxxx"} {
				if strings.Contains(everything, s) {
					t.Errorf("%q is exported:\n%s", s, everything)
				}
			}
			for _, s := range []string{r.outcome, "docs login", "docslogin.logins"} { // it does see what is there
				if !strings.Contains(everything, s) {
					t.Errorf("%q is not exported:\n%s", s, everything)
				}
			}
		})
	}
}

// TestRowsAreComplete: the rows have each outcome that docslogin's source declares.
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
	for _, r := range rows() {
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

// asked is an error that counts who wants its text.
type asked struct{ times *int }

func (a asked) Error() string { *a.times++; return "the store is down" }

func TestATraceThatIsNotSampledCostsNoText(t *testing.T) {
	p, times := newProviders(sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample()))), 0
	unsampled := trace.ContextWithRemoteSpanContext(context.Background(),
		trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	serve(t, unsampled, p.observer(t), fails(asked{&times}))
	if spans := p.exporter.GetSpans(); len(spans) > 0 || times > 0 {
		t.Errorf("%d spans, the error's text was wanted %d times", len(spans), times)
	}
	if points := p.points(t); len(points) != 2 || !strings.HasSuffix(points[1], "docslogin.outcome=lookup_failed,docslogin.platform=ReadMe} 1") {
		t.Errorf("metrics %v", points)
	}

	serve(t, context.Background(), p.observer(t), fails(asked{&times}))
	if spans := p.exporter.GetSpans(); len(spans) != 1 || spans[0].Parent.IsValid() || times != 1 {
		t.Errorf("sampled: %d spans, the error's text was wanted %d times", len(spans), times)
	}
}

// lookedAt is a sampler that remembers the attributes by which it could choose.
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

// TestGlobalProviders: without options the global providers count, also those that are set
// after the observer was made.
func TestGlobalProviders(t *testing.T) {
	observer, err := docsloginotel.Observer()
	if err != nil {
		t.Fatal(err)
	}
	setGlobals.Do(func() { // they can be followed once in a process
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

func TestWithoutProvidersNothingIsAmiss(t *testing.T) {
	observer, err := docsloginotel.Observer(
		docsloginotel.WithTracerProvider(tracenoop.NewTracerProvider()),
		docsloginotel.WithMeterProvider(metricnoop.NewMeterProvider()))
	if err != nil {
		t.Fatal(err)
	}
	times := 0
	serve(t, context.Background(), observer, fails(asked{&times}))
	if times > 0 {
		t.Errorf("the error's text was wanted %d times", times)
	}
}

// poor is a meter provider that cannot make the instrument of that name.
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

func TestMistakes(t *testing.T) {
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
		{"no tracer provider", []docsloginotel.Option{docsloginotel.WithTracerProvider(nil)}, nilTracers},
		{"a tracer provider that is a nil pointer", []docsloginotel.Option{docsloginotel.WithTracerProvider(noTracers)}, nilTracers},
		{"no meter provider", []docsloginotel.Option{docsloginotel.WithMeterProvider(nil)}, nilMeters},
		{"a meter provider that is a nil pointer", []docsloginotel.Option{docsloginotel.WithMeterProvider(noMeters)}, nilMeters},
		{"no option", []docsloginotel.Option{nil}, "docslogin/otel: an option is nil; leave it out"},
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

// TestReadmeCompiles: each snippet in the README stands in an example, which the compiler sees.
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
