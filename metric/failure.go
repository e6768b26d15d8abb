package metric

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	textLimit     = 1 << 10 // bytes of the longest text of an error
	redacted      = "[redacted]"
	shortestBlind = 8 // bytes of the shortest configured header that is redacted
)

// unavailable is an ErrUnavailable with its reason for a text.
type unavailable struct {
	text  string
	cause error // may be nil
}

func (u *unavailable) Error() string        { return u.text }
func (u *unavailable) Is(target error) bool { return target == ErrUnavailable }
func (u *unavailable) Unwrap() error        { return u.cause }

// userinfo finds credentials in the URLs of a text.
var userinfo = regexp.MustCompile(`://[^\s"]*@`)

// failure returns an ErrUnavailable with a text that is short and holds no
// secrets. It is cut last, so that no half of a secret stays in view.
func failure(secrets *strings.Replacer, cause error, text string) error {
	text = secrets.Replace(userinfo.ReplaceAllString(text, "://"+redacted+"@"))
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > textLimit {
		text = strings.ToValidUTF8(text[:textLimit], "") + "…" // the cut may have split a letter
	}
	return &unavailable{text: text, cause: cause}
}

// redactor returns what takes secrets out of texts. Servers, and above all the
// proxies before them, repeat what they were sent when they refuse it. Which
// of the configured headers are secret cannot be known, so all are, but for
// values too short to be.
func redactor(s Settings, user *url.Userinfo) *strings.Replacer {
	var secrets []string
	hide := func(text string) { secrets = append(secrets, text, strings.TrimSpace(text)) }
	for key, value := range s.Secret {
		if key != "username" {
			hide(string(value))
		}
	}
	if password, ok := s.Secret["password"]; ok {
		hide(credentials(string(s.Secret["username"]), string(password)))
	}
	if user != nil {
		password, ok := user.Password()
		if !ok {
			hide(user.Username()) // a token
		}
		hide(password)
		hide(credentials(user.Username(), password))
	}
	for _, values := range s.Headers {
		for _, value := range values {
			if len(value) >= shortestBlind {
				hide(value)
			}
		}
	}
	// The longest first: of two that begin alike, the shorter would leave the
	// rest of the longer in view.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	var pairs []string
	for _, secret := range slices.Compact(secrets) {
		if secret != "" {
			pairs = append(pairs, secret, redacted)
		}
	}
	return strings.NewReplacer(pairs...)
}

// withoutUserinfo returns an address that may be malformed, fit for an error.
func withoutUserinfo(address string) string {
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		address = redacted + address[at:]
	}
	address, _, _ = strings.Cut(address, "?")
	return address
}
