package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/demo"
	"github.com/serinhq/serin/lab/traffic"
)

// A site under test, seen through kubectl.
type site struct {
	*testing.T
	demo.Site
}

func (s site) kubectl(input string, args ...string) string {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), s.Kubectl, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.Kubeconfig)
	cmd.Stdin = strings.NewReader(input)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		s.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, problem.String())
	}
	return out.String()
}

// install puts Serin and the story's first release on the site.
func (s site) install(story demo.Story) {
	s.Helper()
	s.operator()
	manifest, err := story.Manifest(s.Site)
	if err != nil {
		s.Fatal(err)
	}
	s.kubectl(string(manifest), "apply", "--server-side", "-f", "-")
}

// operator puts Serin on the site.
func (s site) operator() {
	s.Helper()
	for _, object := range s.Serin.Objects {
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			s.Fatal(err)
		}
		s.kubectl(string(text), "apply", "--server-side", "-f", "-")
		if object.GetKind() == "CustomResourceDefinition" {
			s.serves(object.GetName())
		}
	}
}

// serves waits until the kind of a CustomResourceDefinition is served. It asks again and
// again: `kubectl wait` ends with an error where there is no list of conditions yet, and a
// watch once showed nothing but "Installing" for a minute, on a server that had just started.
// A definition is looked at anew by the server when something changes in it.
func (s site) serves(name string) {
	s.Helper()
	looks := 0
	err := await.Condition(s.Context(), 3*patience, "the kind of "+name, func(context.Context) error {
		const rarely = 20
		if looks++; looks%rarely == 0 {
			s.kubectl("", "annotate", "crd", name, "--overwrite", fmt.Sprintf("example.com/looked-at=%d", looks))
		}
		found := s.kubectl("", "get", "crd", name, "-o", "jsonpath={.status.conditions}")
		var conditions []struct{ Type, Status string }
		if found == "" || json.Unmarshal([]byte(found), &conditions) != nil {
			return fmt.Errorf("conditions %q", found)
		}
		for _, c := range conditions {
			if c.Type == "Established" && c.Status == "True" {
				return nil
			}
		}
		return fmt.Errorf("conditions %s", found)
	})
	if err != nil {
		s.Fatal(err)
	}
}

// release changes the page that the application serves.
func (s site) release(page string) {
	s.Helper()
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"page":%q}}}}}`, page)
	s.kubectl("", "-n", demo.Namespace, "patch", "deployment", "podinfo", "--type=strategic", "--patch", patch)
}

// status is what the tests read of a Canary.
type status struct {
	Phase        string
	CanaryWeight int
	Rollout      struct {
		Step       int
		Transition int
		Pending    []string
	}
}

// follow calls see with each state of an object until it returns true. A watch that ends
// before that, as the API server ends them now and then, begins anew.
func follow[T any](s site, limit time.Duration, resource, name string, see func(T) bool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), limit)
	defer cancel()
	var last T
	var ended error
	for ctx.Err() == nil {
		if ended = s.look(ctx, resource, name, func(d *json.Decoder) (bool, error) {
			var now T // a field that is left out must not keep its last value
			if err := d.Decode(&now); err != nil {
				return false, err
			}
			last = now
			return see(now), nil
		}); ended == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	s.Fatalf("%s %s was not as awaited within %s; last seen %+v (%v)\n%s", resource, name, limit, last, ended, s.story())
}

// look lets kubectl watch an object, and calls see for each state until it is true. The
// error says what kubectl complained of.
func (s site) look(ctx context.Context, resource, name string, see func(*json.Decoder) (bool, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	namespace, name := place(name)
	cmd := exec.CommandContext(ctx, s.Kubectl, "-n", namespace, "get", resource, name, "--watch", "-o", "json")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.Kubeconfig)
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return err
	}
	done := false
	for decoder := json.NewDecoder(out); !done && err == nil; {
		done, err = see(decoder)
	}
	cancel()
	if ended := cmd.Wait(); err != nil { // of one that was ended by us nothing is asked
		return fmt.Errorf("%w, kubectl: %w: %s", err, ended, problem.String())
	}
	return nil
}

// place is the namespace and the name of an object, which is in that of the demo unless its
// name has another before it.
func place(name string) (namespace, plain string) {
	if namespace, plain, found := strings.Cut(name, "/"); found {
		return namespace, plain
	}
	return demo.Namespace, name
}

// story is what helps to understand a failure: the events.
func (s site) story() string {
	return s.kubectl("", "get", "events", "--all-namespaces", "--field-selector=involvedObject.kind=Canary",
		"-o", `jsonpath={range .items[*]}{.metadata.name} {.message}{"\n"}{end}`)
}

// kill ends the operator's process without a word, as kill -9 does, and lets a new pod
// take its place, which must wait for the lease of the dead one.
func (s site) kill() {
	s.Helper()
	pods := strings.Fields(s.kubectl("", "-n", s.Serin.Namespace, "get", "pods", "-l", s.Serin.Selector,
		"--field-selector=status.phase=Running", "-o", "jsonpath={.items[*].metadata.name}"))
	for _, pod := range pods {
		id := s.kubectl("", "-n", s.Serin.Namespace, "get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[0].containerID}")
		_, container, found := strings.Cut(id, "://")
		if !found {
			continue // not started yet
		}
		for _, pid := range processesOf(s.T, container) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				s.Fatalf("kill process %d of container %s: %v", pid, container, err)
			}
		}
		s.kubectl("", "-n", s.Serin.Namespace, "delete", "pod", pod, "--force", "--grace-period=0", "--ignore-not-found")
	}
}

// processesOf finds the processes of a container by their control group.
func processesOf(t *testing.T, container string) []int {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, path := range paths {
		groups, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(groups, []byte(container)) {
			continue // another process, or one that has just ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, pid)
	}
	return found
}

// The operator is killed once in every phase and step of the start and of a release. They
// end as they would have, no step is repeated, no event doubled. Afterwards nothing
// is left to do, and for five minutes the audit log shows no request.
func TestOperatorKilledInEachPhaseAndIdleAfterwards(t *testing.T) {
	story := demo.Tale()
	story.Interval = 10 * time.Second
	s := site{t, raise(t, "e2e-kill")}
	s.install(story)
	s.killInEachStepUntil("Initialized")
	requests := s.load(story)
	s.release("release 2.0.0, pod {{.Title}}\n")
	kills := s.killInEachStepUntil("Succeeded")
	t.Logf("killed %d times during the release", kills)
	if failed := requests().Failed(); failed > 0 {
		t.Errorf("%d requests were answered by no release", failed)
	}

	want := []string{
		"Initialization done! podinfo.demo",
		"New revision detected! Scaling up podinfo.demo",
		"Starting canary analysis for podinfo.demo",
		"Advance podinfo.demo canary weight 10",
		"Advance podinfo.demo canary weight 20",
		"Advance podinfo.demo canary weight 30",
		"Copying podinfo.demo template spec to podinfo-primary.demo",
		"Routing all traffic to primary",
		"Promotion completed! Scaling down podinfo.demo",
	}
	var got []string
	for line := range strings.Lines(s.story()) {
		if _, message, _ := strings.Cut(strings.TrimSpace(line), " "); slices.Contains(want, message) {
			got = append(got, message)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("events\n%q\nwant\n%q", got, want)
	}
	s.idle()
}

// load sends requests, without which there is nothing to judge, until the returned
// function is called, which gives the books of them.
func (s site) load(story demo.Story) func() traffic.Tally {
	s.Helper()
	story.Rate = 100
	const longest = 15 * time.Minute
	return s.flow(story.Load(s.Site, longest))
}

// flow sends requests as configured, once there is an answer, until it is asked for the
// tally.
func (s site) flow(config traffic.Config) func() traffic.Tally {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	err := await.Condition(ctx, patience, "an answer through the gateway", func(ctx context.Context) error {
		_, err := traffic.Ask(ctx, config)
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	load, err := traffic.Start(ctx, config)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { cancel(); <-load.Done() })
	span := load.Mark()
	return func() traffic.Tally {
		tally := span.Tally()
		cancel()
		<-load.Done()
		return tally
	}
}

// killInEachStepUntil kills the operator the first time that a phase and step is seen.
func (s site) killInEachStepUntil(phase string) (kills int) {
	s.Helper()
	seen := map[string]bool{}
	before := ""
	follow(s, 10*time.Minute, "canary", "podinfo", func(c struct{ Status status }) bool {
		now := fmt.Sprintf("%s step %d, pending %v", c.Status.Phase, c.Status.Rollout.Step, c.Status.Rollout.Pending)
		if before == "" {
			before = now // how the last release ended
		}
		if c.Status.Phase == phase && len(c.Status.Rollout.Pending) == 0 && now != before {
			return true
		}
		if now != before && !seen[now] {
			seen[now] = true
			kills++
			s.Logf("kill at %s", now)
			s.kill()
		}
		return false
	})
	return kills
}

// idle looks for requests of the operator in the audit log of five minutes.
func (s site) idle() {
	s.Helper()
	const settle, quiet = 30 * time.Second, 5 * time.Minute
	from := time.Now().Add(settle)
	select {
	case <-time.After(settle + quiet):
	case <-s.Context().Done():
	}
	audit, err := os.Open(s.AuditLog)
	if err != nil {
		s.Fatal(err)
	}
	defer audit.Close()
	requests, renewals := 0, 0
	for lines := bufio.NewReader(audit); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		var entry struct {
			Verb, RequestURI string
			StageTimestamp   time.Time
			User             struct{ Username string }
			ObjectRef        struct{ Resource string }
		}
		mine := json.Unmarshal(line, &entry) == nil && entry.StageTimestamp.After(from) &&
			strings.HasPrefix(entry.User.Username, "system:serviceaccount:"+s.Serin.Namespace+":")
		switch {
		case !mine:
		case entry.Verb == "watch" || entry.ObjectRef.Resource == "leases":
			renewals++
		default:
			requests++
			s.Errorf("with nothing to do: %s %s", entry.Verb, entry.RequestURI)
		}
	}
	if renewals == 0 {
		s.Error("the audit log does not show the operator renewing its lease: it looks at the wrong user")
	}
	s.Logf("%d requests in %s, and %d renewals of leases and watches", requests, quiet, renewals)
}
