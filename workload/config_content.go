package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/serinhq/serin/rollout"
	corev1 "k8s.io/api/core/v1"
)

// TrackingAnnotation on a ConfigMap or Secret with a value that begins with
// "disable" leaves the object out of revisions and copies.
const TrackingAnnotation = "flagger.app/config-tracking"

// A Config is a ConfigMap or Secret that is part of what is released, known by
// a checksum of its content and never by the content.
type Config struct {
	Kind     string // ConfigMap or Secret
	Name     string
	Checksum string // as [Content] returns it
}

// Key is the name of a config in status, for example configmap/podinfo.
func (c Config) Key() string { return strings.ToLower(c.Kind) + "/" + c.Name }

// OptedOut reports whether the annotations of a ConfigMap or Secret keep it from
// being tracked.
func OptedOut(annotations map[string]string) bool {
	return strings.HasPrefix(annotations[TrackingAnnotation], "disable")
}

// Content returns the checksum of a ConfigMap or Secret: 16 hex digits of the
// SHA-256 of the JSON of its data, as Flagger does, and of its binaryData where
// there is some. It is none for a Secret of a type that belongs to the platform
// and not to the application: registry credentials, tokens of service accounts,
// states of other tools.
func Content(object Object) (string, error) {
	if object.GetKind() == secret && !slices.Contains(secretTypes(), typeOf(object)) {
		return "", nil
	}
	text, err := json.Marshal(object.Object["data"]) // maps come out sorted
	if err != nil {
		return "", fmt.Errorf("hash %s %s.%s: %w", object.GetKind(), object.GetName(), object.GetNamespace(), err)
	}
	if binary, ok := object.Object["binaryData"].(map[string]any); ok && len(binary) > 0 {
		more, err := json.Marshal(binary)
		if err != nil {
			return "", fmt.Errorf("hash %s %s.%s: %w", object.GetKind(), object.GetName(), object.GetNamespace(), err)
		}
		text = append(append(text, '\n'), more...) // JSON has no raw newline: the two do not run together
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// secretTypes are those that are written by hand.
func secretTypes() []corev1.SecretType {
	return []corev1.SecretType{"", corev1.SecretTypeOpaque, corev1.SecretTypeBasicAuth, corev1.SecretTypeSSHAuth, corev1.SecretTypeTLS}
}

func typeOf(object Object) corev1.SecretType {
	name, ok := object.Object["type"].(string)
	if !ok {
		return ""
	}
	return corev1.SecretType(name)
}

// RevisionWith names the meaning of a pod template together with the content of
// the configs it uses, in the form of [Revision]. Without any it is that of the
// template. The order of the configs does not count.
func RevisionWith(template corev1.PodTemplateSpec, configs []Config) rollout.Revision {
	return Joined(Revision(template), configs)
}

// Joined is RevisionWith for a template whose [Revision] is known.
func Joined(revision rollout.Revision, configs []Config) rollout.Revision {
	if len(configs) == 0 || revision == "" {
		return revision
	}
	var lines []string
	for _, c := range configs {
		lines = append(lines, c.Key()+" "+c.Checksum+"\n")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(string(revision) + "\n" + strings.Join(lines, "")))
	return rollout.Revision(version + hex.EncodeToString(sum[:10]))
}
