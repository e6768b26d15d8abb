//go:build !unix

package demo

import "os"

// terminalWidth takes no file for a terminal: lines can be read everywhere.
func terminalWidth(*os.File) (int, bool) { return 0, false }
