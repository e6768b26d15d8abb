package rollout

// tales are the plans of the laws, and those that only a story needs: what they
// consist of is walked with the others.
func tales() map[string]Plan {
	all := plans()
	weighted, gated, skip := all["weighted"], all["gated"], all["skip"]
	looked := func(r Route, gates ...Probe) Step {
		return Step{Route: r, Hold: interval, Check: Checks, Gates: gates, Enter: Advance}
	}

	mirrored := weighted
	mirrored.Steps = []Step{{Route: home}, looked(Route{Primary: Full, Mirror: Full}), looked(Split(Percent(10)))}

	finer := weighted
	finer.Steps = []Step{{Route: home}, looked(Split(Percent(10))), looked(Split(Percent(30))), looked(Split(Percent(60)))}

	whole := gated
	whole.Steps = []Step{gated.Steps[0], looked(Split(Full), ConfirmTrafficIncrease, ConfirmPromotion)}
	whole.Back = []Route{Split(Percent(50)), Split(0)}

	early := weighted
	early.Back = []Route{Split(Percent(25)), Split(Percent(10)), Split(0)}

	asked := skip
	asked.Confirm = true

	all["mirrored"], all["finer"], all["whole"] = mirrored, finer, whole
	all["early"], all["skip, confirmed"] = early, asked
	return all
}
