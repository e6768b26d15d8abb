// Package e2e proves the lab on the machine it runs on. Its tests need root and, the
// first time, minutes: they are run by name (go test ./e2e) and never skipped.
package e2e
