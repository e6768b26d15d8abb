package demo

import (
	"time"

	"github.com/serinhq/serin/lab/traffic"
)

// Status is what the story reads of a Canary's status.
type Status struct {
	Phase        Phase  `json:"phase"`
	Weight       int    `json:"canaryWeight"`
	FailedChecks int    `json:"failedChecks"`
	Applied      string `json:"lastAppliedSpec"` // the revision acted on last
}

// settling is how long a new weight is given before its share is measured: status is
// written before routes are, and the gateway needs a moment to follow.
const settling = time.Second

// A course is how one act goes: the statuses that were seen, and the traffic meanwhile.
type course struct {
	act    Act
	mark   func() *traffic.Span // begins a new span
	began  time.Time
	before string // revision acted on when the act began

	status  Status
	verdict time.Time
	steps   []measure
	spans   []*traffic.Span // all of the act, in order
}

// A measure is a step with the traffic of its settled part.
type measure struct {
	asked   int
	span    *traffic.Span // nil until the step has settled
	current bool
}

func begin(act Act, before Status, mark func() *traffic.Span, now time.Time) *course {
	c := &course{act: act, mark: mark, began: now, before: before.Applied, status: before}
	c.cut()
	return c
}

// cut begins a span of the act. Before the first release there is no traffic to mark.
func (c *course) cut() *traffic.Span {
	if c.mark == nil {
		return nil
	}
	span := c.mark()
	c.spans = append(c.spans, span)
	return span
}

// see takes in a status and reports whether a step has begun, which settled must be told
// of when it has.
func (c *course) see(status Status, now time.Time) bool {
	last := c.status
	c.status = status
	if !c.verdict.IsZero() {
		return false
	}
	if c.over() {
		c.verdict = now
	}
	weighted := status.Phase == "Progressing" && status.Weight > 0
	if weighted && last.Phase == status.Phase && last.Weight == status.Weight {
		return false // something else has changed
	}
	c.leave()
	if weighted {
		c.steps = append(c.steps, measure{asked: status.Weight, current: true})
	}
	return weighted
}

// over: a phase that ends an act counts only for the revision of the act. At its
// beginning the status still tells of the one before.
func (c *course) over() bool { return c.status.Phase.ends() && c.status.Applied != c.before }

// leave ends the measuring of the current step.
func (c *course) leave() {
	step := c.step()
	if step == nil {
		return
	}
	step.current = false
	if step.span != nil {
		c.cut()
	}
}

// settled begins to measure the current step.
func (c *course) settled() {
	if step := c.step(); step != nil && step.span == nil {
		step.span = c.cut()
	}
}

// step is the current one, nil between steps.
func (c *course) step() *measure {
	if n := len(c.steps); n > 0 && c.steps[n-1].current {
		return &c.steps[n-1]
	}
	return nil
}

// asked is the part of the requests that the release of the act should get, in percent:
// the weight, and all of them once it is the primary.
func (c *course) asked() int {
	switch c.status.Phase {
	case "Finalising", Initialized, Succeeded:
		if c.status.Applied != c.before {
			return 100
		}
	case Failed:
	}
	return c.status.Weight
}

// share that the release of the act has of the span, and whether enough was sent in it to
// say so.
func (c *course) share(span *traffic.Span) (float64, bool) {
	const least = 100
	if span == nil {
		return 0, false
	}
	tally := span.Tally()
	return tally.Share(c.act.Release.Version), tally.Answered() >= least
}

// tally of all traffic of the act so far.
func (c *course) tally() traffic.Tally {
	var sum traffic.Tally
	for _, span := range c.spans {
		sum = sum.Plus(span.Tally())
	}
	return sum
}

// row is what the table says of the act; home is the share that the expected version had
// of the newest answers, in percent.
func (c *course) row(home float64) Row {
	tally := c.tally()
	r := Row{
		Act: c.act, Phase: c.status.Phase, Home: home,
		Sent: tally.Sent, Unsent: tally.Unsent, Failed: tally.Failed(), Lost: tally.Lost,
	}
	if !c.verdict.IsZero() {
		r.Took = c.verdict.Sub(c.began)
	}
	for _, step := range c.steps {
		share, measured := c.share(step.span)
		r.Steps = append(r.Steps, Step{Asked: step.asked, Share: share, Measured: measured})
	}
	answers := tally.Releases[c.act.Release.Version]
	r.Answers = answers.Total
	if c.act.Expect.Phase == Failed && answers.Total > 0 {
		r.Exposed = answers.Last.Sub(answers.First)
		if !c.verdict.IsZero() {
			r.Back = answers.Last.Sub(c.verdict)
		}
	}
	return r
}
