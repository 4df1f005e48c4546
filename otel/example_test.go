package docsloginotel_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/docslogin/docslogin"
	docsloginotel "github.com/docslogin/docslogin/otel"
	"github.com/docslogin/docslogin/platforms"
)

var (
	currentUser docslogin.UserLookup = ada
	platform                         = platforms.ReadMe("https://docs.example.com", secret)
)

func Example() {
	mux := http.NewServeMux() // your app

	observer, err := docsloginotel.Observer()
	if err != nil {
		log.Fatal(err)
	}
	docs, err := docslogin.New(currentUser, platform, docslogin.WithObserver(observer))
	if err != nil {
		log.Fatal(err)
	}
	handler := docs.Wrap(mux) // inside your server's own instrumentation

	_ = handler
}

// What an app's own test can look at.
func ExampleObserver() {
	spans := tracetest.NewInMemoryExporter()
	observer, err := docsloginotel.Observer(
		docsloginotel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))))
	if err != nil {
		log.Fatal(err)
	}
	docs, err := docslogin.New(currentUser, platform, docslogin.WithObserver(observer))
	if err != nil {
		log.Fatal(err)
	}

	docs.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", docs.Path()+"?redirect=/quickstart", nil))

	for _, a := range spans.GetSpans()[0].Attributes {
		if a.Key != "docslogin.url_bytes" {
			fmt.Println(a.Key, "=", a.Value.AsString())
		}
	}
	// Output:
	// docslogin.outcome = logged_in
	// docslogin.platform = ReadMe
	// user.id = u-1
	// docslogin.deep_link = /quickstart
}
