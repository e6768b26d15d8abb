// Package router has one provider that is too long and one that is not.
package router

type Provider struct{ Name string }

var Providers = map[string]Provider{
	"long":  long,
	"short": short(),
}
