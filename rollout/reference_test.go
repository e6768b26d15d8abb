package rollout

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// nobody is the subject of the texts in the reference: capital letters stand for
// names and for texts of others.
var nobody = Plan{
	Subject: Subject{Name: "NAME", Namespace: "NAMESPACE", Target: "TARGET", Kind: "Deployment", Metrics: "PROVIDER"},
	Routes:  true, Strategy: Canary, Threshold: 3,
	Steps: []Step{{}, {Route: Split(Percent(10)), Enter: Advance}},
}

// looks is a plan of iterations, with its traffic mirrored at first.
func looks(steps ...Step) Plan {
	p := nobody
	p.Strategy, p.Steps = BlueGreen, append([]Step{{}}, steps...)
	return p
}

// A saying is one text and when it is heard.
type saying struct {
	when    string
	reports []Report
}

func one(when string, r Report) saying { return saying{when, []Report{r}} }

// The reference of the events has every text of words.go, as words.go makes it.
func TestReferenceOfEvents(t *testing.T) {
	var page strings.Builder
	page.WriteString(eventsAbove)
	var texts strings.Builder
	for _, chapter := range []struct {
		title   string
		sayings []saying
	}{
		{"The start", beginnings()}, {"Steps of a release", courses()}, {"Hooks and gates", hooked()},
		{"Checks", measured()}, {"The end of a release", endings()}, {"What people ask for", asked()},
	} {
		fmt.Fprintf(&page, "\n## %s\n\n| Type | Text | When |\n|---|---|---|\n", chapter.title)
		for _, s := range chapter.sayings {
			if len(s.reports) == 0 {
				t.Errorf("%s: nothing is said", s.when)
			}
			for _, r := range s.reports {
				texts.WriteString(r.Message + "\n")
				fmt.Fprintf(&page, "| %s | `%s` | %s |\n", loudness(r.Level), r.Message, s.when)
			}
		}
	}
	page.WriteString(eventsBelow)
	for _, words := range fixedWords(t, "words.go") {
		if !strings.Contains(texts.String(), words) {
			t.Errorf("words.go says %q, and no text of the reference has it: add its report to this test", words)
		}
	}
	sameOnDisk(t, filepath.Join("..", "docs", "reference", "events.md"), page.String())
}

// sameOnDisk is internal/golden, of which this package's tests have the flag only.
func sameOnDisk(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; run the test with -update if this is meant. Got:\n%s", path, got)
	}
}

func loudness(l Level) string {
	switch l {
	case Info:
		return "Normal"
	case Warn:
		return "Warning"
	case Error:
		return "Warning, logged as error"
	}
	return "Warning"
}

// fixedWords are the parts of the texts in a file that are always the same.
func fixedWords(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	gaps := regexp.MustCompile(`%(\.\d+)?[a-z]|%%`)
	var all []string
	ast.Inspect(file, func(node ast.Node) bool {
		if _, is := node.(*ast.ImportSpec); is {
			return false
		}
		literal, is := node.(*ast.BasicLit)
		if !is || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range gaps.Split(text, -1) {
			if part = strings.TrimSpace(part); len(part) > 1 {
				all = append(all, part)
			}
		}
		return true
	})
	return all
}

func beginnings() []saying {
	return []saying{
		one("the primary is being made and the metrics backends answer", online(Answer{Verdict: Pass})),
		one("they do not; initialization goes on", online(Answer{Findings: []Finding{{Err: "ERROR"}}})),
		one("the same, without an answer yet to show", online(Answer{})),
		one("the primary serves", initialized(nobody)),
		one("the primary did not become ready in time; REASON is that of its pods", initializationFailed(nobody, "REASON")),
		one("the same, and the workload said nothing", initializationFailed(nobody, "")),
		one("the primary is ready, and the route was not taken; REASON is what its status says", initializationFailed(nobody, Unrouted("REASON"))),
		one("`spec.suspend` became true", suspended()),
	}
}

func courses() []saying {
	iterations := looks(Step{Enter: Advance}, Step{Enter: Advance})
	mirrored := looks(Step{Route: Route{Primary: Full, Mirror: Full}, Enter: Advance}, Step{Enter: Switch})
	return []saying{
		one("the workload asks for something else than what was promoted", detected(nobody)),
		one("it does so again while a release is under way", restarted(nobody)),
		one("it does so after a failed promotion; the primary gets the revision first", repairing(nobody)),
		one("the limits of `-max-releases` are reached; WHY names which", queued(nobody, "WHY")),
		one("the canary is ready", starting(nobody)),
		{"a weighted step begins", entered(nobody, 1)},
		{"an iteration begins (blue/green, A/B)", entered(iterations, 1)},
		{"blue/green: the looks passed", entered(looks(Step{Enter: Switch}), 1)},
		{"the same, after mirroring", entered(mirrored, 2)},
		{"`analysis.bake` begins", entered(looks(Step{Enter: Bake}), 1)},
		one("a step that is smaller takes its place, as the analysis was edited under the release", eased(nobody, Percent(40), Percent(30))),
		one("the canary is good, the primary takes the revision over", copying(nobody)),
		one("`stepWeightPromotion`: traffic goes back step by step", backedOff(nobody, Split(Percent(40)))),
		{"the primary runs the revision", routedHome(nobody)},
	}
}

func hooked() []saying {
	hook := func(probe Probe, verdict Verdict) []Report {
		return hooks(nobody, probe, Answer{Verdict: verdict, Findings: []Finding{{Name: "HOOK", Verdict: verdict, Err: "ERROR"}}})
	}
	var all []saying
	for _, probe := range []Probe{ConfirmRollout, PreRollout, ConfirmTrafficIncrease, ConfirmPromotion, PostRollout} {
		all = append(all, saying{"a hook of type " + string(probe) + " agreed", hook(probe, Pass)})
		all = append(all, saying{"it did not", hook(probe, Fail)})
	}
	return append(all,
		saying{"a hook of type rollout said no; it counts as a failed check", hook(Checks, Fail)},
		one("a stage of `analysis.steps` has this `pause`", awaiting(nobody, "PAUSE")))
}

func measured() []saying {
	broke := func(source Source, bound Bound, limit float64) Report {
		return outOfRange(nobody, Finding{Source: source, Name: "METRIC", Bound: bound, Value: 97.2, Limit: limit})
	}
	unknown := func(source Source, noData bool) Report {
		return unanswered(nobody, Finding{Source: source, Name: "METRIC", NoData: noData, Err: "ERROR"})
	}
	const counts, holds = "a value broke its limit; it counts as a failed check", "the query has no data; nothing counts, the release holds"
	const down = "the server did not answer, or refused the query; nothing counts"
	return []saying{
		one(counts, broke(FromSuccessRate, BelowMin, 99)),
		one(counts, broke(FromDuration, AboveMax, 50)),
		one(counts, broke(FromTemplate, AboveMax, 50)),
		one(holds, unknown(FromSuccessRate, true)),
		one(holds, unknown(FromDuration, true)),
		one(holds, unknown(FromQuery, true)),
		one(holds, unknown(FromTemplate, true)),
		one(down, unknown(FromSuccessRate, false)),
		one(down, unknown(FromQuery, false)),
		one(down, unknown(FromTemplate, false)),
	}
}

func endings() []saying {
	return []saying{
		one("the release is done", promoted(nobody, false)),
		one("the release is done, without its analysis", promoted(nobody, true)),
		one("the workload went back to what is promoted", cancelled(nobody)),
		one("as many checks failed as `threshold` allows", thresholdReached(nobody, 3)),
		one("a step lasted longer than `progressDeadlineSeconds`; REASON says for what", deadlineExceeded(nobody, "REASON")),
		one("the canary had traffic and lost all its pods; it counts, and the ramp starts again", lost(nobody, "REASON")),
		{"a rollback hook said yes", rollbackHook(nobody, Answer{Findings: []Finding{{Name: "HOOK", Verdict: Pass}}})},
		one("the release is undone", failed(nobody, OnPrimary)),
		one("it is not good, and there is nobody else to serve", failed(nobody, OnCanary)),
		one("the primary did not start with the new revision; who is healthy serves", promotionFailed(nobody, "REASON")),
		one("the Canary is being deleted with `revertOnDeletion`", terminating(nobody)),
		one("the same: the workload's own pods are not ready", notGivenBack(nobody, "REASON")),
		one("the same: the workload has its traffic back", terminated(nobody)),
	}
}

func asked() []saying {
	all := make([]saying, 0, 10)
	for _, verb := range []Verb{Abort, Undo, Deny, Promote, Pause, Resume, Approve, Retry} {
		all = append(all, one("`serin.dev/"+string(verb)+"` was followed",
			granted(nobody, Wish{Verb: verb, Name: "GATE", By: "WHO", Why: "WHY"})))
	}
	return append(all,
		one("nobody is known who asked", granted(nobody, Wish{Verb: Pause})),
		one("it could not be followed", refused(nobody, Wish{Verb: Abort, By: "WHO"}, "CAUSE")))
}

const eventsAbove = "# Events\n\nOn the Canary, with reason `Synced` and source `flagger`. The same text is the `msg` of a log line, and goes to event webhooks.\n" +
	"Each is said once in a transition. Capital letters stand for names, and for the texts of hooks, servers and Kubernetes; numbers\n" +
	"are examples. What to do is in the [runbook](../runbook.md).\n\n" +
	"Generated by saying each of them: `go test ./rollout -update`.\n"

// eventsBelow are the remarks that are not words of this package: those of the
// controller, of plans and of workloads. docs_test.go compares them with the sources.
const eventsBelow = "\n## What stands in the way, and other remarks\n\n| Type | Text | When |\n|---|---|---|\n" +
	"| Warning | `invalid canary spec: ERRORS` | the spec cannot be worked with; see the condition Accepted |\n" +
	"| Warning | `KIND TARGET.NAMESPACE not found` | the target, or the Service of a side, is not there |\n" +
	"| Warning | `KIND TARGET.NAMESPACE selects its pods by none of the labels LABELS: add one to spec.selector.matchLabels, or name its own in -selector-labels` | the sides could not be told apart |\n" +
	"| Warning | `KIND TARGET.NAMESPACE has FIELD, CONSEQUENCE: REMEDY` | a DaemonSet or StatefulSet that cannot be released safely ([targets](../targets.md)) |\n" +
	"| Warning | `KIND NAME.NAMESPACE not found, and the pods of TARGET.NAMESPACE do not start without it: create it, or make the reference optional` | a ConfigMap or Secret is missing |\n" +
	"| Warning | `the operator may not read KIND, which the provider needs; allow it to get, list and watch them (the chart's role does): ERROR` | the first Canary with this provider was looked at; it is tried again |\n" +
	"| Warning | `KIND NAME.NAMESPACE cannot be read, and no revision of TARGET.NAMESPACE is known without it: ERROR` | a ConfigMap or Secret is there, and the API server does not show it; it is tried again |\n" +
	"| Warning | `set the finalizers of Canary NAME.NAMESPACE: ERROR` | `revertOnDeletion`: the API server takes the finalizer neither on nor off; it is tried again |\n" +
	"| Warning | `KIND NAME.NAMESPACE not found: create it, or remove spec.autoscalerRef` | the autoscaler is missing |\n" +
	"| Warning | `canary deployment TARGET.NAMESPACE not ready: CAUSE` | pods of the new version are not ready; `canary statefulset`, `canary damonset` (as Flagger spells it) for the other kinds |\n" +
	"| Warning | `TARGET-primary.NAMESPACE not ready: CAUSE` | the primary's are not; with `primary daemonset` before it for that kind |\n" +
	"| Warning | `Knative Service NAME.NAMESPACE has no Revision yet` | Knative has not looked at it |\n" +
	"| Warning | `Knative Revision NAME.NAMESPACE is not ready: CAUSE` | the Revision of a side is not ready; the cause is Knative's |\n" +
	"| Warning | `pin Knative Revision NAME.NAMESPACE: it was deleted; delete the Canary and create it again to begin with the latest one` | the promoted Revision is gone |\n" +
	"| Warning | `apply OBJECT: ERROR` | the API server did not take an object; `scale`, `patch`, `drop`, `list`, `take over the fields of` are others. It is tried again |\n" +
	"| Warning | `give back OBJECT: ERROR` | a route of yours could not be left as it was; it is tried again |\n" +
	"| Warning | `render OBJECT: ERROR` | an object cannot be made from what is there; the text has the remedy |\n" +
	"| Warning | `KIND NAME.NAMESPACE is in the way of a copy of NAME: it has no label serin.dev/config-copy; rename or delete it` | an object of somebody else has the name of a copy |\n" +
	"| Warning | `KIND NAME.NAMESPACE was changed by somebody else in FIELDS: set back` | an object was edited by hand or by a tool; the weights of the release did not move |\n" +
	"| Warning | `KIND NAME.NAMESPACE was deleted by somebody else: made again` | the same |\n" +
	"| Warning | `KIND NAME.NAMESPACE belongs to another Canary: give spec.service.name another value, or delete that Canary` | two Canaries want one route |\n" +
	"| Normal | `N of M pods behind NAME.NAMESPACE are of the canary: X of the traffic instead of Y` | provider kubernetes: the pods are too few to come closer |\n" +
	"| Normal | `KIND NAME has changed` | a ConfigMap or Secret has new content: the workload has a new revision |\n" +
	"| Normal | `KIND NAME synced` | its copy for the primary was made |\n" +
	"| Warning | `Metric template NAME.NAMESPACE error: ERROR` | a MetricTemplate is missing or invalid; `secret NAME error`, `provider NAME error`, `query render error` say what of it. Logged as error |\n" +
	"| Warning | `can't access metric template NAME.NAMESPACE, cross-namespace references are blocked` | `-no-cross-namespace-refs` is set. Logged as error |\n" +
	"| Warning | `Metric query failed for no usable metrics template and query were configured` | a metric is neither built in, nor has a query or a template. Logged as error |\n" +
	"| Warning | `Error building Prometheus client for URL ERROR` | `spec.metricsServer` or `-metrics-server` is no URL. Logged as error |\n" +
	"| Warning | `Analysis interval \"TEXT\" is not a duration such as 30s, using DURATION` | a release starts |\n" +
	"| Warning | `A/B testing is not supported when using the PROVIDER provider` | the same: all traffic is switched at once |\n" +
	"| Warning | `Progressive traffic is not supported when using the PROVIDER provider` | the same: blue/green instead |\n" +
	"| Warning | `Setting canaryAnalysis.iterations: 10` | the same |\n" +
	"| Warning | `spec.service.FIELD has no effect with the provider PROVIDER` | the same |\n" +
	"| Warning | `Session affinity without primaryCookieName moves ever more users to the canary, whatever its weight; set sessionAffinity.primaryCookieName` | the same; `; the provider PROVIDER knows no cookie for the primary` where that does not help |\n"
