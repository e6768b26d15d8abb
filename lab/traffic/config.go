package traffic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// The defaults of a Config. SampleError says why the rate is what it is. The time-out is
// far beyond what users would wait: on a busy machine of few processors a process may stand
// still for many seconds, and an answer that is late for that is not lost.
const (
	DefaultRate     = 500
	DefaultInFlight = 1024
	DefaultTimeout  = 30 * time.Second
)

// The bounds of a Config.
const (
	maxRate     = 5000
	maxInFlight = 4096
	maxLongest  = time.Hour
)

// Config says what to send, how much, and how to read what comes back.
type Config struct {
	URL    string
	Header http.Header // of each request; Host is honoured
	// Rate is in requests a second, 1 to 5000; 0 means DefaultRate.
	Rate int
	// Longest is when the load ends by itself, at most an hour. There is no default:
	// a load that nobody ends is a mistake.
	Longest time.Duration
	// InFlight bounds the requests under way, and with them the connections; what is due
	// beyond is not sent but counted. 0 means DefaultInFlight, at most 4096.
	InFlight int
	// Timeout is how long one answer may take, the connection included; 0 means DefaultTimeout.
	Timeout time.Duration
	// Dial makes the connections; nil means from here, in the ordinary way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Fresh gives each request a connection of its own: what has no proxy divides those.
	Fresh bool
	// Through carries the requests in place of connections made by Dial; nil means HTTP/1.1.
	Through http.RoundTripper
	// Release names the release that wrote a body, and is empty if none did.
	Release func(body []byte) string
}

// complete fills in the defaults and refuses what is out of bounds.
func (c Config) complete() (Config, error) {
	c.Rate = orDefault(c.Rate, DefaultRate)
	c.InFlight = orDefault(c.InFlight, DefaultInFlight)
	c.Timeout = orDefault(c.Timeout, DefaultTimeout)
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	target, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return c, fmt.Errorf("address of the load: %w", err)
	case target.Scheme != "http" || target.Host == "":
		return c, fmt.Errorf("address of the load: %q is not http://host", c.URL)
	case c.Rate < 1 || c.Rate > maxRate:
		return c, fmt.Errorf("rate of the load: %d requests a second are not within 1 and %d", c.Rate, maxRate)
	case c.InFlight < 1 || c.InFlight > maxInFlight:
		return c, fmt.Errorf("requests under way: %d are not within 1 and %d", c.InFlight, maxInFlight)
	case c.Longest <= 0 || c.Longest > maxLongest:
		return c, fmt.Errorf("length of the load: %s is not within 0s and %s", c.Longest, maxLongest)
	case c.Timeout < 0:
		return c, fmt.Errorf("longest answer: %s is negative", c.Timeout)
	case c.Release == nil:
		return c, errors.New("the load cannot tell releases apart: Release is not set")
	}
	return c, nil
}

func orDefault[T int | time.Duration](value, standard T) T {
	if value == 0 {
		return standard
	}
	return value
}
