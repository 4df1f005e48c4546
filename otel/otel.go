// Package docsloginotel tells OpenTelemetry what becomes of the requests on docslogin's
// routes: a span and three metrics for each.
//
//	observer, err := docsloginotel.Observer()
//	...
//	docs, err := docslogin.New(lookup, platform, docslogin.WithObserver(observer))
//
// It uses OpenTelemetry's API alone: where spans and metrics go is for the providers that
// the app sets up. Without any, nothing is recorded.
//
// The package lies in the folder otel and has another name, so that a file can import
// OpenTelemetry's own package otel beside it.
package docsloginotel

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/docslogin/docslogin"
)

// scope names this package to OpenTelemetry.
const scope = "github.com/docslogin/docslogin/otel"

// Option configures an [Observer]. Of one that is given twice the last one counts. A nil
// option, and a nil argument of one, are mistakes, which Observer reports.
type Option func(*config)

type config struct {
	tracers  trace.TracerProvider
	meters   metric.MeterProvider
	mistakes []error
}

// WithTracerProvider sets whose tracer makes the spans. Default: the global provider
// ([otel.GetTracerProvider]), also one that is set later.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(c *config) {
		c.refuseNil("WithTracerProvider", p)
		c.tracers = p
	}
}

// WithMeterProvider sets whose meter makes the metrics. Default: the global provider
// ([otel.GetMeterProvider]), also one that is set later.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(c *config) {
		c.refuseNil("WithMeterProvider", p)
		c.meters = p
	}
}

// refuseNil notes a provider that is nil, bare or as a pointer in an interface.
func (c *config) refuseNil(option string, provider any) {
	if v := reflect.ValueOf(provider); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		c.mistakes = append(c.mistakes, fmt.Errorf("docslogin/otel: %s is nil; leave the option out for the global provider", option))
	}
}

// Observer returns a func for [docslogin.WithObserver], which [docslogin.New],
// [docslogin.UserInfo] and package readmewebhook take. One may serve any number of routes;
// it is called by many goroutines at once.
//
// Each request becomes a span "docs login", a child of the span in the request's context,
// that lasts as long as [docslogin.Event] says. Its attributes have the names that
// docslogin's log has: docslogin.outcome, docslogin.platform and, where set, user.id,
// docslogin.deep_link (a path), docslogin.link_refused, docslogin.url_bytes and
// docslogin.warning. The status is Error for what is answered with a 500; error.type is
// then the outcome, and an event "exception" has the cause, whose text may be the app's
// own. The causes of other refusals are in the log alone.
//
// The metrics are
//
//	docslogin.logins    counter of requests, {login}
//	docslogin.duration  histogram of what a request takes, s
//	docslogin.url.size  histogram of the size of URLs that take a token, By
//
// by docslogin.outcome and docslogin.platform; the counter also by docslogin.link_refused.
// They are recorded in the span's context, for exemplars.
//
// No token, key, query or claim is in any of it; of the user, only the ID is, in the span.
//
// All mistakes in the options come back at once; so do the errors of a meter that cannot
// make the metrics.
//
// Sources: OpenTelemetry's semantic conventions 1.43.0 on recording errors, on exceptions
// and on users.
func Observer(opts ...Option) (func(context.Context, docslogin.Event), error) {
	c := config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		if opt == nil {
			c.mistakes = append(c.mistakes, errors.New("docslogin/otel: an option is nil; leave it out"))
			continue
		}
		opt(&c)
	}
	if err := errors.Join(c.mistakes...); err != nil {
		return nil, err
	}
	o := observer{tracer: c.tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))}
	if err := o.makeInstruments(c.meters.Meter(scope)); err != nil {
		return nil, fmt.Errorf("docslogin/otel: the meter provider cannot make the metrics: %w", err)
	}
	return o.observe, nil
}

type observer struct {
	tracer   trace.Tracer
	logins   metric.Int64Counter
	duration metric.Float64Histogram
	urlSize  metric.Int64Histogram
}

func (o *observer) makeInstruments(meter metric.Meter) error {
	var errs [3]error
	o.logins, errs[0] = meter.Int64Counter("docslogin.logins",
		metric.WithUnit("{login}"),
		metric.WithDescription("Requests on docs-login routes, by what became of them."))
	o.duration, errs[1] = meter.Float64Histogram("docslogin.duration",
		metric.WithUnit("s"),
		metric.WithDescription("How long requests on docs-login routes take."),
		metric.WithExplicitBucketBoundaries(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
	// docslogin warns of a URL over 3,000 bytes. It refuses one over 8,000, or over 16,000
	// where the token is the fragment.
	o.urlSize, errs[2] = meter.Int64Histogram("docslogin.url.size",
		metric.WithUnit("By"),
		metric.WithDescription("Size of the URLs that take a token to the docs."),
		metric.WithExplicitBucketBoundaries(500, 1000, 2000, 3000, 4000, 6000, 8000, 12000, 16000))
	return errors.Join(errs[:]...)
}

func (o *observer) observe(ctx context.Context, e docslogin.Event) {
	end := time.Now() // the event comes when the request is over
	by := []attribute.KeyValue{text("docslogin.outcome", string(e.Outcome)), text("docslogin.platform", e.Platform)}

	ctx, span := o.tracer.Start(ctx, "docs login", trace.WithTimestamp(end.Add(-e.Duration)), trace.WithAttributes(by...))
	if span.IsRecording() {
		describe(span, e, end)
	}
	span.End(trace.WithTimestamp(end))

	attributes := metric.WithAttributes(by...)
	o.logins.Add(ctx, 1, attributes, metric.WithAttributes(attribute.Bool("docslogin.link_refused", e.LinkRefused)))
	o.duration.Record(ctx, e.Duration.Seconds(), attributes)
	if e.URLBytes > 0 {
		o.urlSize.Record(ctx, int64(e.URLBytes), attributes)
	}
}

// describe adds to a span what it does not begin with.
func describe(span trace.Span, e docslogin.Event, end time.Time) {
	for _, a := range []attribute.KeyValue{
		text(semconv.UserIDKey, e.UserID),
		text("docslogin.deep_link", e.DeepLink),
		text("docslogin.warning", e.Warning),
	} {
		if a.Value.AsString() != "" {
			span.SetAttributes(a)
		}
	}
	if e.LinkRefused {
		span.SetAttributes(attribute.Bool("docslogin.link_refused", true))
	}
	if e.URLBytes > 0 {
		span.SetAttributes(attribute.Int("docslogin.url_bytes", e.URLBytes))
	}
	if !isFault(e.Outcome) {
		return
	}
	span.SetStatus(codes.Error, "") // the cause's text may be the app's own: it stays in the event
	span.SetAttributes(text(semconv.ErrorTypeKey, string(e.Outcome)))
	if e.Err != nil {
		span.AddEvent(semconv.ExceptionEventName, trace.WithTimestamp(end),
			trace.WithAttributes(text(semconv.ExceptionMessageKey, textOf(e.Err))))
	}
}

// isFault reports whether docslogin answers an outcome with a 500: it is the app's fault,
// not the visitor's.
func isFault(o docslogin.Outcome) bool {
	switch o {
	case docslogin.OutcomeLookupFailed, docslogin.OutcomeMapperFailed, docslogin.OutcomeOwnedClaim,
		docslogin.OutcomeSignFailed, docslogin.OutcomePanic, docslogin.OutcomeTooLarge:
		return true
	}
	return false
}

// text returns an attribute. OTLP exporters drop a whole batch for one string that is no
// UTF-8, such as a user's ID in binary.
func text(key attribute.Key, value string) attribute.KeyValue {
	return key.String(strings.ToValidUTF8(value, "\uFFFD"))
}

// textOf returns the text of an error of the app's, whose Error may panic.
func textOf(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("an error of type %T that has no text", err)
		}
	}()
	return err.Error()
}
