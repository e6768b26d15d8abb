package metric

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	prometheusTimeout = 5 * time.Second
	answerLimit       = 4 << 20 // bytes of the longest answer that is read
)

// prometheus asks a server with the Prometheus HTTP API, such as Prometheus,
// Thanos, Mimir, VictoriaMetrics or Cortex, for the present value of a query.
type prometheus struct {
	client   *http.Client
	endpoint url.URL // of instant queries, without userinfo
	header   http.Header
	timeout  time.Duration
	secrets  *strings.Replacer // of what must not be shown
}

func newPrometheus(s Settings, client *http.Client) (Source, error) {
	address, err := url.Parse(s.Address)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, fmt.Errorf("prometheus address %q is not a valid URL", withoutUserinfo(s.Address))
	}
	header, err := prometheusHeader(s, address.User)
	if err != nil {
		return nil, err
	}
	endpoint := address.JoinPath("api/v1/query")
	endpoint.User, endpoint.RawQuery, endpoint.Fragment = nil, "", ""
	return &prometheus{
		client:   client,
		endpoint: *endpoint,
		header:   header,
		timeout:  prometheusTimeout,
		secrets:  redactor(s, address.User),
	}, nil
}

// prometheusHeader returns the headers of every request: those configured, and
// the credentials of the Secret or else of the address.
func prometheusHeader(s Settings, user *url.Userinfo) (http.Header, error) {
	// The map belongs to a cached object, so it is copied. In order, because
	// two spellings of one name share their values.
	header := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		for _, value := range s.Headers[name] {
			header.Add(name, value)
		}
	}
	token, hasToken := s.Secret["token"]
	username, hasUsername := s.Secret["username"]
	password, hasPassword := s.Secret["password"]
	switch {
	case s.SecretName == "" && user != nil && header.Get("Authorization") == "":
		plain, _ := user.Password()
		header.Set("Authorization", "Basic "+credentials(user.Username(), plain))
	case s.SecretName == "":
	case hasToken:
		// Files become Secrets with their last newline, which no header may have.
		header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	case !hasUsername:
		return nil, fmt.Errorf("prometheus secret %s has neither the key token nor username", s.SecretName)
	case !hasPassword:
		return nil, fmt.Errorf("prometheus secret %s has the key username but not password", s.SecretName)
	default:
		header.Set("Authorization", "Basic "+credentials(string(username), string(password)))
	}
	return header, nil
}

// credentials returns username and password as basic authentication sends them.
func credentials(username, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
}

// Query asks for the present values of the text; the text names its own window.
func (p *prometheus) Query(ctx context.Context, query Query) (Samples, error) {
	body, err := p.get(ctx, oneLine(query.Text))
	if err != nil {
		return nil, err
	}
	samples, err := parsePrometheus(body)
	switch {
	case errors.Is(err, ErrNoData):
		return nil, err
	case err != nil:
		return nil, p.unavailable(err, "%s", err)
	}
	return samples, nil
}

// Online asks for the number one.
func (p *prometheus) Online(ctx context.Context) error {
	samples, err := p.Query(ctx, Query{Text: "vector(1)"})
	switch {
	case errors.Is(err, ErrNoData), err == nil && !slices.Equal(samples, Samples{1}):
		return p.unavailable(nil, "%s answers vector(1) with %v", &p.endpoint, samples)
	case err != nil:
		return err
	}
	return nil
}

// get returns the body of a successful answer. Its errors are ErrUnavailable.
func (p *prometheus) get(ctx context.Context, text string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	address := p.endpoint
	address.RawQuery = url.Values{"query": {text}}.Encode()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, p.unavailable(err, "request failed: GET %s: %s", &p.endpoint, err)
	}
	req.Header, req.Host = p.header.Clone(), p.header.Get("Host")

	resp, err := p.client.Do(req)
	if err != nil {
		return nil, p.requestFailed(ctx, limited, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	switch {
	case err != nil:
		return nil, p.requestFailed(ctx, limited, err)
	case resp.StatusCode != http.StatusOK:
		status := http.StatusText(resp.StatusCode)
		return nil, p.unavailable(nil, "error response: %d %s: %s", resp.StatusCode, status, complaint(body))
	case len(body) > answerLimit:
		return nil, p.unavailable(nil, "the answer is longer than %d bytes", answerLimit)
	}
	return body, nil
}

// requestFailed says why there was no answer. The error of net/http repeats
// the URL with the whole query, so only its cause is shown.
func (p *prometheus) requestFailed(ctx, limited context.Context, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	reason := err.Error()
	if ctx.Err() == nil && limited.Err() != nil {
		reason = fmt.Sprintf("no answer within %s", p.timeout)
	}
	return p.unavailable(err, "request failed: GET %s: %s", &p.endpoint, reason)
}

// unavailable returns an ErrUnavailable whose text holds no secrets.
func (p *prometheus) unavailable(cause error, format string, args ...any) error {
	return failure(p.secrets, cause, fmt.Sprintf(format, args...))
}

// oneLine collapses white space, as the reference does. A query with a comment
// keeps its lines, or else the comment would swallow all that follows it.
func oneLine(text string) string {
	if strings.Contains(text, "#") {
		return text
	}
	return strings.Join(strings.Fields(text), " ")
}

// prometheusAnswer is the body of an answer, good or bad.
type prometheusAnswer struct {
	Status    string `json:"status"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
	Data      struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	} `json:"data"`
}

// parsePrometheus returns the values in the body of an answer; the error is
// ErrNoData if the body is well formed and there are none.
func parsePrometheus(body []byte) (Samples, error) {
	var answer prometheusAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("parse answer: %w: %s", err, body)
	}
	if answer.Status != "success" {
		return nil, fmt.Errorf("error response: %s", complaint(body))
	}
	samples, err := parseResult(answer.Data.ResultType, answer.Data.Result)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(samples, func(value float64) bool { return !math.IsNaN(value) }) {
		return nil, ErrNoData
	}
	return samples, nil
}

// parseResult returns the values of one type of result.
func parseResult(kind string, result json.RawMessage) (Samples, error) {
	switch kind {
	case "vector":
		return parseVector(result)
	case "scalar":
		value, err := parseSample(result)
		return Samples{value}, err
	case "matrix":
		return nil, errRange
	}
	return nil, fmt.Errorf("parse answer: the query returns a %q, not numbers", kind)
}

var errRange = errors.New("multiple values returned: the query returns ranges of samples; it must ask for one moment")

// parseVector returns one value for each series.
func parseVector(result json.RawMessage) (Samples, error) {
	var vector []struct {
		Value     json.RawMessage `json:"value"`
		Values    json.RawMessage `json:"values"`
		Histogram json.RawMessage `json:"histogram"`
	}
	if err := json.Unmarshal(result, &vector); err != nil {
		return nil, fmt.Errorf("parse vector: %w: %s", err, result)
	}
	samples := make(Samples, 0, len(vector))
	for _, series := range vector {
		switch {
		case series.Values != nil:
			return nil, errRange
		case series.Value == nil && series.Histogram != nil:
			return nil, errors.New("the query returns a histogram; take a number from it, as with histogram_quantile")
		}
		value, err := parseSample(series.Value)
		if err != nil {
			return nil, err
		}
		samples = append(samples, value)
	}
	return samples, nil
}

// parseSample returns the value of a [time, "value"].
func parseSample(raw json.RawMessage) (float64, error) {
	var pair []json.RawMessage
	if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 {
		return 0, fmt.Errorf("parse answer: sample %q is not a time and a value", raw)
	}
	var text string
	if err := json.Unmarshal(pair[1], &text); err != nil {
		return 0, fmt.Errorf("parse answer: the value of sample %q is not a string", raw)
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("parse answer: the value of sample %q is not a number", raw)
	}
	return value, nil
}

// complaint returns what a server says is wrong, in its own words.
func complaint(body []byte) string {
	var answer prometheusAnswer
	switch err := json.Unmarshal(body, &answer); {
	case len(body) == 0:
		return "no reason given"
	case err != nil || answer.Error == "":
		return string(body) // of a proxy before the server
	case answer.ErrorType == "":
		return answer.Error
	}
	return answer.ErrorType + ": " + answer.Error
}
