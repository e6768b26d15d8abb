package node

import (
	"strings"
	"testing"
)

func TestTraefikIsScrapedWhereItRuns(t *testing.T) {
	for _, c := range []struct {
		name, program string
		scraped       bool
	}{
		{"a lab without it", "", false},
		{"a lab with it", "/bin/traefik", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(Config{Traefik: c.program}, nil)
			if got := strings.Contains(prometheusConfig()+n.traefikScrape(), `["127.0.0.1:`+traefikMetrics+`"]`); got != c.scraped {
				t.Errorf("scraped: %v", got)
			}
		})
	}
}
