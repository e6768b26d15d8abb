package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
)

// People filter by these keys: kubectl logs deployment/flagger | jq .msg
func TestLogLine(t *testing.T) {
	var out bytes.Buffer
	began := time.Now().Truncate(time.Millisecond)
	logger(&out, "debug", "json").With("canary", "podinfo.test").Warn("Halt podinfo.test advancement", "weight", 20)
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("not one line: %q", &out)
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"caller", "canary", "level", "msg", "ts", "weight"}, slices.Sorted(maps.Keys(line))); diff != "" {
		t.Errorf("keys, -want +got\n%s", diff)
	}
	if line["level"] != "warn" || line["msg"] != "Halt podinfo.test advancement" || line["canary"] != "podinfo.test" {
		t.Errorf("the line is %s", &out)
	}
	ts, _ := line["ts"].(string)
	at, err := time.Parse("2006-01-02T15:04:05.000Z07:00", ts)
	if err != nil || at.Before(began) || time.Since(at) > time.Minute || !strings.HasSuffix(ts, "Z") {
		t.Errorf("ts is %q, %v", ts, err)
	}
	if caller, _ := line["caller"].(string); !regexp.MustCompile(`^serin/log_test\.go:\d+$`).MatchString(caller) {
		t.Errorf("caller is %q", caller)
	}
}

func TestLogLevels(t *testing.T) {
	for given, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
		"fatal": slog.LevelError, "panic": slog.LevelError, "ERROR": slog.LevelError,
		"": slog.LevelInfo, "loud": slog.LevelInfo,
	} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			var out bytes.Buffer
			logger(&out, given, "json").Log(t.Context(), level, "text")
			if written := out.Len() > 0; written != (level >= want) {
				t.Errorf("-log-level=%s writes %s: %t", given, level, written)
			}
			if out.Len() > 0 && !strings.Contains(out.String(), `"level":"`+strings.ToLower(level.String())+`"`) {
				t.Errorf("level %s is written as %s", level, &out)
			}
		}
	}
}

// Libraries log through logr; their lines have the same keys.
func TestLogOfLibraries(t *testing.T) {
	var out bytes.Buffer
	library := logr.FromSlogHandler(logger(&out, "debug", "json").Handler())
	library.V(1).Info("chatty")
	if !strings.Contains(out.String(), `"level":"debug",`) {
		t.Errorf("a chatty line is %s", &out)
	}
	out.Reset()
	library.WithName("lease").Error(nil, "lost", "holder", "x")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["level"] != "error" || line["msg"] != "lost" || line["holder"] != "x" || line["logger"] != "lease" {
		t.Errorf("the line is %s", &out)
	}
}

func TestConsole(t *testing.T) {
	var out bytes.Buffer
	logger(&out, "info", "console").Info("text", "canary", "podinfo.test")
	if got := out.String(); !strings.Contains(got, "level=info") || !strings.Contains(got, "msg=text") || !strings.Contains(got, "canary=podinfo.test") {
		t.Errorf("the line is %q", got)
	}
}
