package metric

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Source is a metrics server.
type Source interface {
	// Query asks once. There is at least one number in what it returns; if
	// there would be none the error is ErrNoData. Every other error is an
	// ErrUnavailable and carries the server's own words, without secrets.
	Query(ctx context.Context, query Query) (Samples, error)

	// Online returns nil if the server answers a trivial question rightly, or
	// an ErrUnavailable.
	Online(ctx context.Context) error
}

// A Query is a question in the language of its backend.
type Query struct {
	Text   string
	Window time.Duration // looked back on; backends whose language says it ignore this
}

// Samples are the values of the series that answered, one each, in no order
// that means anything. A NaN is a series in which nothing happened.
type Samples []float64

var (
	// ErrNoData says that the backend answered and had no values.
	ErrNoData = errors.New("no values found")

	// ErrUnavailable says that the backend gave no answer to judge by: it was
	// not reached, was too slow, refused the query or answered nonsense. It
	// shows in errors.Is only; the text of such an error is the reason.
	ErrUnavailable = errors.New("metrics server unavailable")
)

// Settings describe one backend, as in the provider of a MetricTemplate. For
// the metrics server of a Canary or of the whole controller there is only an
// Address.
type Settings struct {
	Address string              // URL, may have a path prefix and userinfo
	Headers map[string][]string // sent with each request, never changed
	Region  string              // of a cloud provider

	SecretName string            // of the Secret referred to; empty if there is none
	Secret     map[string][]byte // its data

	Insecure bool // do not verify the server's certificate (insecureSkipVerify)
}

// backends maps provider types, spelt as in a MetricTemplate, to what builds them.
var backends = map[string]func(Settings, *http.Client) (Source, error){
	"prometheus": newPrometheus,
}

// Backend returns the source of the given provider type. It does no I/O, so it
// is cheap enough for every check. The error names what is wrong with the
// settings, or a type that there is not.
func (c *Clients) Backend(kind string, settings Settings) (Source, error) {
	build, ok := backends[kind]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(backends)), ", ")
		return nil, fmt.Errorf("metrics provider %q is not supported (supported: %s)", kind, known)
	}
	return build(settings, c.client(settings))
}
