package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/docslogin/docslogin/docslogintest"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// start starts the recipe with all its addresses on free ports, and returns the URLs of a docs
// page and of the metrics, too.
func start(t *testing.T) (app *apptest.App, docs, metrics string) {
	t.Helper()
	app = apptest.Start(t, "-metrics", "127.0.0.1:0")
	_, metrics, _ = strings.Cut(app.Log(t, "INFO metrics served"), "url=")
	_, docs, _ = strings.Cut(app.Log(t, "INFO docs served"), "url=")
	return app, docs, metrics
}

// signIn opens the docs as a new visitor, and signs in at the app to get there.
func signIn(t *testing.T, docs string, app *apptest.App) {
	t.Helper()
	visitor := docslogintest.NewClient()
	defer visitor.CloseIdleConnections() // the app waits for them when it ends
	resp, err := visitor.Get(docs)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	at := resp.Request.URL
	if "http://"+at.Host != app.URL || at.Path != "/sign-in" {
		t.Fatalf("a visitor who is signed out ends at %v", at)
	}
	resp, err = visitor.PostForm(app.URL+"/sign-in", url.Values{"email": {"ada@example.com"}, "next": at.Query()["next"]})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.Request.URL.String() != docs {
		t.Fatalf("a visitor who is signed in ends at %v, status %d", resp.Request.URL, resp.StatusCode)
	}
}

// scrape asks for the metrics as Prometheus does: version 3 would take any UTF-8 in names.
func scrape(t *testing.T, metrics, accept string) map[string]*dto.MetricFamily {
	t.Helper()
	request, err := http.NewRequest("GET", metrics, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	families := map[string]*dto.MetricFamily{}
	for decoder := expfmt.NewDecoder(resp.Body, expfmt.ResponseFormat(resp.Header)); ; {
		var family dto.MetricFamily
		if err := decoder.Decode(&family); errors.Is(err, io.EOF) {
			return families
		} else if err != nil {
			t.Fatal(err)
		}
		families[family.GetName()] = &family
	}
}

// line writes a metric's labels and value as Prometheus has them, that of a histogram without
// what differs from run to run.
func line(family *dto.MetricFamily, m *dto.Metric) string {
	var labels []string
	for _, label := range m.Label {
		if label.GetValue() != "" { // for Prometheus, an empty label is absent
			labels = append(labels, fmt.Sprintf("%s=%q", label.GetName(), label.GetValue()))
		}
	}
	value := fmt.Sprint(m.Counter.GetValue())
	if h := m.Histogram; h != nil {
		var bounds []float64
		for _, bucket := range h.Bucket {
			if bound := bucket.GetUpperBound(); !math.IsInf(bound, 1) { // which only the text has
				bounds = append(bounds, bound)
			}
		}
		value = fmt.Sprintf("%d in %v", h.GetSampleCount(), bounds)
	}
	return fmt.Sprintf("%s %s{%s} %s", family.GetType(), family.GetName(), strings.Join(labels, ","), value)
}

const (
	text     = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.1"
	protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

// The bounds of the histograms.
const (
	seconds = "[0.0005 0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10]"
	bytes   = "[500 1000 2000 3000 4000 6000 8000 12000 16000]"
)

// series are all time series of TestScrape's requests, as line writes them.
var series = []string{
	`COUNTER docslogin_logins_total{docslogin_link_rejected="false",docslogin_outcome="logged_in",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 3`,
	`COUNTER docslogin_logins_total{docslogin_link_rejected="false",docslogin_outcome="method",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 1`,
	`COUNTER docslogin_logins_total{docslogin_link_rejected="false",docslogin_outcome="sign_in",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 3`,
	`COUNTER docslogin_logins_total{docslogin_link_rejected="false",docslogin_outcome="speculative",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 1`,
	`COUNTER docslogin_logins_total{docslogin_link_rejected="true",docslogin_outcome="sign_in",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 1`,
	`HISTOGRAM docslogin_duration_seconds{docslogin_outcome="logged_in",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 3 in ` + seconds,
	`HISTOGRAM docslogin_duration_seconds{docslogin_outcome="method",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 1 in ` + seconds,
	`HISTOGRAM docslogin_duration_seconds{docslogin_outcome="sign_in",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 4 in ` + seconds,
	`HISTOGRAM docslogin_duration_seconds{docslogin_outcome="speculative",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 1 in ` + seconds,
	`HISTOGRAM docslogin_url_size_bytes{docslogin_outcome="logged_in",docslogin_platform="ReadMe",otel_scope_name="github.com/docslogin/docslogin/otel"} 3 in ` + bytes,
}

// all returns the lines of all metrics except the process's own.
func all(t *testing.T, families map[string]*dto.MetricFamily) (lines []string) {
	t.Helper()
	for _, family := range families {
		if family.GetName() == "target_info" { // of the process
			continue
		}
		if family.GetHelp() == "" {
			t.Errorf("%s has no help", family.GetName())
		}
		for _, m := range family.Metric {
			lines = append(lines, line(family, m))
		}
	}
	slices.Sort(lines)
	return lines
}

func TestScrape(t *testing.T) {
	app, docs, metrics := start(t)
	for range 3 {
		signIn(t, docs, app)
	}
	for _, request := range []struct {
		method, query string
		header        http.Header
	}{
		{"GET", "", http.Header{"Sec-Purpose": {"prefetch"}}},
		{"GET", "?redirect=//evil.example", nil},
		{"HEAD", "", nil},
	} {
		r, err := http.NewRequest(request.method, app.URL+"/docs-login"+request.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(r.Header, request.header)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}

	scrapes := map[string]map[string]*dto.MetricFamily{}
	for name, accept := range map[string]string{"text": text, "protobuf": protobuf} {
		scrapes[name] = scrape(t, metrics, accept)
		if got := all(t, scrapes[name]); !slices.Equal(got, series) {
			t.Fatalf("%s: there are\n%s\nand not\n%s", name, strings.Join(got, "\n"), strings.Join(series, "\n"))
		}
	}
	size := scrapes["protobuf"]["docslogin_url_size_bytes"].Metric[0].Histogram
	if mean := size.GetSampleSum() / float64(size.GetSampleCount()); mean < 200 || mean > 500 {
		t.Errorf("a URL has %v bytes", mean)
	}
	app.Signal(syscall.SIGTERM)
	app.End(t)
}

func TestThePublicSeesNoMetrics(t *testing.T) {
	app, _, metrics := start(t)
	internal := strings.TrimSuffix(metrics, "/metrics")
	for url, want := range map[string]int{
		metrics:                  200,
		internal + "/":           404,
		internal + "/sign-in":    404,
		internal + "/docs-login": 404,
		app.URL + "/metrics":     404,
		app.URL + "/sign-in":     200,
	} {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", url, resp.StatusCode)
		}
	}
}

func TestWhatKeepsItFromServing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	taken := listener.Addr().String()
	for _, test := range []struct {
		name   string
		args   []string
		says   string
		status int
	}{
		{"the app's address is taken", []string{"-listen", taken, "-metrics", "127.0.0.1:0"}, "prometheus: the address " + taken + " is in use; choose another with -listen, such as -listen 127.0.0.1:0", 1},
		{"the metrics' address is taken", []string{"-listen", "127.0.0.1:0", "-metrics", taken}, "prometheus: the address " + taken + " is in use; choose another with -metrics, such as -metrics 127.0.0.1:0", 1},
		{"one argument too many", []string{"more"}, "of the metrics, an internal one", 2},
		{"no such flag", []string{"-port", "1"}, "of the metrics, an internal one", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, status := apptest.Output(t, test.args...)
			if !strings.Contains(said, test.says) || status != test.status {
				t.Errorf("exit status %d:\n%s", status, said)
			}
		})
	}
}

// TestReadmeNames checks that the metrics and labels in the PromQL of the otel module's README exist.
func TestReadmeNames(t *testing.T) {
	app, docs, metrics := start(t)
	signIn(t, docs, app)
	names := map[string]bool{}
	for name, family := range scrape(t, metrics, text) {
		names[name] = true
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			names[name+suffix] = family.GetType() == dto.MetricType_HISTOGRAM
		}
		for _, label := range family.Metric[0].Label {
			names[label.GetName()] = true
		}
	}
	readme, err := os.ReadFile("../../../otel/README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`docslogin_\w+`).FindAllString(string(readme), -1)
	if len(found) < 10 {
		t.Fatalf("names %q", found)
	}
	for _, name := range found {
		if !names[name] {
			t.Errorf("there is no %s", name)
		}
	}
}
