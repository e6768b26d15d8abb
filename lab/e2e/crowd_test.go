package e2e

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/traffic"
)

// A crowd is many users, each with a browser that keeps cookies.
type crowd struct {
	*testing.T
	config traffic.Config
	users  []user
}

type user struct {
	browser *http.Client
	release string    // that answered last
	drawn   time.Time // when it had no cookie last
}

// newCrowd lets so many users ask for the first time.
func newCrowd(t *testing.T, config traffic.Config, users int) *crowd {
	t.Helper()
	c := &crowd{T: t, config: config}
	// One connection for all: the gateway must not take it for one user. It is given up long
	// before a gateway would, so that closing it never meets a request.
	const idle = 10 * time.Second
	wires := http.DefaultTransport.(*http.Transport).Clone()
	wires.IdleConnTimeout = idle
	t.Cleanup(wires.CloseIdleConnections)
	for range users {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		u := user{browser: &http.Client{Transport: wires, Jar: jar, Timeout: traffic.DefaultTimeout}, drawn: time.Now()}
		u.release = c.ask(u).release
		c.users = append(c.users, u)
	}
	return c
}

// A reply is what a user was given.
type reply struct {
	release string // that gave it
	known   bool   // the user had a cookie
}

// ask lets a user ask once. If no release answers it is an error of the test, and the reply
// that of the release that did last.
func (c *crowd) ask(u user) reply {
	c.Helper()
	got, err := c.visit(c.Context(), u)
	if err != nil {
		c.Errorf("a request was lost: %v", err)
		got.release = u.release
	}
	return got
}

func (c *crowd) visit(ctx context.Context, u user) (got reply, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.config.URL, nil)
	if err != nil {
		return got, err
	}
	req.Header = c.config.Header.Clone()
	req.Host = req.Header.Get("Host")
	resp, err := u.browser.Do(req)
	got.known = len(req.Cookies()) > 0 // the browser has added them; one may have ended just before
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return got, err
	}
	got.release = c.config.Release(body)
	if got.release == "" || resp.StatusCode != http.StatusOK {
		return got, fmt.Errorf("%s: %s", resp.Status, body)
	}
	return got, nil
}

// of are the users whom a release answered last.
func (c *crowd) of(release string) *crowd {
	some := &crowd{T: c.T, config: c.config}
	for _, u := range c.users {
		if u.release == release {
			some.users = append(some.users, u)
		}
	}
	return some
}

// share compares how many users a release has with the percentage that was asked for. Each
// user is drawn once, so the count scatters: four standard deviations are allowed.
func (c *crowd) share(release string, percent float64) {
	c.Helper()
	n := float64(len(c.users))
	got, slack := 100*float64(len(c.of(release).users))/n, 4*sigma(percent, n)
	c.Logf("%.1f %% of %.0f new users on %s, asked for %.0f %%", got, n, release, percent)
	if math.Abs(got-percent) > slack {
		c.Errorf("%.1f %% of the new users are on %s, want %.0f give or take %.1f", got, release, percent, slack)
	}
}

// sigma is the standard deviation, in points, of the share of so many who are drawn by chance.
func sigma(percent, drawn float64) float64 { return math.Sqrt(percent * (100 - percent) / drawn) }

// home lets all users ask again: a release answers all of them, and the next answer would
// not depend on the cookie, because it has gone.
func (c *crowd) home(release, cookie string) {
	c.Helper()
	away, kept := 0, 0
	for _, u := range c.users {
		if c.ask(u).release != release {
			away++
		}
		if slices.Contains(c.cookies(u), cookie) {
			kept++
		}
	}
	if away > 0 || kept > 0 {
		c.Errorf("of %d users %d are not answered by %s, and %d have still the cookie %s", len(c.users), away, release, kept, cookie)
	}
}

// there is where the users' browsers believe to be: cookies belong to the host that is
// asked for, wherever the connection leads.
func (c *crowd) there() *url.URL {
	c.Helper()
	address, err := url.Parse(c.config.URL)
	if err != nil {
		c.Fatal(err)
	}
	address.Host = cmp.Or(c.config.Header.Get("Host"), address.Host)
	return address
}

// stay lets all users ask again: each must be answered by the same release.
func (c *crowd) stay() {
	c.Helper()
	moved := 0
	for _, u := range c.users {
		if c.ask(u).release != u.release {
			moved++
		}
	}
	if moved > 0 {
		c.Errorf("%d of %d users were moved to the other side", moved, len(c.users))
	}
}
