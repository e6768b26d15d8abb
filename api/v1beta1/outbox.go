package v1beta1

import (
	"strings"

	"github.com/serinhq/serin/rollout"
)

// The bounds of what one transition can leave in status: a status that grows
// without bound would one day be refused by the API server, and with it the
// rollback it announces.
const (
	MostReports    = 32   // per transition; the oldest are dropped
	LongestMessage = 1024 // bytes
)

// Post puts what a transition has to say into the outbox, in the place of what
// was there. Call it after Store and before the status is written.
func (s *CanaryStatus) Post(reports []rollout.Report) {
	if s.Rollout == nil {
		s.Rollout = new(Rollout)
	}
	s.Rollout.Outbox = nil
	for _, report := range reports[max(0, len(reports)-MostReports):] {
		s.Rollout.Outbox = append(s.Rollout.Outbox, Report{
			Type:    level(report.Level),
			Message: cut(report.Message),
			Outcome: outcome(report.Outcome),
		})
	}
}

// Owe notes which deliveries of earlier transitions are still under way, as far as
// there is room: the newest. Call it after Store and before the status is written.
func (s *CanaryStatus) Owe(waiting []Delivery) {
	if s.Rollout == nil {
		s.Rollout = new(Rollout)
	}
	s.Rollout.Undelivered = nil
	for _, d := range waiting[max(0, len(waiting)-MostReports):] {
		d.Message = cut(d.Message)
		s.Rollout.Undelivered = append(s.Rollout.Undelivered, d)
	}
}

// Owed are the deliveries that Owe noted.
func (s *CanaryStatus) Owed() []Delivery {
	if s.Rollout == nil {
		return nil
	}
	return s.Rollout.Undelivered
}

// Posted is what the outbox holds.
func (s *CanaryStatus) Posted() []rollout.Report {
	if s.Rollout == nil {
		return nil
	}
	var reports []rollout.Report
	for _, stored := range s.Rollout.Outbox {
		reports = append(reports, stored.report())
	}
	return reports
}

// report reads one entry; a type it does not know is taken as a warning.
func (r Report) report() rollout.Report {
	report := rollout.Report{Level: rollout.Warn, Message: r.Message}
	for _, l := range []rollout.Level{rollout.Info, rollout.Warn, rollout.Error} {
		if level(l) == r.Type {
			report.Level = l
		}
	}
	for _, o := range []rollout.Outcome{rollout.Completed, rollout.SkippedAnalysis, rollout.Undone} {
		if outcome(o) == r.Outcome {
			report.Outcome = o
		}
	}
	return report
}

func level(l rollout.Level) string {
	switch l {
	case rollout.Info:
		return "Normal"
	case rollout.Error:
		return "Error"
	case rollout.Warn:
		return "Warning"
	}
	return "Warning"
}

func outcome(o rollout.Outcome) string {
	switch o {
	case rollout.Completed:
		return "Completed"
	case rollout.SkippedAnalysis:
		return "Skipped"
	case rollout.Undone:
		return "Undone"
	case rollout.Open:
		return ""
	}
	return ""
}

func cut(message string) string {
	message = strings.ToValidUTF8(message, "?")
	if len(message) <= LongestMessage {
		return message
	}
	return strings.ToValidUTF8(message[:LongestMessage-3], "") + "..."
}
