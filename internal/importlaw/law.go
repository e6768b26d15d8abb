package importlaw

import "slices"

// Module is the path every package of Serin begins with, the lab included.
const Module = "github.com/serinhq/serin"

// Std stands for the whole standard library where a path is expected.
const Std = "std"

// A Law is one sentence about imports. Paths hold for themselves and for what
// is below them; inside Serin they are written without the module's path.
type Law struct {
	Why  string   // the sentence, shown with each breach
	Of   []string // the packages it binds; empty for all
	Save []string // the packages it does not bind
	Only []string // all that may be imported; empty for anything

	// Never lists what must not be imported: a path, or a path and a name in
	// it, such as time.Sleep. Even lists exceptions to Never.
	Never, Even []string

	Tests  bool   // whether test files are bound too
	Unless string // a file that imports this path is not bound
}

// pure is what arithmetic has no use for: the world outside, other goroutines
// and chance. Time is there as a value, the clock is not.
var pure = []string{
	"bufio", "context", "crypto/rand", "database", "io", "log", "math/rand", "net", "os",
	"path/filepath", "plugin", "reflect", "runtime", "sync", "syscall", "testing", "unsafe",
}

var clock = []string{"time.Now", "time.Since", "time.Until"}

var sleep = []string{"time.Sleep", "time.After", "time.Tick", "time.AfterFunc"}

// client is what talks to a Kubernetes API. Apply configurations are plain
// structs that happen to live in the client's module.
var client = []string{"k8s.io/client-go", "sigs.k8s.io/controller-runtime"}

// Laws of this code base. The order is that of docs/architecture.md.
var Laws = slices.Concat(shape, strangers("router", "metric", "hook", "notify"))

var shape = []Law{{
	Why:  "the core decides with the standard library only",
	Of:   []string{"rollout"},
	Only: []string{Std},
}, {
	Why:   "the core is arithmetic: no I/O, no goroutine, no clock, no chance",
	Of:    []string{"rollout", "judge"},
	Never: slices.Concat(pure, clock, sleep),
}, {
	Why:  "the judge knows samples and the core's words, nothing else",
	Of:   []string{"judge"},
	Only: []string{Std, "rollout"},
}, {
	Why:  "words follow from a Canary, its plan and a time",
	Of:   []string{"explain"},
	Only: []string{Std, "api", "rollout", "k8s.io/apimachinery"},
}, {
	Why:   "words are arithmetic: no I/O, no goroutine, no clock, no chance",
	Of:    []string{"explain"},
	Never: slices.Concat(pure, clock, sleep),
}, {
	Why:   "renderers compute objects; the shell applies them",
	Of:    []string{"router", "workload"},
	Never: slices.Concat([]string{"net/http", "os", "log"}, clock, sleep),
}, {
	Why:   "routes lead to workloads; a workload knows nothing of its routes",
	Of:    []string{"workload"},
	Never: []string{"router", "metric", "hook", "notify"},
}, {
	Why:   "a Kubernetes client belongs to the shell",
	Save:  []string{"controller", "cmd", "integration", "lab"},
	Never: client,
	Even:  []string{"k8s.io/client-go/applyconfigurations"},
	Tests: true,
}, {
	Why: "a fake API answers what we hoped; use the integration tier",
	Never: []string{
		"k8s.io/client-go/kubernetes/fake", "k8s.io/client-go/dynamic/fake", "k8s.io/client-go/testing",
		"sigs.k8s.io/controller-runtime/pkg/client/fake",
	},
	Tests: true,
}, {
	Why:   "imports point to the core, never back to the shell",
	Save:  []string{"cmd", "controller", "integration"},
	Never: []string{"controller"},
	Tests: true,
}, {
	Why:   "nothing but a command is made of commands",
	Save:  []string{"cmd"},
	Never: []string{"cmd"},
}, {
	Why:   "nothing stands on the lab but tests",
	Save:  []string{"lab", "integration"},
	Never: []string{"lab"},
}, {
	Why:    "nobody sleeps: wait for a condition with a deadline, or set the next timer",
	Never:  []string{"time.Sleep"},
	Tests:  true,
	Unless: "testing/synctest", // there time is only a number
}, {
	Why:   "logs are structured and have an owner",
	Save:  []string{"lab", "cmd"},
	Never: []string{"log.Print", "log.Printf", "log.Println", "log.Fatal", "log.Fatalf", "log.Panic", "log.Default"},
}}

// strangers returns the laws that keep the given packages from knowing each
// other, so that one provider can be read, tested and replaced by itself.
func strangers(packages ...string) []Law {
	var laws []Law
	for i, one := range packages {
		laws = append(laws, Law{
			Why:   "providers do not know each other",
			Of:    []string{one},
			Never: slices.Concat(packages[:i], packages[i+1:]),
		})
	}
	return laws
}
