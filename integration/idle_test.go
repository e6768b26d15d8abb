package integration

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// An idle Canary costs the API server nothing. The audit log is the witness.
func TestIdleCanaryCostsNoRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.begin(weighted)
	w.push("app:2")
	w.phase("Succeeded")

	// What a release leaves behind settles at once; a minute is then many
	// intervals of the analysis.
	const settle, quiet = 5 * time.Second, 60 * time.Second
	from := time.Now().Add(settle)
	select {
	case <-time.After(settle + quiet):
	case <-w.ctx.Done():
	}
	if requests := audited(t, w.agent, from); len(requests) > 0 {
		t.Errorf("the operator sent %d requests in %s with nothing to do:\n%s", len(requests), quiet, strings.Join(requests, "\n"))
	}
	if all := audited(t, w.agent, time.Time{}); len(all) == 0 {
		t.Error("the audit log does not show the operator at all")
	}
}

// audited returns the requests of a user agent that ended after a time, without
// the renewals of leases and watches.
func audited(t *testing.T, agent string, from time.Time) []string {
	t.Helper()
	log, err := os.Open(plane.auditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var found []string
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var entry struct {
			Stage, Verb, RequestURI, UserAgent string
			StageTimestamp                     time.Time
			ObjectRef                          struct{ Resource string }
		}
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			continue // the line being written
		}
		renewal := entry.Verb == "watch" || entry.ObjectRef.Resource == "leases" || discovers(entry.RequestURI)
		if entry.UserAgent == agent && !renewal && entry.StageTimestamp.After(from) {
			found = append(found, entry.StageTimestamp.Format(time.TimeOnly)+" "+entry.Verb+" "+entry.RequestURI)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// discovers reports whether a request is about the kinds that there are. Tests beside
// this one install some, and the operator takes them up.
func discovers(uri string) bool {
	parts := strings.Split(strings.Trim(uri, "/"), "/")
	return strings.HasPrefix(uri, "/apis/apiextensions.k8s.io/") || parts[0] == "apis" && len(parts) <= 3
}
