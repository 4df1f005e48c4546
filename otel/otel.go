// Package docsloginotel records the requests on docslogin's routes with OpenTelemetry: one
// span and three metrics for each request.
//
//	observer, err := docsloginotel.Observer()
//	...
//	docs, err := docslogin.New(lookup, platform, docslogin.WithObserver(observer))
//
// It uses only OpenTelemetry's API. The providers that the app sets up decide where spans and
// metrics go. Without a provider, nothing is recorded.
//
// The package is in the folder otel but has another name, so that a file can also import
// OpenTelemetry's own package otel.
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

// scope is the name of this package's tracer and meter.
const scope = "github.com/docslogin/docslogin/otel"

// Option configures an [Observer]. If an option is given twice, the last one counts. A nil
// option, or a nil argument of one, is a configuration error, which Observer returns.
type Option func(*config)

type config struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
	errs    []error
}

// WithTracerProvider sets the provider of the tracer that makes the spans. The default is the
// global provider ([otel.GetTracerProvider]), even if it is set later.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(c *config) {
		c.rejectNil("WithTracerProvider", p)
		c.tracers = p
	}
}

// WithMeterProvider sets the provider of the meter that makes the metrics. The default is the
// global provider ([otel.GetMeterProvider]), even if it is set later.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(c *config) {
		c.rejectNil("WithMeterProvider", p)
		c.meters = p
	}
}

// rejectNil adds a configuration error if provider is nil or a typed nil pointer.
func (c *config) rejectNil(option string, provider any) {
	if v := reflect.ValueOf(provider); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		c.errs = append(c.errs, fmt.Errorf("docslogin/otel: %s is nil; leave the option out for the global provider", option))
	}
}

// Observer returns a func for [docslogin.WithObserver], an option of [docslogin.New] and of
// packages userinfo and webhook. The func is safe for concurrent use by multiple goroutines,
// and can observe any number of routes.
//
// Each request becomes a span "docs login", a child of the span in the request's context. It
// lasts for the Duration of the [docslogin.Event]. Its attributes have the names of
// docslogin's log: docslogin.outcome and docslogin.platform, and if they are set user.id,
// docslogin.deep_link (a path), docslogin.link_rejected, docslogin.url_bytes, and
// docslogin.warning. The span's status is Error if the response is a 500. Then error.type is
// the outcome, and an event "exception" has the cause, whose text may be the app's own. The
// causes of other rejections are only in the log.
//
// The metrics are
//
//	docslogin.logins    counter of requests, {login}
//	docslogin.duration  histogram of the duration of requests, s
//	docslogin.url.size  histogram of the size of URLs that carry a token, By
//
// by docslogin.outcome and docslogin.platform; the counter also by docslogin.link_rejected.
// They are recorded in the span's context, for exemplars.
//
// Nothing contains tokens, keys, queries, or claims. The span contains the user's ID.
//
// Observer returns all configuration errors at once. If the meter cannot make the metrics, it
// returns all of the meter's errors.
//
// Sources: OpenTelemetry's semantic conventions 1.43.0 on recording errors, on
// exceptions, and on users.
func Observer(opts ...Option) (func(context.Context, docslogin.Event), error) {
	c := config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		if opt == nil {
			c.errs = append(c.errs, errors.New("docslogin/otel: an option is nil; leave it out"))
			continue
		}
		opt(&c)
	}
	if err := errors.Join(c.errs...); err != nil {
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
		metric.WithDescription("Requests on docs login routes, by outcome."))
	o.duration, errs[1] = meter.Float64Histogram("docslogin.duration",
		metric.WithUnit("s"),
		metric.WithDescription("Duration of requests on docs login routes."),
		metric.WithExplicitBucketBoundaries(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
	// docslogin warns of a URL over 3,000 bytes. It rejects one over 8,000, or over 16,000 if
	// the token is in the fragment.
	o.urlSize, errs[2] = meter.Int64Histogram("docslogin.url.size",
		metric.WithUnit("By"),
		metric.WithDescription("Size of the URLs that carry a token to the docs."),
		metric.WithExplicitBucketBoundaries(500, 1000, 2000, 3000, 4000, 6000, 8000, 12000, 16000))
	return errors.Join(errs[:]...)
}

func (o *observer) observe(ctx context.Context, e docslogin.Event) {
	end := time.Now() // the event comes after the response
	by := []attribute.KeyValue{text("docslogin.outcome", string(e.Outcome)), text("docslogin.platform", e.Platform)}

	ctx, span := o.tracer.Start(ctx, "docs login", trace.WithTimestamp(end.Add(-e.Duration)), trace.WithAttributes(by...))
	if span.IsRecording() {
		describe(span, e, end)
	}
	span.End(trace.WithTimestamp(end))

	attributes := metric.WithAttributes(by...)
	o.logins.Add(ctx, 1, attributes, metric.WithAttributes(attribute.Bool("docslogin.link_rejected", e.LinkRejected)))
	o.duration.Record(ctx, e.Duration.Seconds(), attributes)
	if e.URLBytes > 0 {
		o.urlSize.Record(ctx, int64(e.URLBytes), attributes)
	}
}

// describe adds the attributes and the status that a span does not start with.
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
	if e.LinkRejected {
		span.SetAttributes(attribute.Bool("docslogin.link_rejected", true))
	}
	if e.URLBytes > 0 {
		span.SetAttributes(attribute.Int("docslogin.url_bytes", e.URLBytes))
	}
	if !isFault(e.Outcome) {
		return
	}
	span.SetStatus(codes.Error, "") // without a description, since the cause's text may be the app's own
	span.SetAttributes(text(semconv.ErrorTypeKey, string(e.Outcome)))
	if e.Err != nil {
		message := fmt.Sprint(e.Err) // which a typed nil error does not break
		span.AddEvent(semconv.ExceptionEventName, trace.WithTimestamp(end),
			trace.WithAttributes(text(semconv.ExceptionMessageKey, message)))
	}
}

// isFault reports whether the response is a 500, since the app is at fault and not the visitor.
func isFault(o docslogin.Outcome) bool {
	switch o {
	case docslogin.OutcomeLookupFailed, docslogin.OutcomeMapperFailed, docslogin.OutcomeReservedClaim,
		docslogin.OutcomeSignFailed, docslogin.OutcomePanic, docslogin.OutcomeTooLarge:
		return true
	}
	return false
}

// text returns an attribute. OTLP exporters drop a whole batch if one string is not UTF-8,
// such as a binary user ID.
func text(key attribute.Key, value string) attribute.KeyValue {
	return key.String(strings.ToValidUTF8(value, "\uFFFD"))
}
