package controller

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestTurnstile(t *testing.T) {
	key := func(namespace, name string) types.NamespacedName {
		return types.NamespacedName{Namespace: namespace, Name: name}
	}
	woken := make(chan types.NamespacedName, 10)
	s := &turnstile{most: 3,
		each: func(namespace string) int { return map[string]int{"small": 1}[namespace] },
		wake: func(k types.NamespacedName) { woken <- k },
		seed: func() map[types.NamespacedName]bool { return map[types.NamespacedName]bool{key("a", "running"): true} },
	}
	expect := func(what string, k types.NamespacedName, want string) {
		t.Helper()
		if got := s.enter(k); got != want {
			t.Errorf("%s: %s is told %q, want %q", what, k, got, want)
		}
	}
	const cluster = "at most 3 at once in the cluster"
	expect("one runs since before", key("a", "running"), "")
	expect("there is room", key("small", "first"), "")
	expect("its namespace is full", key("small", "second"), "at most 1 at once in namespace small")
	expect("a full namespace holds up no other", key("b", "x"), "")
	expect("the cluster is full", key("b", "y"), cluster)
	expect("and the next is behind it", key("c", "z"), cluster)
	expect("who is inside stays inside", key("b", "x"), "")

	s.note(key("b", "x"), false, false)
	if k := <-woken; k != key("b", "y") {
		t.Errorf("woken is %s, not the one that waited longest", k)
	}
	expect("who came later does not overtake", key("c", "z"), cluster)
	expect("whose turn it is", key("b", "y"), "")
	s.note(key("c", "z"), false, false)
	s.note(key("small", "first"), false, false)
	if k := <-woken; k != key("small", "second") {
		t.Errorf("woken is %s", k)
	}
	expect("who gave up leaves no gap", key("small", "second"), "")
}
