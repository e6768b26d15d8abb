// Program xdsclient is a member of a mesh without a sidecar: grpc-go learns from istiod,
// by xDS, where its calls go, as an Envoy beside it would. It asks podinfo for its
// message, over and over, and answers by HTTP how often it was given which one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/xds" // targets that begin with xds:///, bootstrapped by GRPC_XDS_BOOTSTRAP_CONFIG
	"google.golang.org/protobuf/encoding/protowire"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "xdsclient:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	target := flag.String("target", "", "what to call, such as xds:///web.shop.svc.cluster.local:9999")
	rate := flag.Int("rate", 100, "calls a second")
	listen := flag.String("listen", ":8080", "where the tally is told")
	flag.Parse()
	connection, err := grpc.NewClient(*target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		return fmt.Errorf("connect to %s: %w", *target, err)
	}
	counts := &tally{Answers: map[string]int{}, Errors: map[string]int{}}
	server := &http.Server{Addr: *listen, Handler: counts, ReadHeaderTimeout: time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close() // the process ends
	}()
	go call(ctx, connection, *rate, counts)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the tally: %w", err)
	}
	return connection.Close()
}

// call sends calls at the rate, each without waiting for the ones before it, until the end.
func call(ctx context.Context, connection *grpc.ClientConn, rate int, counts *tally) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			go func() { counts.add(ask(ctx, connection)) }()
		}
	}
}

const (
	method  = "/info.InfoService/Info" // of podinfo
	message = 6                        // field of its answer
	longest = 5 * time.Second
)

func ask(ctx context.Context, connection *grpc.ClientConn) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	var answer []byte
	if err := connection.Invoke(ctx, method, []byte{}, &answer); err != nil {
		return "", err
	}
	for len(answer) > 0 {
		number, kind, size := protowire.ConsumeTag(answer)
		if size < 0 {
			return "", protowire.ParseError(size)
		}
		answer = answer[size:]
		if number == message && kind == protowire.BytesType {
			text, size := protowire.ConsumeString(answer)
			return text, protowire.ParseError(min(size, 0))
		}
		size = protowire.ConsumeFieldValue(number, kind, answer)
		if size < 0 {
			return "", protowire.ParseError(size)
		}
		answer = answer[size:]
	}
	return "", errors.New("the answer has no message")
}

// raw leaves messages as they are on the wire.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) {
	if text, ok := v.([]byte); ok {
		return text, nil
	}
	return nil, fmt.Errorf("%T is not []byte", v)
}

func (raw) Unmarshal(data []byte, v any) error {
	text, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("%T is not *[]byte", v)
	}
	*text = append([]byte(nil), data...)
	return nil
}

func (raw) Name() string { return "proto" }

// tally counts since the start.
type tally struct {
	mu      sync.Mutex
	Answers map[string]int `json:"answers"` // by message
	Errors  map[string]int `json:"errors"`  // by their text
}

func (t *tally) add(answer string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.Errors[err.Error()]++
		return
	}
	t.Answers[answer]++
}

// ServeHTTP implements http.Handler.
func (t *tally) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	t.mu.Lock()
	text, err := json.Marshal(t)
	t.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // a client that went away asks again
}
