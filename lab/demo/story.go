package demo

import (
	"fmt"
	"time"

	"github.com/serinhq/serin/lab/traffic"
)

// Phase is the phase in the status of a Canary.
type Phase string

// The phases at which an act ends.
const (
	Initialized Phase = "Initialized"
	Succeeded   Phase = "Succeeded"
	Failed      Phase = "Failed"
)

// ends reports whether nothing more happens in a phase by itself.
func (p Phase) ends() bool { return p == Initialized || p == Succeeded || p == Failed }

// A Story is what is played: how releases are to be judged, and the releases.
type Story struct {
	Weights   []int         // percent of requests for the new release, step by step
	Interval  time.Duration // a step's length, and the window of its metrics
	Threshold int           // failed checks that undo a release
	Rate      int           // requests a second
	Acts      []Act         // the first one is the start, before there is anything to replace
}

// A Release is one version of the application.
type Release struct {
	Version string
	Page    string // template of the page that every request is answered with
	Delayed bool   // each answer takes as long as slowest says
}

// slowest is the least and the most time that an answer of a delayed release takes.
func slowest() (least, most time.Duration) { return 600 * time.Millisecond, 800 * time.Millisecond }

// An Act is one release and what has to come of it.
type Act struct {
	Name    string
	Release Release
	Expect  Expectation
}

// Expectation is what has to come of an act. That no request fails on its way is
// expected of each.
type Expectation struct {
	Phase   Phase         // in which it ends
	Within  time.Duration // from applying the release to that phase
	Weights []int         // the steps that are seen, all of them and no more
	Points  float64       // how far a measured share may lie from the weight; 0 for not measured
	Home    string        // the version that gives all answers in the end
	Back    time.Duration // from the verdict to the last answer of an undone release
}

// good is a page that shows its release and the pod.
func good(version string) Release {
	return Release{Version: version, Page: "release " + version + ", pod {{.Title}}\n"}
}

// broken answers every request with 500: its page wants a part that does not exist. The
// application puts the reason into the answer, and with it the name of the release.
func broken(version string) Release {
	return Release{Version: version, Page: fmt.Sprintf("{{template %q}}\n", "release "+version+", footer")}
}

func delayed(version string) Release {
	release := good(version)
	release.Delayed = true
	return release
}

// undo is what is expected of a release that is bad from its first answer on: it gets no
// further than the first step.
func (s Story) undo(home string) Expectation {
	return Expectation{
		Phase: Failed, Within: 90 * time.Second, Weights: s.Weights[:1], Home: home, Back: 2 * time.Second,
	}
}

// Tale is the story of the demo. A good release passes in about 75 s: three steps of 20 s
// up to 30 %, because with these the measured shares are sure to lie within two points, see
// traffic.SampleError.
func Tale() Story {
	s := Story{Weights: []int{10, 20, 30}, Interval: 20 * time.Second, Threshold: 1, Rate: traffic.DefaultRate}
	s.Acts = []Act{
		{"the start", good("1.0.0"), Expectation{
			Phase: Initialized, Within: 90 * time.Second, Home: "1.0.0",
		}},
		{"a good release", good("2.0.0"), Expectation{
			Phase: Succeeded, Within: 2 * time.Minute, Weights: s.Weights, Points: 2, Home: "2.0.0",
		}},
		{"a release that answers 500", broken("3.0.0"), s.undo("2.0.0")},
		{"a release that is slow", delayed("4.0.0"), s.undo("2.0.0")},
	}
	return s
}
