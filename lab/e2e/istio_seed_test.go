package e2e

import (
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/priority"
	"github.com/serinhq/serin/lab/traffic"
)

//go:embed istio_seed.yaml
var seedTemplate string

// The Istio tutorial, byte for byte as people have it, runs to its end: its Gateway, its
// autoscaler and its Canary, with mutual TLS up to the pods, judged by the built-in checks. A
// good release passes all weights from 10 to 50 %, a minute each, while users ask through
// the gateway, and none of them notices.
//
// With 150 requests a second two points are 3.7 standard deviations of a step of 58 s at
// 50 %, see traffic.SampleError. More are no better: each passes two Envoys, and where two
// processors fall behind, all that wait ask for connections of their own, with a handshake each.
func TestIstioSeedOnTheLab(t *testing.T) {
	if err := priority.Raise(); err != nil { // a client that waits for a processor loses requests itself
		t.Fatal(err)
	}
	w, node := seed(t, "e2e-istio-seed")
	w.operator()
	w.write("1.0.0", true)
	for _, file := range []string{"seed0-gateway", "seed0-hpa", "seed0-canary-v1alpha3"} {
		w.kubectl("", "apply", "-f", "../../api/v1beta1/testdata/compat/"+file+".yaml")
	}
	w.phase("Initialized")
	w.twins(2)
	load, books := w.watched(w.config(w.rate))
	w.sealed(node)

	w.release("2.0.0")
	orders := w.orders()
	for _, weight := range []int{10, 20, 30, 40, 50} {
		w.divides(load, weight)
		now := w.orders()
		if now == orders {
			t.Errorf("in the step of %d %% the load tester got no order", weight)
		}
		orders = now
	}
	w.ends("Succeeded", "2.0.0")
	books()
	w.complain(node)
	w.twins(4) // half of the traffic had two pods
	t.Logf("the load tester got %d orders", w.orders())
}

// seed is a site with the lab's part of the tutorial as its way, and the lab.
func seed(t *testing.T, name string) (traveller, *cluster.Cluster) {
	t.Helper()
	s := site{t, raiseWith(t, istioLab(name))}
	node, err := cluster.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(cluster.IdentitiesInside)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := url.Parse(node.GatewayInside)
	if err != nil {
		t.Fatal(err)
	}
	s.Gateway = "http://" + inside.Hostname() // the tutorial's Gateway is at port 80
	return traveller{s, way{
		Name: "default/hello-world", Kind: "Deployment", Scaler: true, rate: 150, host: "hello-world.example.com",
		manifest: strings.NewReplacer("ENVOY_IMAGE", cluster.EnvoyImage, "STATS_PORT", cluster.SidecarStatsPort,
			"IDENTITIES_HOST", host, "IDENTITIES_PORT", port).Replace(seedTemplate),
		wire: func() http.RoundTripper {
			return &http.Transport{DialContext: node.Dial, MaxIdleConnsPerHost: traffic.DefaultInFlight, DisableCompression: true}
		},
	}}, node
}

// twins: the primary has an autoscaler like that of the tutorial, and so many pods. Nothing
// measures their load here, so they are as many as Serin gave it, within its limits.
func (w traveller) twins(pods int) {
	w.Helper()
	const limits = "jsonpath={.spec.scaleTargetRef.name} {.spec.minReplicas} to {.spec.maxReplicas}"
	got := w.kubectl("", "-n", "default", "get", "hpa", "hello-world-primary", "-o", limits)
	if want := "hello-world-primary 2 to 4"; got != want {
		w.Errorf("the autoscaler is for %s, want %s", got, want)
	}
	follow(w.site, patience, "deployment", "default/hello-world-primary", func(d struct {
		Spec   struct{ Replicas int }
		Status struct{ Replicas, ReadyReplicas int }
	}) bool {
		return d.Spec.Replicas == pods && d.Status.Replicas == pods && d.Status.ReadyReplicas == pods
	})
}

// sealed: the pods of the application answer nobody who speaks in plain text, or who shows no
// certificate of the mesh. What the users get has come by mutual TLS.
func (w traveller) sealed(node *cluster.Cluster) {
	w.Helper()
	pod := w.kubectl("", "-n", "default", "get", "pods", "-l", "app=hello-world-primary", "-o", "jsonpath={.items[0].status.podIP}")
	address := net.JoinHostPort(pod, "8080")
	plain := &http.Transport{DialContext: node.Dial}
	defer plain.CloseIdleConnections()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		w.Fatal(err)
	}
	if resp, err := plain.RoundTrip(req); err == nil {
		w.Errorf("plain text was answered: %s", errors.Join(errors.New(resp.Status), resp.Body.Close()))
	} else {
		w.Logf("plain text to %s: %v", address, err)
	}
	if err := handshake(w.Context(), node, address); err == nil || !strings.Contains(err.Error(), "remote error: tls") {
		w.Errorf("a stranger's handshake with %s: %v, want it refused", address, err)
	} else {
		w.Logf("a stranger's handshake with %s: %v", address, err)
	}
}

// handshake shakes hands with whoever it is, without a certificate of its own.
func handshake(ctx context.Context, node *cluster.Cluster, address string) error {
	conn, err := node.Dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	// With 1.3 one learns only later that one was refused.
	stranger := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	return errors.Join(stranger.HandshakeContext(ctx), conn.Close())
}

// complain shows, if something went wrong, what the gateway says about the first requests that
// it answered with an error.
func (w traveller) complain(node *cluster.Cluster) {
	w.Helper()
	if !w.Failed() {
		return
	}
	const lines = 20
	said, err := os.ReadFile(filepath.Join(node.State, "logs", "bad-answers.log"))
	if err != nil {
		w.Error(err)
	}
	all := strings.SplitAfter(string(said), "\n")
	w.Logf("%d bad answers:\n%s", len(all)-1, strings.Join(all[:min(lines, len(all))], ""))
}

var ordered = regexp.MustCompile(`(?m)^envoy_http_downstream_rq_xx\{.*class="2".*prefix="orders".*\} (\d+)$`)

// orders is how many orders the load tester has taken.
func (w traveller) orders() int {
	w.Helper()
	page := w.kubectl("", "get", "--raw", "/api/v1/namespaces/kubeaddons-flagger/services/flagger-loadtester:stats/proxy/stats/prometheus")
	found := ordered.FindStringSubmatch(page)
	if found == nil {
		w.Fatal("the load tester does not count its orders")
	}
	count, err := strconv.Atoi(found[1])
	if err != nil {
		w.Fatal(err)
	}
	return count
}
