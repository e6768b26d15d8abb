package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// measured is what a run found.
type measured struct {
	canaries, releases int
	start              time.Duration // until the first decision
	startWrites        int           // of other Canaries than that one
	idleFrom, idleTo   time.Time
	idle               []request
	busy               []request
	pushes             time.Duration // the writing of all new revisions
	window             time.Duration // from the first push to the last end
	noticed, late      []time.Duration
	promoted           []time.Duration
	cpu                time.Duration
	peak               int64
	looks              int                      // reconciles
	before, after      map[string]time.Duration // processor time by part
	missing, due       int                      // events
	besides            int                      // events that no transition announced
	wrong              []string
	price              time.Duration // of the cheapest request, to its client
	bare               bare
}

// measure reads what happened, once the operator has ended.
func (b *bench) measure(ctx context.Context) (measured, error) {
	m := b.result
	m.canaries, m.releases = b.settings.busy+b.settings.idle+1, len(b.subjects)
	m.window = b.window.to.Sub(b.window.from)
	all, err := b.requests()
	if err != nil {
		return m, err
	}
	if m.price, err = b.price(ctx); err != nil {
		return m, err
	}
	m.idle = between(all, m.idleFrom, m.idleTo)
	m.busy = between(all, b.window.from, time.Now())
	for _, r := range between(all, b.began, m.idleFrom) {
		if r.write && !strings.HasPrefix(r.name, b.first.name) {
			m.startWrites++
		}
	}
	written, err := b.events(ctx)
	if err != nil {
		return m, err
	}
	m.missing, m.due = b.record.missing(written)
	m.besides = len(written) - (m.due - m.missing)
	for _, s := range b.subjects {
		m.tell(s, b.record.of(s))
	}
	m.bare, err = b.bare(ctx) // at last, for it writes events and statuses of its own
	return m, err
}

// tell adds one release.
func (m *measured) tell(of subject, s story) {
	if !s.noticed.IsZero() {
		m.noticed = append(m.noticed, max(s.noticed.Sub(s.pushed), 0))
	}
	if !s.promoted.IsZero() {
		m.promoted = append(m.promoted, s.promoted.Sub(s.pushed))
	}
	m.late = append(m.late, s.late...)
	if !s.right(of) {
		m.wrong = append(m.wrong, fmt.Sprintf("%s: %s after %d steps", of.key(), s.verdict, s.steps))
	}
}

// events are the written ones, named as the record names those that are due.
func (b *bench) events(ctx context.Context) (map[string]bool, error) {
	var list struct{ Items []struct{ Metadata meta } }
	if err := b.client.Read(ctx, "/api/v1/events", &list); err != nil {
		return nil, err
	}
	written := map[string]bool{}
	for _, e := range list.Items {
		const transition, place = 8, 2 // digits, followed by those of a hash
		name, number, ok := strings.Cut(e.Metadata.Name, ".")
		if !ok || len(number) <= transition+place {
			continue
		}
		// Remarks share a place, ff: their hash tells them apart.
		if number[transition:transition+place] != "ff" {
			number = number[:transition+place]
		}
		written[e.Metadata.Namespace+"/"+name+"."+number] = true
	}
	return written, nil
}

// A budget is a line of the table.
type budget struct {
	what, found, most string
	kept              bool
}

// table is the result as Markdown.
func (m measured) table() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d canaries, %d releases, pushed within %s, all over after %s\n\n", m.canaries, m.releases,
		seconds(m.pushes), seconds(m.window))
	fmt.Fprintf(&out, "| | measured | budget | |\n|---|---|---|---|\n")
	for _, l := range m.budgets() {
		verdict := "ok"
		if !l.kept {
			verdict = "**missed**"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", l.what, l.found, l.most, verdict)
	}
	m.detail(&out)
	return out.String()
}

func (m measured) budgets() []budget {
	const (
		perRelease = 25
		notice     = time.Second
		lateness   = 500 * time.Millisecond
		promotion  = 34 * time.Second
		cpu        = 20 * time.Second // of a thousand releases
		memory     = 150 << 20
		large      = 256 << 20 // of more than a thousand canaries
		starting   = 15 * time.Second
		thousand   = 1000
	)
	minutes := m.idleTo.Sub(m.idleFrom).Minutes()
	each := float64(len(m.busy)) / float64(m.releases)
	work := m.cpu * thousand / time.Duration(m.releases)
	most := int64(memory)
	if m.canaries > thousand+1 {
		most = large
	}
	return []budget{
		{"API requests per idle canary and minute", fmt.Sprintf("%.2f", float64(len(m.idle))/minutes/float64(m.canaries)), "0", len(m.idle) == 0},
		{"API requests per release, events included", fmt.Sprintf("%.1f", each), "≤ 25", each <= perRelease},
		{"new revision noticed, p50 / p99", pair(m.noticed), "p99 ≤ 1 s", quantile(m.noticed, 0.99) <= notice},
		{"step later than its interval, p50 / p99", pair(m.late), "p99 ≤ 0.5 s", quantile(m.late, 0.99) <= lateness},
		{"push to promoted, p50 / p99", pair(m.promoted), "p50 ≤ 34 s", quantile(m.promoted, 0.5) <= promotion},
		{"operator CPU for 1000 releases", seconds(work), "≤ 20 s", work <= cpu},
		{"peak memory", fmt.Sprintf("%d MB", m.peak>>20), fmt.Sprintf("≤ %d MB", most>>20), m.peak <= most},
		{"events written, of those due", fmt.Sprintf("%d of %d", m.due-m.missing, m.due), "all", m.missing == 0},
		{"wrong verdicts", fmt.Sprint(len(m.wrong)), "0", len(m.wrong) == 0},
		{"start-up: first decision", seconds(m.start), "≤ 15 s", m.start <= starting},
		{"start-up: writes about other canaries", fmt.Sprint(m.startWrites), "0", m.startWrites == 0},
	}
}

// detail says where the requests went and what went wrong.
func (m measured) detail(out *strings.Builder) {
	fmt.Fprintf(out, "\n%d requests in %s (%.1f a second), %d looks (%.1f per release), %d events besides those of transitions.\n"+
		"Requests by kind, per release:\n\n",
		len(m.busy), seconds(m.window), float64(len(m.busy))/m.window.Seconds(), m.looks, float64(m.looks)/float64(m.releases), m.besides)
	var took []time.Duration
	for _, r := range m.busy {
		took = append(took, r.took)
	}
	names, counts := kinds(m.busy)
	for _, name := range names {
		fmt.Fprintf(out, "    %6.2f  %s\n", float64(counts[name])/float64(m.releases), name)
	}
	fmt.Fprintf(out, "\n    a request took, within the API server, p50 / p99: %s\n", pair(took))
	for _, name := range slices.Sorted(maps.Keys(m.after)) {
		fmt.Fprintf(out, "    processor time: %s  %s\n", seconds(m.after[name]-m.before[name]), name)
	}
	fmt.Fprintf(out, "    processor time: %.2f ms  of a client that reads one Deployment\n", m.price.Seconds()*1000)
	const thousand = 1000
	fmt.Fprintf(out, "    processor time: %s  for 1000 releases of a client that follows the same objects, makes %.1f requests a release, and decides nothing\n",
		seconds(m.bare.cpu*thousand), m.bare.requests)
	names, counts = kinds(m.idle)
	for _, name := range names {
		fmt.Fprintf(out, "    idle: %d  %s\n", counts[name], name)
	}
	const most = 10
	for i, wrong := range m.wrong {
		if i == most {
			fmt.Fprintf(out, "    ... and %d more\n", len(m.wrong)-most)
			break
		}
		fmt.Fprintf(out, "    wrong: %s\n", wrong)
	}
}

func pair(all []time.Duration) string {
	return seconds(quantile(all, 0.5)) + " / " + seconds(quantile(all, 0.99))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
