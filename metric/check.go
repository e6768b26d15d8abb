package metric

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/serinhq/serin/judge"
	"github.com/serinhq/serin/rollout"
)

// A Definition is one metric of an analysis, ready to be asked.
type Definition struct {
	Name   string         // as the user called it
	Kind   rollout.Source // of the metrics; says the unit of values and limits
	Query  Query
	Limits judge.Limits // durations in milliseconds
}

// Check asks a source and judges what it answers. The verdict is Unknown if
// there was no data, and then NoData is true, or if there was no answer; Err is
// the reason of both. Check returns when the source does, at the latest when
// ctx ends.
func Check(ctx context.Context, source Source, d Definition) rollout.Finding {
	finding := rollout.Finding{Source: d.Kind, Name: d.Name}
	samples, err := source.Query(ctx, d.Query)
	if err != nil {
		finding.NoData, finding.Err = errors.Is(err, ErrNoData), err.Error()
		return finding
	}
	judged, err := d.judge(samples)
	switch {
	case err != nil:
		finding.Err = err.Error()
	case judged.Verdict == rollout.Unknown:
		finding.NoData, finding.Err = true, ErrNoData.Error()
	}
	finding.Verdict, finding.Value = judged.Verdict, judged.Value
	finding.Limit, finding.Bound = judged.Limit, judged.Bound
	return finding
}

// judge compares samples with the limits, in the way of their kind.
func (d Definition) judge(samples Samples) (judge.Judgement, error) {
	switch d.Kind {
	case rollout.FromSuccessRate, rollout.FromQuery, rollout.FromTemplate:
		return judge.Judge(samples, d.Limits), nil
	case rollout.FromDuration:
		// The reference knows durations in whole milliseconds only, and the
		// words print what was compared: 500.9 ms is within a maximum of 500.
		whole := make(Samples, len(samples))
		for i, value := range samples {
			whole[i] = math.Trunc(value)
		}
		limits := judge.Limits{Min: truncated(d.Limits.Min), Max: truncated(d.Limits.Max)}
		return judge.Judge(whole, limits), nil
	case rollout.FromHook, rollout.FromSetup:
	}
	return judge.Judgement{}, fmt.Errorf("metric %s cannot be judged: source %d has no values", d.Name, d.Kind)
}

// truncated returns a limit without its fraction.
func truncated(limit *float64) *float64 {
	if limit == nil {
		return nil
	}
	return new(math.Trunc(*limit))
}
