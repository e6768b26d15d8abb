package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/serinhq/serin/lab/await"
)

// Cache is a folder of finished entries. An entry appears whole or not at all, and its
// name contains a hash of all it was made from, so it is never stale.
type Cache struct{ Dir string }

// Note takes a line that says how far a long work is.
type Note func(text string)

// Open finds the cache: $SERIN_CACHE, else $XDG_CACHE_HOME/serin, else ~/.cache/serin.
func Open() (Cache, error) {
	dir := os.Getenv("SERIN_CACHE")
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return Cache{}, fmt.Errorf("no cache folder, set SERIN_CACHE to one: %w", err)
		}
		dir = filepath.Join(base, "serin")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Cache{}, fmt.Errorf("find the cache folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Cache{}, fmt.Errorf("the cache folder cannot be made, set SERIN_CACHE to another: %w", err)
	}
	return Cache{Dir: dir}, nil
}

// Sum is the short hash under which things made of parts are kept.
func Sum(parts ...[]byte) string {
	hash := sha256.New()
	for _, part := range parts {
		// The length keeps ("ab","c") apart from ("a","bc").
		fmt.Fprintf(hash, "%d:", len(part))
		hash.Write(part)
	}
	const digits = 12
	return hex.EncodeToString(hash.Sum(nil))[:digits]
}

// Has tells whether the entry is there already.
func (c Cache) Has(name string) bool {
	_, err := os.Stat(filepath.Join(c.Dir, name))
	return err == nil
}

// Entry returns the folder of the entry and makes it first if it is not there: fill gets
// an empty folder, which takes its final name only when fill succeeded. Other processes
// that want the same entry meanwhile wait and find it.
func (c Cache) Entry(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	final := filepath.Join(c.Dir, name)
	if c.Has(name) {
		return final, nil
	}
	unlock, err := c.Lock(ctx, name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if c.Has(name) {
		return final, nil
	}
	temp, err := c.temp("making-" + name)
	if err != nil {
		return "", err
	}
	if err := c.fill(temp, final, fill); err != nil {
		return "", errors.Join(err, os.RemoveAll(temp))
	}
	return final, nil
}

func (c Cache) fill(temp, final string, fill func(string) error) error {
	if err := os.Chmod(temp, 0o755); err != nil {
		return fmt.Errorf("open %s for reading: %w", temp, err)
	}
	if err := fill(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, final); err != nil {
		return fmt.Errorf("finish a cache entry: %w", err)
	}
	return nil
}

// temp makes an empty folder of that name, and removes those that killed processes have
// left. The caller holds a lock that nobody else who uses the name can hold.
func (c Cache) temp(name string) (string, error) {
	left, err := filepath.Glob(filepath.Join(c.Dir, "."+name+"-*"))
	if err != nil {
		return "", fmt.Errorf("look for leftovers of %s: %w", name, err)
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return "", fmt.Errorf("remove leftovers: %w", err)
		}
	}
	dir, err := os.MkdirTemp(c.Dir, "."+name+"-")
	if err != nil {
		return "", fmt.Errorf("make a folder for %s: %w", name, err)
	}
	return dir, nil
}

// lockLimit is how long another process may take to make what we want: a first build.
const lockLimit = 30 * time.Minute

// Lock takes the named lock of this cache, waiting for other processes to leave it. The
// kernel frees it when its holder dies.
func (c Cache) Lock(ctx context.Context, name string) (unlock func(), err error) {
	err = await.Condition(ctx, lockLimit, "wait for another process to leave "+name, func(context.Context) error {
		var free bool
		unlock, free, err = c.TryLock(name)
		if err != nil {
			return await.Final{Err: err}
		}
		if !free {
			return errors.New("it is still there")
		}
		return nil
	})
	return unlock, err
}

// TryLock takes the named lock if it is free.
func (c Cache) TryLock(name string) (unlock func(), free bool, err error) {
	dir := filepath.Join(c.Dir, "locks")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, false, fmt.Errorf("make the folder of locks: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, false, fmt.Errorf("open a lock: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, false, file.Close()
	}
	if err != nil {
		return nil, false, errors.Join(fmt.Errorf("take the lock %s: %w", name, err), file.Close())
	}
	return func() { _ = file.Close() }, true, nil // closing frees the lock; there is nothing to lose
}
