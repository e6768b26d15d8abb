package fetch

import (
	"fmt"
	"strings"
)

// RegistryError says that something could not be fetched because its registry did not
// give it: it is down, out of reach, or refuses.
type RegistryError struct {
	Doing  string
	Answer string
}

func (e RegistryError) Error() string {
	return fmt.Sprintf("%s: the registry is out of reach (%s); check the network, the proxy settings and GOPROXY, and try again",
		e.Doing, e.Answer)
}

// signs of a registry that is out of reach, in the words of go, apt and pip. They only
// choose the sentence for the user; no decision rests on them.
func signs() []string {
	return []string{
		"403 Forbidden", "404 Not Found", "502 Bad Gateway", "503 Service", "407 Proxy",
		"dial tcp", "i/o timeout", "no such host", "connection refused", "TLS handshake",
		"proxyconnect", "Could not resolve", "Failed to fetch", "Unable to fetch", "Could not connect",
		"Connection timed out", "NewConnectionError", "Could not find a version", "Max retries exceeded",
	}
}

// explain turns what a program said before it failed into one error.
func explain(doing string, said []string, err error) error {
	for _, line := range said {
		for _, sign := range signs() {
			if strings.Contains(line, sign) {
				return RegistryError{Doing: doing, Answer: shorten(line)}
			}
		}
	}
	if len(said) == 0 {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %s", doing, err, shorten(strings.Join(said[max(0, len(said)-3):], "; ")))
}

func shorten(text string) string {
	const most = 300
	text = strings.TrimSpace(text)
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
