package metric

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"
)

// Vars are the facts a query may name. Empty fields have defaults, so only
// Name, Namespace and Target are needed.
type Vars struct {
	Name      string            // of the Canary
	Namespace string            // of the Canary, never of the template
	Target    string            // of the workload
	Service   string            // default Target
	Ingress   string            // default Target
	Route     string            // default Target; for Knative the revision created last
	Interval  string            // looked back on, for example 30s; default 1m
	Variables map[string]string // templateVariables of the metric
}

// filled returns the vars with their defaults.
func (v Vars) filled() Vars {
	v.Service = cmp.Or(v.Service, v.Target)
	v.Ingress = cmp.Or(v.Ingress, v.Target)
	v.Route = cmp.Or(v.Route, v.Target)
	v.Interval = cmp.Or(v.Interval, "1m")
	return v
}

// window returns the interval as a duration.
func (v Vars) window() (time.Duration, error) {
	window, err := time.ParseDuration(v.Interval)
	switch {
	case err != nil:
		return 0, fmt.Errorf("interval %q is not a duration such as 30s or 1m", v.Interval)
	case window <= 0:
		return 0, fmt.Errorf("interval %q is not positive", v.Interval)
	}
	return window, nil
}

// Render fills in a query that a user wrote: an inline query or that of a
// MetricTemplate. It is a text/template in which the vars are functions: name,
// namespace, target, service, ingress, route, interval and variables. The
// error is that of the template, which names line and place; a variable that
// was not given is an error too, and so is a template that takes or makes too much.
func Render(text string, vars Vars) (Query, error) {
	vars = vars.filled()
	return render(text, vars, template.FuncMap{
		"name":      constant(vars.Name),
		"namespace": constant(vars.Namespace),
		"target":    constant(vars.Target),
		"service":   constant(vars.Service),
		"ingress":   constant(vars.Ingress),
		"route":     constant(vars.Route),
		"interval":  constant(vars.Interval),
		"variables": constant(vars.Variables),
	})
}

// constant makes a value a template function, so that templates say
// {{ target }} and not {{ .Target }}.
func constant[T any](value T) func() T { return func() T { return value } }

// render executes a template with the given functions.
func render(text string, vars Vars, functions template.FuncMap) (Query, error) {
	window, err := vars.window()
	if err != nil {
		return Query{}, err
	}
	if len(text) > queryLimit {
		return Query{}, fmt.Errorf("the template of the query is longer than %d bytes", queryLimit)
	}
	var spent bounds
	parsed, err := template.New("query").Option("missingkey=error").Funcs(spent.functions()).Funcs(functions).Parse(text)
	if err != nil {
		return Query{}, err
	}
	if err := spent.count(parsed); err != nil {
		return Query{}, err
	}
	var out limited
	if err := parsed.Execute(&out, nil); err != nil {
		return Query{}, cmp.Or(spent.broken, err)
	}
	if strings.TrimSpace(out.String()) == "" {
		return Query{}, errors.New("the query is empty")
	}
	return Query{Text: out.String(), Window: window}, nil
}

// limited is a buffer that refuses to grow beyond queryLimit. It ends templates
// that never stop writing.
type limited struct {
	strings.Builder
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > queryLimit {
		return 0, fmt.Errorf("the query is longer than %d bytes", queryLimit)
	}
	return l.Builder.Write(p)
}
