package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/kube"
)

// A request is one of the operator's, as the audit log has it.
type request struct {
	at        time.Time
	kind      string // verb and resource
	write     bool
	namespace string
	name      string
	code      int
	took      time.Duration // within the API server
}

// audited reads the operator's requests. Watches are none: they cost their beginning,
// which every start pays once.
func audited(log io.Reader) ([]request, error) {
	var all []request
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var entry struct {
			Stage, Verb, UserAgent                   string
			StageTimestamp, RequestReceivedTimestamp time.Time
			ObjectRef                                struct{ Resource, Subresource, Namespace, Name string }
			ResponseStatus                           struct{ Code int }
		}
		if !strings.Contains(lines.Text(), `"userAgent":"serin/`) {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			continue // the line being written
		}
		if entry.Stage != "ResponseComplete" || entry.Verb == "watch" || entry.ObjectRef.Resource == "leases" {
			continue
		}
		kind := entry.Verb + " " + entry.ObjectRef.Resource
		if entry.ObjectRef.Subresource != "" {
			kind += "/" + entry.ObjectRef.Subresource
		}
		all = append(all, request{at: entry.StageTimestamp, kind: kind, write: entry.Verb != "get" && entry.Verb != "list",
			namespace: entry.ObjectRef.Namespace, name: entry.ObjectRef.Name, code: entry.ResponseStatus.Code,
			took: entry.StageTimestamp.Sub(entry.RequestReceivedTimestamp)})
	}
	return all, lines.Err()
}

// requests reads all of the audit log, also what was rotated away.
func (b *bench) requests() ([]request, error) {
	paths, err := filepath.Glob(filepath.Join(filepath.Dir(b.plane.AuditLog), "audit*.log"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("there is no audit log: %w", err)
	}
	var all []request
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("open the audit log: %w", err)
		}
		found, err := audited(file)
		if err := file.Close(); err != nil {
			return nil, fmt.Errorf("close the audit log: %w", err)
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// between returns the requests that were answered in a span of time.
func between(all []request, from, to time.Time) []request {
	return slices.DeleteFunc(slices.Clone(all), func(r request) bool { return r.at.Before(from) || !r.at.Before(to) })
}

// kinds counts requests by verb and resource, the most frequent first; those that were
// refused are counted apart.
func kinds(all []request) (names []string, counts map[string]int) {
	counts = map[string]int{}
	for _, r := range all {
		const refused = 400
		kind := r.kind
		if r.code >= refused {
			kind = fmt.Sprintf("%s: %d", kind, r.code)
		}
		counts[kind]++
	}
	names = slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	return names, counts
}

// define applies custom resource definitions and waits until the kinds are served.
func define(ctx context.Context, client *kube.Client, paths []string) error {
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read a definition: %w", err)
		}
		var object struct{ Metadata meta }
		if err := yaml.Unmarshal(text, &object); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if err := client.Apply(ctx, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+object.Metadata.Name, text); err != nil {
			return err
		}
	}
	for _, path := range []string{routesPath, canariesPath} {
		const limit = time.Minute
		err := await.Condition(ctx, limit, "wait for "+path, func(ctx context.Context) error {
			var list struct{}
			return client.Read(ctx, path, &list)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
