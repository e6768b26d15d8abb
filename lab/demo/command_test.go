package demo

import (
	"io"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	complete := map[string]string{
		"CLUSTER": "existing", "KUBECONFIG": "/k", "GATEWAY": "infra/public",
		"GATEWAY_URL": "http://gw", "PROMETHEUS_URL": "http://prometheus:9090",
	}
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want string // part of the error; empty for none
	}{
		"the lab":                      {nil, nil, ""},
		"existing":                     {nil, complete, ""},
		"flags win over environment":   {[]string{"-gateway=public"}, complete, "say also GATEWAY (namespace/name)"},
		"all that is missing is named": {[]string{"-cluster=existing", "-kubeconfig=/k"}, nil, "GATEWAY (namespace/name), GATEWAY_URL (where this machine reaches it), PROMETHEUS_URL"},
		"a cluster nobody knows":       {[]string{"-cluster=kind"}, nil, `there is no cluster "kind"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(c.args, func(key string) string { return c.env[key] }, io.Discard)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want ...%s...", err, c.want)
			}
		})
	}
}

func TestKeepIsAskedForByTheEnvironment(t *testing.T) {
	s, err := read(nil, func(key string) string { return map[string]string{"KEEP": "1"}[key] }, io.Discard)
	if err != nil || !s.keep {
		t.Errorf("keep is %t, %v", s.keep, err)
	}
}
