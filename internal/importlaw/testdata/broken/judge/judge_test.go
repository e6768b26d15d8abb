package judge

import (
	"testing/synctest"
	"time"
)

// In a bubble sleeping costs nothing, so it is allowed.
func wait() { time.Sleep(time.Hour); synctest.Wait() }
