package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A subject is a Canary and the Deployment of the same name.
type subject struct {
	namespace, name string
	number          int
	bad             bool // its new revision does not serve well
}

// mark begins the names of bad subjects; their metrics are found by it.
const mark = "bad"

// numbered is the subject of a number; every tenth is bad.
func numbered(i, namespaces int) subject {
	const tenth = 10
	s := subject{namespace: namespaceName(i % namespaces), number: i, bad: i%tenth == tenth-1}
	s.name = fmt.Sprintf("good%05d", i)
	if s.bad {
		s.name = fmt.Sprintf(mark+"%05d", i)
	}
	return s
}

func (s subject) key() string { return s.namespace + "/" + s.name }

func (s subject) collection(version, resource string) string {
	return fmt.Sprintf("/apis/%s/namespaces/%s/%s", version, s.namespace, resource)
}

func (s subject) path(version, resource string) string {
	return s.collection(version, resource) + "/" + s.name
}

func namespaceName(i int) string { return fmt.Sprintf("load-%02d", i) }

func namespaceOf(i int) []byte {
	return encode(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespaceName(i)}})
}

func (s subject) deployment() []byte {
	labels := map[string]any{"app": s.name}
	return encode(map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": s.name},
		"spec": map[string]any{
			"replicas": 1, "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec": map[string]any{"containers": []any{map[string]any{
					"name": "app", "image": "example.com/app:1", "ports": []any{map[string]any{"name": "http", "containerPort": 8080}},
					"resources": map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "64Mi"}},
				}}},
			},
		},
	})
}

// nextRevision of a workload, as kubectl rollout restart makes one.
var nextRevision = []byte(`{"spec":{"template":{"metadata":{"annotations":{"revision":"2"}}}}}`)

func (s subject) canary(interval time.Duration) []byte {
	metric := func(name, bound string, limit int) map[string]any {
		return map[string]any{"name": name, "interval": "1m", "thresholdRange": map[string]any{bound: limit}}
	}
	return encode(map[string]any{
		"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": map[string]any{"name": s.name},
		"spec": map[string]any{
			"targetRef":               map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": s.name},
			"progressDeadlineSeconds": 600,
			"service": map[string]any{"port": 80, "targetPort": 8080,
				"gatewayRefs": []any{map[string]any{"name": "public", "namespace": "gateway-system"}}},
			"analysis": map[string]any{
				"interval": fmt.Sprintf("%ds", int(interval.Seconds())), "threshold": 1, "stepWeight": 20, "maxWeight": 60,
				"metrics": []any{metric("request-success-rate", "min", 99), metric("request-duration", "max", 500)},
			},
		},
	})
}

// encode is for maps of plain values, which always can be.
func encode(object any) []byte {
	text, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return text
}

// backend stands in for Prometheus: bad canaries lose a tenth of their requests.
type backend struct{}

// ServeHTTP answers the two built-in checks and the question whether it is there.
func (backend) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	query, value := req.FormValue("query"), "100"
	switch {
	case strings.Contains(query, "histogram_quantile"):
		value = "20"
	case strings.Contains(query, `=~"`+mark):
		value = "90"
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"%s"]}]}}`, value)
}
