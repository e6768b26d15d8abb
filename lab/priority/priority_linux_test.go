package priority

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// What is started after Raise inherits it, whichever thread starts it.
func TestRaiseIsInherited(t *testing.T) {
	if err := Raise(); err != nil {
		t.Fatal(err)
	}
	// The system call answers 20 - niceness.
	got, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	nice := 20 - got
	if nice != ahead && nice < 0 {
		t.Fatalf("niceness %d, want %d or, without the right to it, what it was", nice, ahead)
	}
	for range 8 {
		out, err := exec.Command("cut", "--delimiter= ", "--fields=19", "/proc/self/stat").Output()
		if err != nil {
			t.Fatal(err)
		}
		if child := strings.TrimSpace(string(out)); nice == ahead && child != "-10" {
			t.Errorf("a child has niceness %s", child)
		}
	}
}
