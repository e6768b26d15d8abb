package controller

import (
	"strings"
	"testing"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
	"github.com/serinhq/serin/router"
	"github.com/serinhq/serin/workload"
)

// TestNodesBeforePods: App Mesh refuses pods without a VirtualNode, so that a primary
// whose nodes came with the route would never be ready for one.
func TestNodesBeforePods(t *testing.T) {
	appMesh := func() *view {
		v := &view{canary: canaryAt("web", 1), provider: router.Providers["appmesh:v1beta2"], memo: new(memo)}
		v.service = router.Service{Namespace: "shop", Name: "web", Target: "web", Port: 80, Selector: workload.Selector{Key: "app", Value: "web"}}
		return v
	}
	for _, c := range []struct {
		name   string
		change func(*view)
		want   rollout.Desired
		made   string
	}{
		{"before the pods", func(*view) {}, rollout.Desired{Route: rollout.Split(0)},
			"Service/web-canary Service/web-primary VirtualNode/web-primary VirtualNode/web-canary"},
		{"once they can serve", func(*view) {}, rollout.Desired{Expose: true, Route: rollout.Split(0)},
			"Service/web-canary Service/web-primary VirtualNode/web-primary VirtualNode/web-canary " +
				"VirtualRouter/web-canary VirtualService/web-canary VirtualRouter/web VirtualService/web Service/web"},
		{"another provider", func(v *view) { v.provider = router.Providers["gatewayapi:v1"] }, rollout.Desired{Route: rollout.Split(0)},
			"Service/web-canary Service/web-primary"},
		{"what it cannot express", func(v *view) { v.service.Timeout = 1 }, rollout.Desired{Route: rollout.Split(0)},
			"render what the pods of web need: render VirtualNode shop/web-primary: spec.service.timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := appMesh()
			c.change(v)
			objects, err := v.desired(c.want)
			var made []string
			for _, object := range objects {
				made = append(made, object.GetKind()+"/"+object.GetName())
			}
			if err != nil {
				made = []string{err.Error()}
			}
			if got := strings.Join(made, " "); got != c.made && (err == nil || !strings.HasPrefix(got, c.made)) {
				t.Errorf("got  %s\nwant %s", got, c.made)
			}
		})
	}
}

func TestAccessLog(t *testing.T) {
	for text, want := range map[string]bool{"enabled": true, "disabled": false, "": false} {
		canary := &v1beta1.Canary{}
		canary.Annotations = map[string]string{"appmesh.flagger.app/accesslog": text}
		if got := new(reconciler).named(canary).AccessLog; got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
