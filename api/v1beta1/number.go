package v1beta1

import (
	"math"
	"strings"
)

// whole is a JSON number without a fraction, however it was parsed.
func whole(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		// Beyond 2^53 a float64 no longer says which whole number was meant.
		if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
			return 0, false
		}
		return int64(n), true
	}
	return 0, false
}

// decimal is a JSON number, however it was parsed.
func decimal(value any) (float64, bool) {
	switch n := value.(type) {
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}

// shown is a value as an error may show it: whole objects are not, they may
// hold what nobody should read.
func shown(value any) any {
	const longest = 64
	switch v := value.(type) {
	case float64:
		if n, ok := whole(v); ok {
			return n
		}
	case map[string]any:
		return "{...}"
	case []any:
		return "[...]"
	case string:
		if runes := []rune(v); len(runes) > longest {
			return strings.ToValidUTF8(string(runes[:longest]), "") + "..."
		}
	}
	return value
}
