package workload

import "strings"

// aboutPrimary makes a query that measures a workload, or its canary, measure the
// primary: name and name-canary become name-primary. A name is one only as a
// whole, so that the query of web leaves webshop, my-web and web-admin alone;
// web-[0-9a-z]+ is a pattern of its pods and changes.
//
// Between quotes an underscore ends a name, as in "shop_web_80"; outside of them
// it goes on, as in the name of the metric web_requests_total.
func aboutPrimary(query, name string) string {
	var out strings.Builder
	var quote byte // that began the text around i; none outside of texts
	for i := 0; i < len(query); {
		if n := mention(query, i, name, quote != 0); n > 0 {
			out.WriteString(primaryOf(name))
			i += n
			continue
		}
		quote = after(quote, query[i])
		out.WriteByte(query[i])
		i++
	}
	return out.String()
}

// mention returns how long the name of a workload, its canary or its primary is
// that stands at i; 0 if there is another or none.
func mention(query string, i int, name string, text bool) int {
	rest, found := strings.CutPrefix(query[i:], name)
	if !found || i > 0 && (query[i-1] == '-' || joins(query[i-1], text)) {
		return 0
	}
	for _, side := range []string{"-canary", "-primary"} {
		if behind, ok := strings.CutPrefix(rest, side); ok && !goesOn(behind, text) {
			return len(name) + len(side)
		}
	}
	if goesOn(rest, text) {
		return 0
	}
	return len(name)
}

// goesOn reports whether what follows a name makes it a longer one.
func goesOn(rest string, text bool) bool {
	if len(rest) > 1 && rest[0] == '-' {
		return joins(rest[1], text)
	}
	return rest != "" && joins(rest[0], text)
}

// joins reports whether a character beside a name belongs to it.
func joins(c byte, text bool) bool {
	switch {
	case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return true
	case c == '_', c == ':': // a recording rule is named job:metric:rate5m
		return !text
	default:
		return false
	}
}

// after returns the quote that is open behind a character.
func after(quote, c byte) byte {
	switch {
	case c != '"' && c != '\'' && c != '`', quote != 0 && quote != c:
		return quote
	case quote == c:
		return 0
	default:
		return c
	}
}
