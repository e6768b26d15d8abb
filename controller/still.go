package controller

import (
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/serinhq/serin/workload"
)

// picture names all that a look has read, by its versions; none if it read what has no
// version here. Two looks at one picture would render and compare the same objects, so
// that one is enough: most looks are at an answer or a timer.
func (v *view) picture() string {
	if len(v.configs.all) > 0 || !v.readable() {
		return ""
	}
	var text strings.Builder
	add := func(version string) {
		text.WriteString(version)
		text.WriteByte('/')
	}
	add(v.canary.ResourceVersion)
	for _, pods := range []*workload.Pods{v.target, v.primary} {
		if pods == nil {
			add("")
			continue
		}
		add(pods.ResourceVersion)
	}
	add(v.serviceVersions())
	for i := range v.routes {
		add(v.routes[i].GetResourceVersion())
	}
	add(v.knative.Versions())
	for _, scaler := range []client.Object{v.scalers.own, v.scalers.twin} {
		if absent(scaler) {
			add("")
			continue
		}
		add(scaler.GetResourceVersion())
	}
	return text.String()
}

func (v *view) serviceVersions() string {
	text := ""
	for _, service := range []client.Object{v.live.Apex, v.live.Primary, v.live.Canary} {
		text += "/"
		if !absent(service) {
			text += service.GetResourceVersion()
		}
	}
	return text
}
