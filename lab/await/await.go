package await

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Pace is the pause between two looks. Starting a node is a chain of such waits, so
// the pause is short; a look is one request to loopback.
const Pace = 25 * time.Millisecond

// Condition looks again and again until look returns nil, and returns an error that
// names what was awaited and the last answer when limit has passed or ctx ends.
func Condition(ctx context.Context, limit time.Duration, what string, look func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(Pace)
	defer ticker.Stop()
	var last error
	for {
		err := look(ctx)
		if err == nil {
			return nil
		}
		// The look that the deadline cut short says nothing; the one before it does.
		if ctx.Err() == nil || last == nil {
			last = err
		}
		if final, ok := errors.AsType[Final](err); ok {
			return fmt.Errorf("%s: %w", what, final.Err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %s: %w", what, limit, last)
		case <-ticker.C:
		}
	}
}

// Final wraps an error that waiting longer cannot cure, such as a process that ended.
type Final struct{ Err error }

func (f Final) Error() string { return f.Err.Error() }

func (f Final) Unwrap() error { return f.Err }
