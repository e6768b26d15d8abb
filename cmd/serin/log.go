package main

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
)

// logger writes one JSON object per line, with the keys that people already
// filter by: level (lower case), ts, caller, msg. A level that is not known
// means info, as it always did.
func logger(w io.Writer, level, encoding string) *slog.Logger {
	options := &slog.HandlerOptions{AddSource: true, Level: threshold(level), ReplaceAttr: rename}
	if encoding == "console" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func threshold(level string) slog.Level {
	switch strings.ToLower(level) {
	case "debug":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "fatal", "panic":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

// word for a level. Libraries have levels in between, for which slog would say
// debug+3.
func word(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "debug"
	case level < slog.LevelWarn:
		return "info"
	case level < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}

func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		return slog.String("ts", a.Value.Time().UTC().Format("2006-01-02T15:04:05.000Z0700"))
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			return slog.String("level", word(level))
		}
	case slog.SourceKey:
		if source, ok := a.Value.Any().(*slog.Source); ok {
			dir := filepath.Base(filepath.Dir(source.File))
			return slog.String("caller", fmt.Sprintf("%s/%s:%d", dir, filepath.Base(source.File), source.Line))
		}
	}
	return a
}
