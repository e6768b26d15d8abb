// Package source reads the Go files that people wrote, for tests that judge
// them: importlaw, budget and habit.
//
// It knows which folders and files are ours. It refuses to know what is good
// or bad in them.
package source
