package explain

import (
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/serinhq/serin/api/v1beta1"
	"github.com/serinhq/serin/rollout"
)

// Measurements are the metrics of an answer, each with what would pass.
func Measurements(c *v1beta1.Canary, answer rollout.Answer, at time.Time) []v1beta1.Measurement {
	var all []v1beta1.Measurement
	for _, f := range answer.Findings {
		if f.Source == rollout.FromHook || len(all) == v1beta1.MostMeasurements {
			continue
		}
		m := v1beta1.Measurement{Metric: cut(f.Name, 256), Limit: limit(c, f), Verdict: verdict(f.Verdict), Time: metav1.NewTime(at)}
		if f.Verdict == rollout.Unknown {
			m.Error = cut(f.Err, 512)
		} else if f.Source != rollout.FromSetup {
			m.Value = fmt.Sprintf(exact(f.Source), f.Value)
			if f.Source == rollout.FromDuration {
				m.Value = milliseconds(f.Value)
			}
		}
		all = append(all, m)
	}
	return all
}

// exact is the format of a value, as in the event about it.
func exact(source rollout.Source) string {
	if source == rollout.FromSuccessRate {
		return "%.2f%%"
	}
	return "%.2f"
}

func verdict(v rollout.Verdict) string {
	switch v {
	case rollout.Pass:
		return "Pass"
	case rollout.Fail:
		return "Fail"
	case rollout.Unknown:
		return "Unknown"
	}
	return "Unknown"
}

// limit of a metric, as the Canary has it now.
func limit(c *v1beta1.Canary, f rollout.Finding) string {
	analysis := c.Analysis()
	if analysis == nil {
		return ""
	}
	for _, m := range analysis.Metrics {
		if m.Name != f.Name {
			continue
		}
		switch least, greatest := m.Limits(); {
		case least != nil && greatest != nil:
			return amount(f.Source, *least) + " to " + amount(f.Source, *greatest)
		case least != nil:
			return "at least " + amount(f.Source, *least)
		case greatest != nil:
			return "at most " + amount(f.Source, *greatest)
		}
	}
	return ""
}

func amount(source rollout.Source, v float64) string {
	switch source {
	case rollout.FromDuration:
		return milliseconds(v)
	case rollout.FromSuccessRate:
		return strconv.FormatFloat(v, 'f', -1, 64) + "%"
	case rollout.FromHook, rollout.FromQuery, rollout.FromTemplate, rollout.FromSetup:
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func milliseconds(v float64) string { return (time.Duration(v) * time.Millisecond).String() }

// measured is a measurement as one line: value against limit.
func measured(m v1beta1.Measurement) string {
	line := m.Metric
	switch {
	case m.Value != "":
		line += " is " + m.Value
	case m.Error != "":
		line += " has no value (" + m.Error + ")"
	default:
		line += " has no value"
	}
	if m.Limit != "" {
		line += ", limit: " + m.Limit
	}
	return line
}
