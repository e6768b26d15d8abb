package fetch

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestEntryIsMadeOnceByManyAtATime(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	var fills atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			dir, err := cache.Entry(t.Context(), "thing-1", func(dir string) error {
				fills.Add(1)
				return os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if data, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(data) != "content" {
				t.Errorf("the entry holds %q, %v", data, err)
			}
		})
	}
	group.Wait()
	if fills.Load() != 1 {
		t.Errorf("the entry was made %d times", fills.Load())
	}
}

func TestEntryThatFailsLeavesNothing(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	broken := errors.New("the network is down")
	_, err := cache.Entry(t.Context(), "thing-1", func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o600), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if cache.Has("thing-1") {
		t.Error("half an entry is in the cache")
	}
	if left, _ := filepath.Glob(filepath.Join(cache.Dir, ".making*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestEntryRemovesWhatAKilledMakerLeft(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	left := filepath.Join(cache.Dir, ".making-thing-1-123")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Entry(t.Context(), "thing-1", func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there (%v)", left, err)
	}
}

func TestTryLockIsRefusedWhileHeld(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	unlock, free, err := cache.TryLock("it")
	if err != nil || !free {
		t.Fatalf("first: %v %v", free, err)
	}
	if _, free, err := cache.TryLock("it"); err != nil || free {
		t.Fatalf("second: %v %v", free, err)
	}
	unlock()
	if unlock, free, err = cache.TryLock("it"); err != nil || !free {
		t.Fatalf("after unlock: %v %v", free, err)
	}
	unlock()
}

func TestSumKeepsPartsApart(t *testing.T) {
	if Sum([]byte("ab"), []byte("c")) == Sum([]byte("a"), []byte("bc")) {
		t.Error("two different lists of parts have one sum")
	}
}

func TestOpenFindsTheFolder(t *testing.T) {
	base := t.TempDir()
	for _, c := range []struct{ name, serin, xdg, want string }{
		{"own variable wins", base + "/own", base + "/xdg", base + "/own"},
		{"then the desktop's", "", base + "/xdg", base + "/xdg/serin"},
		{"then home", "", "", base + "/home/.cache/serin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SERIN_CACHE", c.serin)
			t.Setenv("XDG_CACHE_HOME", c.xdg)
			t.Setenv("HOME", base+"/home")
			cache, err := Open()
			if err != nil || cache.Dir != c.want {
				t.Errorf("got %s, %v", cache.Dir, err)
			}
		})
	}
}
