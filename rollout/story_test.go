package rollout

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the stories with what happens now")

// A story is a release as text. Lines that begin with a verb are told, all
// others are what follows and are compared:
//
//	plan NAME            one of the tales; under a release, as if it was edited
//	see KEY=VALUE ...    the world changes, and the release moves until it stops
//
// Keys: target, copied, primary and canary (ready, rolling, down, dead), routed
// and parked (yes, no), suspend (yes, no), after (time that passes), and the
// name of a probe with its verdict (pass, fail, unknown, nodata); ask (a verb, or
// verb:gate, once), queued (a reason, or no) and deleted (yes). Verdicts hold
// for one look; everything else lasts. "copied=want" makes the primary follow.
func TestStories(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.story")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".story"), func(t *testing.T) {
			told, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := retell(t, string(told))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(told) {
				t.Errorf("the story goes differently now (go test ./rollout -update, then read it):\n%s", got)
			}
		})
	}
}

type teller struct {
	plan  Plan
	state State
	seen  Observation
	said  map[string]bool // in the current state
	out   strings.Builder
}

func retell(t *testing.T, told string) string {
	t.Helper()
	s := teller{said: map[string]bool{}, seen: Observation{Now: epoch}}
	for _, line := range strings.Split(strings.TrimRight(told, "\n"), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
		case words[0] == "plan":
			s.plan = tales()[strings.Join(words[1:], " ")]
			if s.plan.Steps == nil {
				t.Fatalf("no plan in %q", line)
			}
		case words[0] == "see":
			for _, word := range words[1:] {
				key, value, _ := strings.Cut(word, "=")
				if err := s.change(key, value); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
		default:
			continue
		}
		s.out.WriteString(line + "\n")
		if len(words) > 0 && words[0] == "see" {
			s.move(t)
		}
	}
	return s.out.String()
}

func (s *teller) change(key, value string) (err error) {
	healths := map[string]Health{
		"ready":   {Ready: true, Serving: true},
		"rolling": {Serving: true, Reason: "waiting for rollout to finish: 1 of 2 updated replicas are available"},
		"down":    {Reason: "waiting for rollout to finish: 0 of 2 updated replicas are available"},
		"dead":    {Dead: true, Reason: `deployment "podinfo" exceeded its progress deadline`},
	}
	switch key {
	case "target":
		s.seen.Target = Revision(value)
	case "copied":
		s.seen.Copied = Revision(value)
		if value == "want" {
			s.seen.Copied = Want(s.plan, s.state).Primary
		}
	case "primary":
		s.seen.Primary = healths[value]
	case "canary":
		s.seen.Canary = healths[value]
	case "routed":
		s.seen.Routed = value == "yes"
	case "parked":
		s.seen.Parked = value == "yes"
	case "ask":
		verb, gate, _ := strings.Cut(value, ":")
		s.seen.Wishes = []Wish{{Verb: Verb(verb), Revision: s.state.Revision, Gate: Probe(gate), By: "alice", Why: "why not"}}
		if gate == "legal" {
			s.seen.Wishes[0].Gate, s.seen.Wishes[0].Name = Approval, gate
		}
	case "queued":
		s.seen.Queued = strings.TrimPrefix(value, "no")
	case "deleted":
		s.seen.Deleted = value == "yes"
	case "suspend":
		s.plan.Suspend = value == "yes"
	case "after":
		d, err := time.ParseDuration(value)
		if err != nil {
			return err
		}
		s.seen.Now = s.seen.Now.Add(d)
	default:
		return s.answer(Probe(key), value)
	}
	return nil
}

func (s *teller) answer(probe Probe, value string) error {
	verdicts := map[string]Verdict{"pass": Pass, "fail": Fail, "unknown": Unknown, "nodata": Unknown}
	verdict, ok := verdicts[value]
	if !ok {
		return fmt.Errorf("no verdict %q", value)
	}
	f := Finding{Source: FromHook, Name: "gate", Verdict: verdict, Err: "denied"}
	if probe == Checks {
		f = Finding{Source: FromSuccessRate, Name: "request-success-rate", Verdict: verdict,
			Value: 69.17, Limit: 99, Bound: BelowMin, NoData: value == "nodata", Err: "no values found"}
		if value == "unknown" {
			f.Err = "request failed: connection refused"
		}
	}
	if s.seen.Answers == nil {
		s.seen.Answers = map[Probe]Answer{}
	}
	s.seen.Answers[probe] = Answer{Verdict: verdict, Findings: []Finding{f}}
	return nil
}

// move decides until nothing changes. An answer is used up by the transition
// it causes, as in the shell, where it is keyed by the step.
func (s *teller) move(t *testing.T) {
	t.Helper()
	for range 20 {
		next, reports := Next(s.plan, s.state, s.seen)
		s.seen.Wishes = nil // heard
		for _, r := range reports {
			if !s.said[r.Message] {
				s.said[r.Message] = true
				fmt.Fprintf(&s.out, "  %-7s %s\n", [...]string{"Normal", "Warning", "Error"}[r.Level], r.Message)
			}
		}
		if next == s.state {
			s.seen.Answers = nil
			return
		}
		before := s.state
		before.Phase = next.Phase
		if next != before {
			s.seen.Answers = nil
		}
		s.state, s.said = next, map[string]bool{}
		s.describe()
	}
	t.Fatalf("the release never stops moving: %+v", s.state)
}

func (s *teller) describe() {
	want := Want(s.plan, s.state)
	r := want.Route
	line := fmt.Sprintf("  %s step %d, failures %d: route %s/%s", s.state.Phase, s.state.Step, s.state.Failures, percent(r.Primary), percent(r.Canary))
	if r.Mirror > 0 {
		line += " mirror " + percent(r.Mirror)
	}
	if r.Match {
		line += " for matching requests"
	}
	if !want.Expose {
		line += " (not exposed)"
	}
	line += ", canary " + [...]string{"as it is", "up", "to zero"}[want.Canary]
	if want.Primary != "" {
		line += ", primary " + string(want.Primary)
	}
	line += [...]string{"", ", apex named", ", given back", ", left alone"}[want.Release]
	if s.state.Held {
		line += ", paused"
	}
	s.out.WriteString(line + "\n")
}
