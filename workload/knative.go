package workload

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/serinhq/serin/rollout"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The kinds of Knative Serving that a release is about.
var (
	KnativeService  = schema.GroupVersionKind{Group: "serving.knative.dev", Version: "v1", Kind: "Service"}
	KnativeRevision = schema.GroupVersionKind{Group: "serving.knative.dev", Version: "v1", Kind: "Revision"}
)

// KnativeLabel on a Revision names its Service.
const KnativeLabel = "serving.knative.dev/service"

// PrimaryRevision is the annotation of a Knative Service that names the Revision which
// serves between releases. It is Flagger's, so that either operator finds it.
const PrimaryRevision = "flagger.app/primary-revision"

// A Serverless is a Knative Service as what is released. Knative keeps a Revision for
// each template that the Service ever had, which never changes and is scaled with its
// requests: the primary is the name of one of them, and nothing is copied.
type Serverless struct {
	Service   *Object            // nil if there is none
	Revisions map[string]*Object // those that matter, by name; nil where there is none
}

// Latest is the Revision of the template as it is now; none before Knative made one.
func (k Serverless) Latest() rollout.Revision { return k.status("latestCreatedRevisionName") }

// Routable is the Revision to which Knative leads what asks for the latest one: the
// last that was ever ready.
func (k Serverless) Routable() rollout.Revision { return k.status("latestReadyRevisionName") }

// Pinned is the Revision that the Service calls its primary; none at first.
func (k Serverless) Pinned() rollout.Revision {
	if k.Service == nil {
		return ""
	}
	return rollout.Revision(k.Service.GetAnnotations()[PrimaryRevision])
}

func (k Serverless) status(field string) rollout.Revision {
	if k.Service == nil {
		return ""
	}
	return rollout.Revision(textAt(k.Service.Object, "status", field))
}

// Has reports whether a Revision exists.
func (k Serverless) Has(revision rollout.Revision) bool { return k.Revisions[string(revision)] != nil }

// Versions names what was read of the Revisions.
func (k Serverless) Versions() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(k.Revisions)) {
		if live := k.Revisions[name]; live != nil {
			all = append(all, name+"="+live.GetResourceVersion())
		}
	}
	return strings.Join(all, ",")
}

// Health of a Revision. One without pods is ready as well: they come with the first
// request. One that is not ready serves nobody, since Knative leads no request to it.
func (k Serverless) Health(revision rollout.Revision) rollout.Health {
	live := k.Revisions[string(revision)]
	switch {
	case revision == "":
		return rollout.Health{}
	case live == nil:
		return rollout.Health{Reason: k.notReady(revision) + ": it was deleted"}
	}
	status, reason, message := conditionOf(live, "Ready")
	if seen, _, err := unstructured.NestedInt64(live.Object, "status", "observedGeneration"); err != nil || seen != live.GetGeneration() {
		status, reason, message = "", "Unknown", "Knative has not looked at it yet"
	}
	if status == "True" {
		return rollout.Health{Ready: true, Serving: true}
	}
	return rollout.Health{
		// Knative takes back no other verdict by itself.
		Dead:   status == "False" && reason == "ProgressDeadlineExceeded",
		Reason: fmt.Sprintf("%s: %s: %s", k.notReady(revision), cmp.Or(reason, "Unknown"), cmp.Or(message, "Knative does not say why")),
	}
}

// notReady begins the reason; people search for these words.
func (k Serverless) notReady(revision rollout.Revision) string {
	return fmt.Sprintf("Knative Revision %s.%s is not ready", revision, k.Service.GetNamespace())
}

// Pin renders the Service with its primary named and nothing else, which is how a
// Service begins: no request changes its way. The UID keeps one that was deleted
// meanwhile from being made anew.
func (k Serverless) Pin(revision rollout.Revision) Object {
	object := Object{Object: map[string]any{}}
	object.SetGroupVersionKind(KnativeService)
	object.SetNamespace(k.Service.GetNamespace())
	object.SetName(k.Service.GetName())
	object.SetUID(k.Service.GetUID())
	object.SetAnnotations(map[string]string{PrimaryRevision: string(revision)})
	return object
}

// conditionOf a type, as Knative and others write them; empty if there is none.
func conditionOf(object *Object, kind string) (status, reason, message string) {
	conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil {
		return "", "", ""
	}
	for _, entry := range conditions {
		if c, ok := entry.(map[string]any); ok && textAt(c, "type") == kind {
			return textAt(c, "status"), textAt(c, "reason"), textAt(c, "message")
		}
	}
	return "", "", ""
}

// textAt a path of an object that may have any shape.
func textAt(object map[string]any, path ...string) string {
	found, _, err := unstructured.NestedString(object, path...)
	if err != nil {
		return ""
	}
	return found
}
