package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/cluster"
	"github.com/serinhq/serin/lab/demo"
	"github.com/serinhq/serin/lab/priority"
)

// Releases without gateway and mesh: a plain Service, kube-proxy, and so many pods of each
// side behind it that their part is the weight. Each request has a connection of its own,
// because kube-proxy draws a pod for each of those.
//
// With 300 requests a second two points are 3.7 standard deviations of a step of 28 s at
// 60 %, and 4.5 at 20 %, see traffic.SampleError.
func TestReleasesByNumbersOfPods(t *testing.T) {
	if err := priority.Raise(); err != nil { // a client that waits for a processor loses requests itself
		t.Fatal(err)
	}
	const name = "e2e-members"
	s := site{t, raise(t, name)}
	s.operator()
	s.kubectl("", "create", "namespace", demo.Namespace)
	node, err := cluster.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []way{
		{Name: "members", Pods: 4, Analysis: "{interval: 30s, threshold: 1, initialDelay: 15s, stepWeights: [20, 60], " +
			"metrics: [{name: request-success-rate, thresholdRange: {min: 99}, interval: 10s}]}", travel: numberedWay},
		{Name: "replaced", Analysis: "{interval: 10s, threshold: 1, iterations: 2}", travel: replacedWay},
	} {
		t.Run(w.Name, func(t *testing.T) {
			w.Kind, w.Provider, w.manifest, w.rate, w.node = "Deployment", "kubernetes", releasedTemplate, 300, node.Dial
			journey := traveller{site{t, s.Site}, w}
			journey.write("1.0.0", true)
			journey.phase("Initialized")
			w.travel(journey.service(w.Name))
			journey.over()
		})
	}
}

// numberedWay: a good release tried in isolation and then by two weights, and a bad one undone.
func numberedWay(w traveller) {
	load, books := w.watched(w.config(w.rate))
	w.release("2.0.0")
	w.until("the warm-up", func(c canaryStatus) bool { return c.Phase == "Progressing" && c.Rollout.Step == 1 })
	w.alone("2.0.0")
	for _, step := range []struct{ weight, primary, canary int }{{20, 4, 1}, {60, 2, 3}} {
		w.weight(step.weight)
		w.stand(step.primary, step.canary)
		w.divides(load, step.weight)
	}
	w.ends("Succeeded", "2.0.0")
	w.selects(w.Name + "-primary")

	w.release(bad)
	w.weight(20)
	w.stand(4, 1)
	w.ends("Failed", "2.0.0")
	w.selects(w.Name + "-primary")
	books()
}

// replacedWay is blue/green: tried in isolation to the end, then all at once.
func replacedWay(w traveller) {
	_, books := w.watched(w.config(w.rate))
	w.release("2.0.0")
	w.until("the first iteration", func(c canaryStatus) bool { return c.Phase == "Progressing" && c.Iterations > 0 })
	w.alone("2.0.0")
	w.ends("Succeeded", "2.0.0")
	w.selects(w.Name + "-primary")
	books()
}

// service is the same way, asked at the address of a Service.
func (w traveller) service(name string) traveller {
	w.Helper()
	w.Site.Gateway = "http://" + w.kubectl("", "-n", demo.Namespace, "get", "service", name, "-o", "jsonpath={.spec.clusterIP}")
	return w
}

// alone: the new release can be tried at the Service of the canary, and no user is on it.
func (w traveller) alone(release string) {
	w.Helper()
	users, books := w.watched(w.config(w.rate))
	w.service(w.Name + "-canary").serves(release)
	const moment = 3 * time.Second
	pass(w.T, moment)
	books()
	all(w.T, users.Total(), "1.0.0")
	if weight := w.now().CanaryWeight; weight != 0 {
		w.Errorf("the weight is %d, and nobody was to be on %s", weight, release)
	}
}

// stand waits until so many ready pods of each side are behind the apex.
func (w traveller) stand(primary, canary int) {
	w.Helper()
	err := await.Condition(w.Context(), patience, "the pods behind the Service", func(context.Context) error {
		var pods struct {
			Items []struct {
				Metadata struct {
					DeletionTimestamp string
					Labels            struct{ App string }
				}
				Status struct {
					ContainerStatuses []struct{ Ready bool }
				}
			}
		}
		if err := json.Unmarshal([]byte(w.kubectl("", "-n", demo.Namespace, "get", "pods", "-l", "serin.dev/behind="+w.Name, "-o", "json")), &pods); err != nil {
			return err
		}
		ready := map[string]int{}
		for _, pod := range pods.Items {
			if has := pod.Status.ContainerStatuses; pod.Metadata.DeletionTimestamp == "" && len(has) > 0 && has[0].Ready {
				ready[pod.Metadata.Labels.App]++
			}
		}
		if len(pods.Items) != primary+canary || ready[w.Name+"-primary"] != primary || ready[w.Name] != canary {
			return fmt.Errorf("%v of %d pods, want %d of the primary and %d of the canary", ready, len(pods.Items), primary, canary)
		}
		return nil
	})
	if err != nil {
		w.Error(err)
	}
	w.selects("")
}

// selects waits until the apex selects its pods by nothing but a value of the label app, or,
// if that is empty, by the label of those that were put behind it.
func (w traveller) selects(app string) {
	w.Helper()
	want := map[string]string{"app": app}
	if app == "" {
		want = map[string]string{"serin.dev/behind": w.Name}
	}
	type service struct {
		Spec struct{ Selector map[string]string }
	}
	follow(w.site, patience, "service", w.Name, func(s service) bool { return maps.Equal(s.Spec.Selector, want) })
}
