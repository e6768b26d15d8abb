//go:build unix

package demo

import (
	"os"

	"golang.org/x/sys/unix"
)

// terminalWidth is in characters; not ok if the file is no terminal.
func terminalWidth(file *os.File) (int, bool) {
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	if size.Col == 0 { // it does not know
		return usualWidth, true
	}
	return int(size.Col), true
}
