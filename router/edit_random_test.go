package router

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/serinhq/serin/rollout"
)

// A scribbler writes objects as users do, with more care for variety than for sense.
type scribbler struct{ *rand.Rand }

func (s scribbler) often() bool { return s.IntN(3) > 0 }

func (s scribbler) pick(of ...string) string { return of[s.IntN(len(of))] }

// backend of a kind, with or without a weight and other fields.
func (s scribbler) backend(kind string) map[string]any {
	name := s.pick("web", "web", "other", "audit")
	var b map[string]any
	switch kind {
	case "VirtualService":
		b = map[string]any{"destination": map[string]any{"host": name + s.pick("", ".shop", ".shop.svc", ".shop.svc.cluster.local", ".other")}}
	case "RouteTable":
		b = map[string]any{"destination": map[string]any{"kube": map[string]any{"ref": map[string]any{"name": name, "namespace": s.pick("shop", "shop", "other")}, "port": int64(80)}}}
	default:
		b = map[string]any{"name": name, "port": int64(80)}
	}
	if kind != "HTTPProxy" && s.often() {
		b["extra"] = map[string]any{"list": []any{map[string]any{"n": int64(s.IntN(3))}}}
	}
	if s.often() {
		b["weight"] = int64(s.IntN(1 + s.IntN(100)))
	}
	if kind == "HTTPProxy" && s.IntN(5) == 0 {
		b["mirror"] = true
	}
	return b
}

// list of backends, none of which is there twice: a traffic system would not take that.
func (s scribbler) list(kind string) []any {
	var all []any
	for range 1 + s.IntN(4) {
		b := s.backend(kind)
		if !slices.ContainsFunc(all, func(other any) bool { return cmp.Equal(weightless(b), weightless(other.(map[string]any))) }) {
			all = append(all, b)
		}
	}
	return all
}

func (s scribbler) rules(kind, key string) []any {
	var all []any
	for i := range 1 + s.IntN(3) {
		rule := map[string]any{"match": fmt.Sprint(i)}
		switch {
		case s.IntN(6) == 0:
			rule["redirect"] = true
		case kind == "RouteTable" && s.IntN(2) == 0:
			rule["routeAction"] = map[string]any{"single": s.backend(kind)["destination"]}
		case kind == "RouteTable":
			rule["routeAction"] = map[string]any{"multi": map[string]any{key: s.list(kind)}}
		default:
			rule[key] = s.list(kind)
		}
		all = append(all, rule)
	}
	return all
}

func (s scribbler) spec(kind string) map[string]any {
	spec := map[string]any{"other": "field"}
	switch kind {
	case "VirtualService":
		for _, protocol := range []string{"http", "tcp", "tls"} {
			if s.often() {
				spec[protocol] = s.rules(kind, "route")
			}
		}
	case "HTTPProxy":
		spec["routes"] = s.rules(kind, "services")
		if s.IntN(3) == 0 {
			spec["tcpproxy"] = map[string]any{"services": s.list(kind)}
		}
	case "RouteTable":
		spec["routes"] = s.rules(kind, "destinations")
	case "TraefikService":
		spec["weighted"] = map[string]any{"services": s.list(kind), "sticky": true}
	default:
		spec["rules"] = s.rules(kind, "backendRefs")
	}
	return spec
}

// bareOf is a value without what an edit may change: weights, and the way to the canary.
func bareOf(value any) any {
	switch value := value.(type) {
	case map[string]any:
		rest := map[string]any{}
		for key, field := range value {
			switch key {
			case "weight":
			case "single":
				rest["multi"] = map[string]any{"destinations": []any{map[string]any{"destination": bareOf(field)}}}
			default:
				rest[key] = bareOf(field)
			}
		}
		return rest
	case []any:
		rest := []any{}
		for _, item := range value {
			if !leadsToCanary(item) {
				rest = append(rest, bareOf(item))
			}
		}
		return rest
	}
	return value
}

func leadsToCanary(item any) bool {
	backend, _ := item.(map[string]any)
	for _, e := range editorsUnderTest {
		if ref, ok := e.service(backend, "shop"); ok {
			if name, _ := ref.fields[ref.key].(string); len(name) >= 10 && name[:10] == "web-canary" {
				return true
			}
		}
	}
	return false
}

// Whatever users write: a release touches nothing but the split, others keep their part,
// the same twice changes nothing, what is written is what is read, and at rest the object
// is the user's again.
func TestEditorsKeepTheRest(t *testing.T) {
	for kind, e := range editorsUnderTest {
		t.Run(kind, func(t *testing.T) {
			s, divisions := inUse(e), 0
			for seed := range uint64(300) {
				random := scribbler{rand.New(rand.NewPCG(seed, 0))}
				original := Object{Object: map[string]any{"metadata": map[string]any{"name": "front", "namespace": "shop"}, "spec": random.spec(kind)}}
				original.SetGroupVersionKind(e.Kind)
				live := *original.DeepCopy()
				for range 3 {
					want := rollout.Split(random.IntN(rollout.Full + 1))
					s := s
					s.Trying = random.IntN(2) == 0
					edited, err := e.Divide(live, s, want)
					if err != nil {
						break // it does not lead to the Service, which is refused elsewhere
					}
					again, err := e.Divide(edited, s, want)
					if diff := cmp.Diff(edited.Object, again.Object); diff != "" || err != nil {
						t.Fatalf("seed %d: the same again (%v):\n%s", seed, err, diff)
					}
					if got, err := e.Parse(edited, s); err != nil || got != want && !nothingLeads(e, original, s) {
						t.Fatalf("seed %d: %+v is read as %+v, %v", seed, want, got, err)
					}
					if !e.sparing || want.Primary > 0 {
						if diff := cmp.Diff(bareOf(original.Object["spec"]), bareOf(edited.Object["spec"])); diff != "" {
							t.Fatalf("seed %d: more than the split:\n%s", seed, diff)
						}
					}
					if diff := cmp.Diff(parts(e, original, s), parts(e, edited, s)); diff != "" {
						t.Fatalf("seed %d at %d: others have another part:\n%s\n%v", seed, want.Canary, diff, edited.Object)
					}
					if diff := cmp.Diff(original.Object, e.Restore(edited, s).Object); diff != "" {
						t.Fatalf("seed %d: given back:\n%s", seed, diff)
					}
					live, divisions = edited, divisions+1
				}
			}
			if divisions < 200 {
				t.Errorf("only %d divisions were tried", divisions)
			}
		})
	}
}

func nothingLeads(e *Editor, object Object, s Service) bool {
	nothing := true
	e.each(*object.DeepCopy(), s, func(l *openList) {
		if _, leads := l.share(); leads {
			nothing = false
		}
	})
	return nothing
}

// parts are how great a part each backend but the two sides has of its list, in a
// billionth, in order.
func parts(e *Editor, object Object, s Service) [][]int64 {
	var all [][]int64
	e.each(Object{Object: runtime.DeepCopyJSON(object.Object)}, s, func(l *openList) {
		var list []int64
		weights := l.weights()
		for i, entry := range l.entries {
			if !l.names(entry, s.Name) && !leadsToCanary(entry) && l.counts(entry.(map[string]any)) {
				list = append(list, weights[i]*1_000_000_000/max(sum(weights), 1))
			}
		}
		all = append(all, list)
	})
	return all
}
