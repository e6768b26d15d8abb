package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// server answers /healthz, /readyz and /metrics, on leaders and followers alike.
type server struct {
	options  Options
	gatherer prometheus.Gatherer
	cache    cache.Cache
	synced   atomic.Bool
}

func newServer(options Options, registry *prometheus.Registry, cache cache.Cache) *server {
	return &server{options: options, gatherer: prometheus.Gatherers{registry, metrics.Registry}, cache: cache}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (s *server) NeedLeaderElection() bool { return false }

// Start serves until the context ends.
func (s *server) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.options.Address)
	if err != nil {
		return fmt.Errorf("listen on %s (flag -port): %w", s.options.Address, err)
	}
	srv := &http.Server{Handler: s.handler(), ReadTimeout: 5 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 15 * time.Second}
	go func() { s.synced.Store(s.cache.WaitForCacheSync(ctx)) }()
	go func() {
		<-ctx.Done()
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err := srv.Shutdown(bounded); err != nil {
			s.options.Log.Error("shut the HTTP server down", "err", err)
		}
	}()
	if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", s.options.Address, err)
	}
	return nil
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "OK") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !s.synced.Load() {
			say(w, http.StatusServiceUnavailable, "caches are not filled yet")
			return
		}
		say(w, http.StatusOK, "OK")
	})
	// The two registries share the names of Go's own collectors.
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	return mux
}

func say(w http.ResponseWriter, code int, text string) {
	w.WriteHeader(code)
	if _, err := w.Write([]byte(text)); err != nil {
		return // the client has gone
	}
}
