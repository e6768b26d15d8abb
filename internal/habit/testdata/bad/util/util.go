package util

import (
	"errors"
	"testing"
)

var state string

func init() { state = "set" }

// GetState has a prefix.
func GetState() string { return state }

// Getter has none.
func Getter() {}

type iterator struct{}

// Skip is a method of our own, not a test's.
func (iterator) Skip() {}

var errLoad = errors.New("failed to load")

// TODO: write it.
func check(t *testing.T, it iterator) {
	it.Skip()
	t.Skip("later")
}
