package workload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/serinhq/serin/internal/golden"
	"github.com/serinhq/serin/rollout"
)

// features are what pod templates in clusters have, each as a merge patch of a
// plain one. The corpus combines them.
var features = []string{
	`{"metadata":{"annotations":{"prometheus.io/scrape":"true","checksum/config":"9f86d081884c7d65"}}}`,
	`{"metadata":{"labels":{"app.kubernetes.io/name":"web","app.kubernetes.io/version":"1.0.2","tier":"front"}}}`,
	`{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-01-01T00:00:00Z"}}}`,
	`{"spec":{"serviceAccountName":"web","serviceAccount":"web","automountServiceAccountToken":false}}`,
	`{"spec":{"securityContext":{"runAsNonRoot":true,"runAsUser":65532,"fsGroup":2000,"seccompProfile":{"type":"RuntimeDefault"}}}}`,
	`{"spec":{"nodeSelector":{"kubernetes.io/os":"linux"},"tolerations":[{"key":"spot","operator":"Exists","effect":"NoSchedule"}]}}`,
	`{"spec":{"affinity":{"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":100,"podAffinityTerm":{"labelSelector":{"matchLabels":{"app":"web"}},"topologyKey":"kubernetes.io/hostname"}}]}}}}`,
	`{"spec":{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"topology.kubernetes.io/zone","whenUnsatisfiable":"ScheduleAnyway","labelSelector":{"matchLabels":{"app":"web"}}}]}}`,
	`{"spec":{"initContainers":[{"name":"migrate","image":"web:1","command":["/web","migrate"],"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}]}}`,
	`{"spec":{"initContainers":[{"name":"proxy","image":"proxy:3","restartPolicy":"Always","startupProbe":{"tcpSocket":{"port":15021},"periodSeconds":1}}]}}`,
	`{"spec":{"volumes":[{"name":"config","configMap":{"name":"web","defaultMode":420}},{"name":"tls","secret":{"secretName":"web-tls","defaultMode":256,"optional":true}}]}}`,
	`{"spec":{"volumes":[{"name":"all","projected":{"defaultMode":420,"sources":[{"serviceAccountToken":{"path":"token","expirationSeconds":3607}},{"configMap":{"name":"ca","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"ns","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}]}}]}}`,
	`{"spec":{"volumes":[{"name":"tmp","emptyDir":{}},{"name":"cache","emptyDir":{"medium":"Memory","sizeLimit":"64Mi"}},{"name":"data","persistentVolumeClaim":{"claimName":"web"}}]}}`,
	`{"spec":{"volumes":[{"name":"scratch","ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}},"volumeMode":"Filesystem"}}}}]}}`,
	`{"spec":{"imagePullSecrets":[{"name":"registry"}],"hostAliases":[{"ip":"10.0.0.1","hostnames":["db"]}],"dnsConfig":{"options":[{"name":"ndots","value":"1"}]}}}`,
	`{"spec":{"priorityClassName":"high","terminationGracePeriodSeconds":60,"enableServiceLinks":false,"shareProcessNamespace":true}}`,
	`{"spec":{"hostNetwork":true,"dnsPolicy":"ClusterFirstWithHostNet","readinessGates":[{"conditionType":"target-health.example.com/web"}]}}`,
	`{"spec":{"runtimeClassName":"gvisor","overhead":{"cpu":"250m","memory":"120Mi"}}}`,
}

// containers are variants of the main container.
var containers = []string{
	`{"name":"web","image":"registry.example.com/web:1.0.%d"}`,
	`{"name":"web","image":"web@sha256:%064d","resources":{"limits":{"cpu":"1","memory":"512Mi"},"requests":{"cpu":"0.1","memory":"128Mi"}}}`,
	`{"name":"web","image":"web:%d","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"},{"name":"dns","containerPort":53,"protocol":"UDP"}],"readinessProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},"periodSeconds":10,"timeoutSeconds":1,"successThreshold":1,"failureThreshold":3},"livenessProbe":{"grpc":{"port":9999,"service":""},"initialDelaySeconds":5}}`,
	`{"name":"web","image":"web:%d","env":[{"name":"LEVEL","value":"info"},{"name":"EMPTY"},{"name":"POD","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}},{"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"db","key":"password","optional":false}}},{"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1m"}}}],"envFrom":[{"prefix":"X_","configMapRef":{"name":"env"}}]}`,
	`{"name":"web","image":"web:%d","command":["/bin/sh","-c"],"args":["exec /web --port=$PORT"],"workingDir":"/srv","lifecycle":{"preStop":{"exec":{"command":["sleep","5"]}}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE"]},"readOnlyRootFilesystem":true},"volumeMounts":[{"name":"tmp","mountPath":"/tmp"}]}`,
}

// corpus makes varied templates, always the same.
func corpus(t testing.TB, size int) []corev1.PodTemplateSpec {
	t.Helper()
	var all []corev1.PodTemplateSpec
	for i := range size {
		main := fmt.Sprintf(containers[i%len(containers)], i)
		plain := decoded(t, `{"metadata":{"labels":{"app":"web"}},"spec":{"restartPolicy":"Always","dnsPolicy":"ClusterFirst","schedulerName":"default-scheduler","terminationGracePeriodSeconds":30,"containers":[`+main+`]}}`)
		for f, patch := range features {
			// A quarter of the features each, in ever other combinations.
			if (i*7+f*13+i*f)%4 != 0 {
				continue
			}
			merge(plain, decoded(t, patch))
		}
		text, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		var spec corev1.PodTemplateSpec
		if err := json.Unmarshal(text, &spec); err != nil {
			t.Fatal(err)
		}
		all = append(all, spec)
	}
	return all
}

// TestCorpusIsPinned: upgrading Serin or its Kubernetes libraries must never start
// a release. If this fails after an upgrade of k8s.io/api, a library changed how
// it prints a field: do not update the file, make the difference vanish.
func TestCorpusIsPinned(t *testing.T) {
	const size = 200
	var text bytes.Buffer
	known := map[rollout.Revision]int{}
	for i, template := range corpus(t, size) {
		revision := Revision(template)
		if before, ok := known[revision]; ok {
			t.Errorf("templates %d and %d mean something else and have one revision", before, i)
		}
		known[revision] = i
		fmt.Fprintf(&text, "%3d %s\n", i, revision)
	}
	golden.Equal(t, "testdata/corpus.txt", text.Bytes())
}

func decoded(t testing.TB, text string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// merge puts what a patch has into fields: objects merge, all else is replaced.
func merge(fields, patch map[string]any) {
	for key, value := range patch {
		below, isObject := value.(map[string]any)
		into, wasObject := fields[key].(map[string]any)
		if isObject && wasObject {
			merge(into, below)
			continue
		}
		fields[key] = value
	}
}
