package rollout

import (
	"fmt"
	"strconv"
	"time"
)

// Level of a report. Info becomes a Normal event, the others a Warning; Error
// is also logged at error level.
type Level int8

// The levels.
const (
	Info Level = iota
	Warn
	Error
)

// Outcome counts a finished release.
type Outcome int8

// The outcomes. The zero value counts nothing.
const (
	Open Outcome = iota
	Completed
	SkippedAnalysis
	Undone
)

// Report is something that happened or that stands in the way, said once.
type Report struct {
	Level   Level
	Message string
	Outcome Outcome
}

func (s Subject) canary() string  { return s.Name + "." + s.Namespace }
func (s Subject) target() string  { return s.Target + "." + s.Namespace }
func (s Subject) primary() string { return s.Target + "-primary." + s.Namespace }

func info(format string, args ...any) Report {
	return Report{Message: fmt.Sprintf(format, args...)}
}

func warn(format string, args ...any) Report {
	return Report{Level: Warn, Message: fmt.Sprintf(format, args...)}
}

func suspended() Report { return info("skipping canary run as object is suspended") }

func initialized(p Plan) Report { return info("Initialization done! %s", p.canary()) }

// Unrouted is why a step waits whose route the provider does not serve, with what the
// route's status has against it, if anything.
func Unrouted(refusal string) string {
	const text = "the traffic provider has not accepted the route"
	if refusal == "" {
		return text
	}
	return text + ": " + refusal
}

func initializationFailed(p Plan, reason string) Report {
	return Report{Level: Error, Outcome: Undone, Message: fmt.Sprintf(
		"Initialization of %s failed, its own pods keep the traffic: %s", p.canary(), orUnknown(reason))}
}

func online(answer Answer) Report {
	if answer.Verdict == Pass {
		return info("all the metrics providers are available!")
	}
	cause := "no answer"
	for _, f := range answer.Findings {
		if f.Verdict != Pass {
			cause = f.Err
			break
		}
	}
	return Report{Level: Error, Message: "Error checking metric providers: " + cause}
}

func detected(p Plan) Report { return info("New revision detected! Scaling up %s", p.target()) }

func restarted(p Plan) Report {
	return info("New revision detected! Restarting analysis for %s", p.target())
}

func repairing(p Plan) Report {
	return info("New revision detected! Repairing the primary of %s, the canary keeps the traffic", p.target())
}

func cancelled(p Plan) Report {
	return info("Canary analysis cancelled, %s is back at its promoted revision", p.target())
}

func starting(p Plan) Report { return info("Starting canary analysis for %s", p.target()) }

// entered announces a step of the analysis.
func entered(p Plan, step int) []Report {
	switch s := p.Steps[step]; s.Enter {
	case Advance:
		if p.Strategy == Canary {
			return []Report{info("Advance %s canary weight %s", p.canary(), percent(s.Route.Canary))}
		}
		return []Report{info("Advance %s canary iteration %d/%d", p.canary(), iterations(p.Steps[:step+1]), iterations(p.Steps))}
	case Switch:
		if step > 0 && p.Steps[step-1].Route.Mirror > 0 {
			return []Report{info("Stop traffic mirroring and route all traffic to canary")}
		}
		return []Report{info("Routing all traffic to canary")}
	case Bake:
		return []Report{info("Routing all traffic to canary, %s keeps the former revision ready until the promotion", p.primary())}
	case Arrive, Settle, Warm, Stay:
		return nil
	}
	return nil
}

// percent of a share, in as few digits as it needs.
func percent(share int) string {
	return strconv.FormatFloat(float64(share)/float64(Percent(1)), 'f', -1, 64)
}

func iterations(steps []Step) int {
	n := 0
	for _, step := range steps {
		if step.Enter == Advance {
			n++
		}
	}
	return n
}

// eased says that the steps were edited under a release, so that the one it goes on
// from has a smaller share than the canary had.
func eased(p Plan, before, now int) Report {
	return warn("The steps of %s were edited, canary weight goes back from %s to %s", p.canary(), percent(before), percent(now))
}

func copying(p Plan) Report {
	return info("Copying %s template spec to %s", p.target(), p.primary())
}

func routedHome(p Plan) []Report {
	if !p.Routes {
		return nil
	}
	return []Report{info("Routing all traffic to primary")}
}

func backedOff(p Plan, r Route) Report {
	return info("Advance %s primary weight %s", p.canary(), percent(r.Primary))
}

func promoted(p Plan, skipped bool) Report {
	if skipped {
		r := info("Promotion completed! Canary analysis was skipped for %s", p.target())
		r.Outcome = SkippedAnalysis
		return r
	}
	r := info("Promotion completed! Scaling down %s", p.target())
	r.Outcome = Completed
	return r
}

func promotionFailed(p Plan, reason string) Report {
	return Report{Level: Error, Outcome: Undone, Message: fmt.Sprintf(
		"Promotion of %s failed, primary not ready: %s", p.target(), orUnknown(reason))}
}

func thresholdReached(p Plan, failures int) Report {
	return warn("Rolling back %s failed checks threshold reached %d", p.canary(), failures)
}

func lost(p Plan, reason string) Report {
	return warn("Halt %s advancement no pod is ready, routing all traffic to primary: %s", p.canary(), orUnknown(reason))
}

func deadlineExceeded(p Plan, reason string) Report {
	return warn("Rolling back %s progress deadline exceeded %s", p.canary(), orUnknown(reason))
}

func failed(p Plan, serving Side) Report {
	r := warn("Canary failed! Scaling down %s", p.canary())
	if serving == OnCanary {
		r = warn("Canary failed! It keeps the traffic of %s, since the primary has no pod that is ready", p.canary())
	}
	r.Outcome = Undone
	return r
}

func rollbackHook(p Plan, answer Answer) []Report {
	return append(hooks(p, RollbackHook, answer),
		warn("Rolling back %s manual webhook invoked", p.canary()))
}

func queued(p Plan, why string) Report {
	return info("New revision of %s waits for other releases: %s", p.target(), why)
}

func awaiting(p Plan, name string) Report {
	return warn("Halt %s advancement waiting for approval %s", p.canary(), name)
}

func terminating(p Plan) Report { return info("Terminating canary %s", p.canary()) }

func terminated(p Plan) Report { return info("Terminated canary %s", p.canary()) }

func notGivenBack(p Plan, reason string) Report {
	return warn("Canary %s is not removed yet, its primary serves until the pods of %s are ready: %s",
		p.canary(), p.target(), orUnknown(reason))
}

// granted says what a person asked for and gets.
func granted(p Plan, w Wish) Report {
	deeds := map[Verb]string{
		Abort: "Rolling back %s", Undo: "Rolling back %s", Deny: "Rolling back %s, " + w.gate() + " was denied",
		Promote: "Promoting %s without the rest of its analysis", Pause: "Pausing %s", Resume: "Resuming %s",
		Approve: "Opening " + w.gate() + " of %s", Retry: "Releasing the failed revision of %s again",
	}
	r := info(deeds[w.Verb]+", as %s asked", p.canary(), w.who())
	if w.Verb == Abort || w.Verb == Undo || w.Verb == Deny {
		r.Level = Warn
	}
	return r
}

func refused(p Plan, w Wish, cause string) Report {
	return warn("Cannot %s %s, as %s asked: %s", w.Verb, p.canary(), w.who(), cause)
}

// who asked, and why.
func (w Wish) who() string {
	by := w.By
	if by == "" {
		by = "somebody"
	}
	if w.Why == "" {
		return by
	}
	return by + " (" + w.Why + ")"
}

func orUnknown(reason string) string {
	if reason == "" {
		return "no reason was given"
	}
	return reason
}

// hooks says what the webhooks of one type answered, up to the first refusal.
func hooks(p Plan, probe Probe, answer Answer) []Report {
	var reports []Report
	for _, f := range answer.Findings {
		if f.Source != FromHook {
			continue
		}
		if r, ok := hookWords(p, probe, f); ok {
			reports = append(reports, r)
		}
	}
	return reports
}

func hookWords(p Plan, probe Probe, f Finding) (Report, bool) {
	if f.Verdict == Pass {
		return hookPassed(probe, f.Name)
	}
	switch probe {
	case ConfirmRollout:
		return warn("Halt %s advancement waiting for approval %s", p.canary(), f.Name), true
	case ConfirmTrafficIncrease:
		return warn("Halt %s advancement waiting for traffic increase approval %s", p.canary(), f.Name), true
	case ConfirmPromotion:
		return warn("Halt %s advancement waiting for promotion approval %s", p.canary(), f.Name), true
	case PreRollout:
		return warn("Halt %s advancement pre-rollout check %s failed %s", p.canary(), f.Name, f.Err), true
	case Checks:
		return warn("Halt %s advancement external check %s failed %s", p.canary(), f.Name, f.Err), true
	case PostRollout:
		return warn("Post-rollout hook %s failed %s", f.Name, f.Err), true
	case RollbackHook, Online, Approval:
		return Report{}, false // not signalling a rollback is no news
	}
	return Report{}, false
}

func hookPassed(probe Probe, name string) (Report, bool) {
	switch probe {
	case ConfirmRollout:
		return info("Confirm-rollout check %s passed", name), true
	case PreRollout:
		return info("Pre-rollout check %s passed", name), true
	case ConfirmTrafficIncrease:
		return info("Confirm-traffic-increase check %s passed", name), true
	case ConfirmPromotion:
		return info("Confirm-promotion check %s passed", name), true
	case PostRollout:
		return info("Post-rollout check %s passed", name), true
	case RollbackHook:
		return warn("Rollback check %s passed", name), true
	case Checks, Online, Approval:
		return Report{}, false // silent: they pass at every look
	}
	return Report{}, false
}

// findings says why a check did not pass.
func findings(p Plan, probe Probe, answer Answer) []Report {
	var reports []Report
	for _, f := range answer.Findings {
		switch {
		case f.Verdict == Pass:
		case f.Source == FromHook:
			if r, ok := hookWords(p, probe, f); ok {
				reports = append(reports, r)
			}
		case f.Verdict == Fail:
			reports = append(reports, outOfRange(p, f))
		default:
			reports = append(reports, unanswered(p, f))
		}
	}
	return reports
}

// outOfRange names value and limit.
func outOfRange(p Plan, f Finding) Report {
	sign := "<"
	if f.Bound == AboveMax {
		sign = ">"
	}
	halt := "Halt " + p.canary() + " advancement"
	switch f.Source {
	case FromSuccessRate:
		return warn("%s success rate %.2f%% %s %s%%", halt, f.Value, sign, shortest(f.Limit))
	case FromDuration:
		return warn("%s request duration %v %s %v", halt, milliseconds(f.Value), sign, milliseconds(f.Limit))
	case FromQuery, FromTemplate:
		return warn("%s %s %.2f %s %s", halt, f.Name, f.Value, sign, shortest(f.Limit))
	case FromHook, FromSetup:
		return Report{Level: Error, Message: f.Err}
	}
	return Report{Level: Error, Message: f.Err}
}

// unanswered says that a metric has no data, or that its backend failed.
func unanswered(p Plan, f Finding) Report {
	const halt = "Halt advancement no values found for"
	traffic := "probably " + p.target() + " is not receiving traffic"
	switch {
	case f.Source == FromSetup || f.Source == FromHook:
		return Report{Level: Error, Message: f.Err}
	case f.NoData && f.Source == FromSuccessRate:
		return warn("%s %s metric %s %s: %s", halt, p.Metrics, f.Name, traffic, f.Err)
	case f.NoData && f.Source == FromDuration:
		return warn("%s %s metric %s %s", halt, p.Metrics, f.Name, traffic)
	case f.NoData && f.Source == FromQuery:
		return warn("%s metric: %s", halt, f.Name)
	case f.NoData:
		return warn("%s custom metric: %s: %s", halt, f.Name, f.Err)
	case f.Source == FromQuery:
		return Report{Level: Error, Message: fmt.Sprintf("Prometheus query failed for %s: %s", f.Name, f.Err)}
	case f.Source == FromTemplate:
		return Report{Level: Error, Message: fmt.Sprintf("Metric query failed for %s: %s", f.Name, f.Err)}
	default:
		return Report{Level: Error, Message: "Prometheus query failed: " + f.Err}
	}
}

func shortest(limit float64) string { return strconv.FormatFloat(limit, 'f', -1, 64) }

func milliseconds(v float64) time.Duration { return time.Duration(v) * time.Millisecond }
