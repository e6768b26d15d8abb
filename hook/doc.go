// Package hook asks webhooks: one request out, one answer back.
//
// It knows the request users' receivers already understand, when to try again
// and what counts as yes. It refuses to know when a hook is asked, what its
// answer does to a release and how that is worded: all kinds of hook are
// called alike, and the caller says in which phase.
package hook
