package e2e

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// A kept release has steps so long that 2 points are four standard deviations of the share
// of so many newcomers a second, see traffic.SampleError: 9,700 in 27 s.
const (
	kept = "{interval: 30s, threshold: 1, stepWeights: [20, 60], " +
		"sessionAffinity: {cookieName: side, primaryCookieName: home, maxAge: 3600, path: /}}"
	newcomers    = 360
	lifeOfAHome  = 30 * time.Second // of the primary's cookie: the interval
	sideOfCanary = "side"
)

// stickyWay: new users are divided by the weight of each step, those who were drawn to the
// canary stay there to the end, the others for an interval and are then drawn anew. After
// a release that is given up all are home with their next request, and do not come back
// with an old cookie. No request is lost in all of this.
func stickyWay(w traveller) {
	strangers, books := w.watched(w.config(w.rate)) // nobody has a cookie: each request is a new user's
	w.release("2.0.0")
	var early *crowd
	end := func() {}
	w.dividesWhile(strangers, 20, func() {
		early = newCrowd(w.T, w.config(1), 500)
		early.share("2.0.0", 20)
		end = early.of("2.0.0").faithful()
		early.comeBack()
		pass(w.T, middle)
		early.comeBack()
	})
	w.dividesWhile(strangers, 60, func() { early.drawnAnew(60) })
	w.ends("Succeeded", "2.0.0")
	pass(w.T, settling)
	end()

	revision := w.release("3.0.0")
	w.weight(20)
	pass(w.T, time.Second)
	late := newCrowd(w.T, w.config(1), 500)
	late.share("3.0.0", 20)
	late.comeBack()
	w.ask("abort", revision)
	w.ends("Failed", "2.0.0")
	late.home("2.0.0", sideOfCanary)
	pass(w.T, settling)
	books()
}

// comeBack lets all users ask again, and holds the answers against what their cookies
// promise. Who has none is drawn; it returns those.
func (c *crowd) comeBack() *crowd {
	c.Helper()
	moved, forgotten := 0, 0
	drawn := &crowd{T: c.T, config: c.config}
	for i := range c.users {
		u := &c.users[i]
		before, asked := u.release, time.Now()
		got := c.ask(*u)
		u.release = got.release
		switch {
		case !got.known:
			if asked.Sub(u.drawn) < lifeOfAHome-time.Second { // ages are whole seconds
				forgotten++
			}
			u.drawn = asked
			drawn.users = append(drawn.users, *u)
		case u.release != before:
			moved++
		}
	}
	c.Logf("%d users came back, %d of them were drawn anew", len(c.users), len(drawn.users))
	if moved > 0 || forgotten > 0 {
		c.Errorf("of %d users %d were moved to the other side, and %d had lost their cookie too early", len(c.users), moved, forgotten)
	}
	return drawn
}

// drawnAnew: those of the primary are divided by the weight of the new step once their
// interval is over, so that of all who are always there more are on the canary than the
// weight says, see docs/session-affinity.md.
func (c *crowd) drawnAnew(weight float64) {
	c.Helper()
	before := len(c.of("2.0.0").users)
	first := c.comeBack() // some are still within their interval
	pass(c.T, middle)
	second := c.comeBack()
	drawn := &crowd{T: c.T, config: c.config, users: append(first.users, second.users...)}
	drawn.share("2.0.0", weight)
	if want := len(c.users) - before; len(drawn.users) != want {
		c.Errorf("%d users were drawn anew, want the %d of the primary, once each", len(drawn.users), want)
	}
	c.Logf("%.1f %% of the users who stayed all the time are on the canary", 100*float64(len(c.of("2.0.0").users))/float64(len(c.users)))
}

// faithful lets the users ask in turns, all the time until the returned function is called:
// each must always be answered by the same release.
func (c *crowd) faithful() func() {
	c.Helper()
	ctx, stop := context.WithCancel(c.Context())
	asked, moved := 0, 0
	var lost error
	var asking sync.WaitGroup
	asking.Go(func() {
		const pace = 20 * time.Millisecond
		ticker := time.NewTicker(pace)
		defer ticker.Stop()
		for ; len(c.users) > 0; asked++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			u := c.users[asked%len(c.users)]
			switch got, err := c.visit(c.Context(), u); {
			case err != nil:
				lost = errors.Join(lost, err)
			case got.release != u.release:
				moved++
			}
		}
	})
	return func() {
		c.Helper()
		stop()
		asking.Wait()
		c.Logf("%d users asked %d times, and were moved %d times", len(c.users), asked, moved)
		if asked < len(c.users) || moved > 0 || lost != nil {
			c.Errorf("of %d requests of %d users %d were answered by the other side; lost: %v", asked, len(c.users), moved, lost)
		}
	}
}

// cookies are those that a user would send now.
func (c *crowd) cookies(u user) []string {
	c.Helper()
	var names []string
	for _, cookie := range u.browser.Jar.Cookies(c.there()) {
		names = append(names, cookie.Name)
	}
	return names
}

// TestPointsOfNewcomers: the promise of 2 points is one that chance keeps.
func TestPointsOfNewcomers(t *testing.T) {
	const step = lifeOfAHome - 3*time.Second // the route follows the status, and the mark both
	for _, weight := range []float64{20, 60} {
		if got := 4 * sigma(weight, newcomers*step.Seconds()); got > 2 {
			t.Errorf("four standard deviations at %g %% are %.2f points, want 2", weight, got)
		}
	}
}
