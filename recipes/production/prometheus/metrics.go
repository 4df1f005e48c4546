package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/docslogin/docslogin"
	docsloginotel "github.com/docslogin/docslogin/otel"
)

// newMetrics returns the observer for docslogin, and the handler that Prometheus scrapes.
func newMetrics() (func(context.Context, docslogin.Event), http.Handler, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return nil, nil, err
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	observer, err := docsloginotel.Observer(docsloginotel.WithMeterProvider(provider))
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return observer, mux, nil
}

// serveMetrics serves the metrics until the server is closed. They are not public: listen at an
// address that only Prometheus can reach.
func serveMetrics(listener net.Listener, metrics http.Handler, logger *slog.Logger) *http.Server {
	server := &http.Server{Handler: metrics, ReadHeaderTimeout: 10 * time.Second}
	logger.Info("metrics served", "url", fmt.Sprintf("http://%s/metrics", listener.Addr()))
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("metrics no longer served", "error", err) // the app continues without them
		}
	}()
	return server
}
