package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/serinhq/serin/lab/fetch"
)

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{
		"serin": true, "a": true, "demo-2": true,
		"": false, "-a": false, "a-": false, "../etc": false, "Upper": false, strings.Repeat("a", 33): false,
	} {
		if err := checkName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestEnough(t *testing.T) {
	if err := enough("/x", 9*gigabyte, 8*gigabyte); err != nil {
		t.Error(err)
	}
	err := enough("/x", gigabyte/2, gigabyte)
	const want = "the disk of /x has 0.5 GB free and the lab needs 1.0 GB there: make room, or set SERIN_CACHE and GOCACHE to folders on a larger disk"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestDeadLabsAreSweptAndLivingOnesAreNot(t *testing.T) {
	cache := fetch.Cache{Dir: t.TempDir()}
	t.Setenv("SERIN_CACHE", cache.Dir)
	dead := &Cluster{Name: "dead", State: stateDir(cache, "dead"), PID: 1 << 30, Started: "1"}
	starting := &Cluster{Name: "starting", State: stateDir(cache, "starting")}
	for _, c := range []*Cluster{dead, starting} {
		if err := os.MkdirAll(filepath.Join(c.State, "logs"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := c.write(); err != nil {
			t.Fatal(err)
		}
	}
	unlock, free, err := cache.TryLock("lab-starting")
	if err != nil || !free {
		t.Fatal(err)
	}
	defer unlock()
	if err := sweep(t.Context(), cache); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead.State); !os.IsNotExist(err) {
		t.Errorf("the dead lab's state is still there: %v", err)
	}
	if _, err := os.Stat(starting.State); err != nil {
		t.Errorf("the state of a lab that is starting was removed: %v", err)
	}
	if _, err := Find("dead"); err == nil || !strings.Contains(err.Error(), "no lab named dead is running") {
		t.Errorf("finding it: %v", err)
	}
}
