package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/priority"
	"github.com/serinhq/serin/lab/traffic"
)

// A player plays one story. Everything it knows changes in attend, in one goroutine.
type player struct {
	story   Story
	site    Site
	cluster *cluster
	screen  screen

	facts  <-chan fact
	settle *time.Timer // fires when the current step has settled
	load   *traffic.Load

	began  time.Time
	course *course
	status Status
	events []happening // the newest few
	rows   []Row
}

// lingering is how long an act is watched after its verdict: longer than the last answers
// of an undone release may take, and whole seconds beyond for the look at who answers.
const lingering = 4 * time.Second

// play plays all acts and returns their rows, up to the one that was given up.
func (p *player) play(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.settle = time.NewTimer(time.Hour)
	p.settle.Stop()
	if err := priority.Raise(); err != nil {
		return err
	}
	p.began = time.Now()
	if err := p.cluster.apply(ctx, p.site.Serin.Objects); err != nil {
		return err
	}
	facts, err := p.cluster.follow(ctx)
	if err != nil {
		return err
	}
	p.facts = facts
	defer func() {
		if p.load != nil {
			cancel() // answers under way are of no more interest
			<-p.load.Done()
		}
	}()
	for i := range p.story.Acts {
		if err := p.act(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) act(ctx context.Context, i int) error {
	act := p.story.Acts[i]
	var mark func() *traffic.Span
	if p.load != nil {
		mark = p.load.Mark
	}
	p.course = begin(act, p.status, mark, time.Now())
	err := p.perform(ctx, i)
	row := p.course.row(p.home())
	row.Err = err
	p.rows = append(p.rows, row)
	return err
}

// perform applies the act's release and stays until its verdict, and a little longer.
func (p *player) perform(ctx context.Context, i int) error {
	act := p.story.Acts[i]
	if err := p.present(ctx, i); err != nil {
		return err
	}
	limit := time.NewTimer(act.Expect.Within)
	defer limit.Stop()
	err := p.attend(ctx, limit.C, func() bool { return !p.course.verdict.IsZero() })
	if errors.Is(err, errLate) {
		return fmt.Errorf("%w of %s: expected phase %s, seen %s", err, act.Expect.Within, act.Expect.Phase, p.seen())
	}
	if err != nil {
		return err
	}
	if p.load == nil {
		if err := p.startLoad(ctx); err != nil {
			return err
		}
	}
	end := time.Now().Add(lingering)
	return p.attend(ctx, nil, func() bool { return time.Now().After(end) })
}

func (p *player) present(ctx context.Context, i int) error {
	if i > 0 {
		return p.cluster.release(ctx, p.story.Acts[i].Release)
	}
	manifest, err := p.story.Manifest(p.site)
	if err != nil {
		return err
	}
	objects, err := parse(manifest)
	if err != nil {
		return err
	}
	return p.cluster.apply(ctx, objects)
}

// startLoad waits until the first release answers through the gateway and begins the load.
func (p *player) startLoad(ctx context.Context) error {
	// Far longer than the story: the load ends with it.
	const longest, firstAnswer = 30 * time.Minute, 20 * time.Second
	config := p.story.Load(p.site, longest)
	err := await.Condition(ctx, firstAnswer, "wait for an answer through the gateway", func(ctx context.Context) error {
		_, err := traffic.Ask(ctx, config)
		return err
	})
	if err != nil {
		return err
	}
	if p.load, err = traffic.Start(ctx, config); err != nil {
		return err
	}
	p.course.mark = p.load.Mark
	p.course.cut()
	return nil
}

var errLate = errors.New("past its deadline")

// attend takes in facts and shows the view until it is over, or limit fires.
func (p *player) attend(ctx context.Context, limit <-chan time.Time, over func() bool) error {
	const pace = 250 * time.Millisecond // between two pictures
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for !over() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit:
			return errLate
		case f := <-p.facts:
			if f.err != nil {
				return f.err
			}
			p.learn(f)
		case <-p.settle.C:
			p.course.settled()
		case <-ticker.C:
		}
		if err := p.screen.show(p.view(time.Now())); err != nil {
			return fmt.Errorf("write the screen: %w", err)
		}
	}
	return nil
}

func (p *player) learn(f fact) {
	const keep = 20
	if f.event != nil {
		p.events = append(p.events, *f.event)
		p.events = p.events[max(0, len(p.events)-keep):]
	}
	if f.status != nil {
		p.status = *f.status
		if p.course.see(p.status, f.at) {
			p.settle.Reset(settling)
		}
	}
}

func (p *player) seen() string {
	text := fmt.Sprintf("phase %s, weight %d, failed checks %d", orNone(string(p.status.Phase)), p.status.Weight, p.status.FailedChecks)
	if event := p.event(); event.Message != "" {
		text += fmt.Sprintf(", newest event %q", event.Message)
	}
	return text
}

func (p *player) event() happening {
	if len(p.events) == 0 {
		return happening{}
	}
	return p.events[len(p.events)-1]
}

// home is the share of the newest answers that the version which should have them all has.
func (p *player) home() float64 {
	if p.load == nil {
		return 0
	}
	return p.load.Recent(1).Share(p.course.act.Expect.Home)
}

func (p *player) view(now time.Time) View {
	act := p.course.act
	v := View{
		Act: len(p.rows) + 1, Acts: len(p.story.Acts), Title: act.Name + ", " + act.Release.Version,
		Elapsed: now.Sub(p.began), Phase: p.status.Phase, Asked: p.course.asked(),
		Event: p.event().Message, Warning: p.event().Type == "Warning", Done: p.rows,
	}
	if p.load == nil {
		return v
	}
	const window = 3 // seconds; shorter would tremble, longer would lag behind
	recent := p.load.Recent(window)
	latency := recent.Latency()
	v.Traffic = recent.Answered()+recent.Failed() > 0
	v.Success, v.P99 = recent.Success(), latency.Quantile(0.99)
	v.Rate, v.Failed = p.load.Recent(1).Answered(), p.course.tally().Failed()
	v.Measured = recent.Share(act.Release.Version)
	if step := p.course.step(); step != nil {
		if share, ok := p.course.share(step.span); ok {
			v.Measured = share
		}
	}
	return v
}

// explain writes what helps to understand why an act was given up.
func (p *player) explain(ctx context.Context, out io.Writer) error {
	var text strings.Builder
	text.WriteString("\nnewest events:\n")
	for _, event := range p.events {
		fmt.Fprintf(&text, "  %-8s %s\n", event.Type, event.Message)
	}
	const lines = 20
	log, err := p.cluster.logs(ctx, p.site.Serin, lines)
	if err != nil {
		log = err.Error() + "\n"
	}
	text.WriteString("\nlast words of the operator:\n" + log)
	_, err = io.WriteString(out, text.String())
	return err
}
