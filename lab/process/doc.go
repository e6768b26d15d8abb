// Package process starts the programs of a lab and ends them.
//
// It knows how a program is started, where its output goes, and how to tell in one
// sentence why it ended. It refuses to know what any of them is for.
package process
