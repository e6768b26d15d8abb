//go:build !linux

package priority

// Raise does nothing where there is no lab.
func Raise() error { return nil }

// RaiseSession does nothing where there is no lab.
func RaiseSession() error { return nil }
