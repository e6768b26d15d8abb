package node

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Event is what the inside tells the outside while it starts.
type Event struct {
	Step  string `json:"step,omitempty"`  // what it is about
	Done  bool   `json:"done,omitempty"`  // the step has ended well
	Error string `json:"error,omitempty"` // the start has failed, and why
	Ready bool   `json:"ready,omitempty"` // everything runs
}

// speaker writes events. When nobody listens any more before the start has ended, the
// outside was killed, and writing fails: the inside then ends too.
type speaker struct {
	mu  sync.Mutex
	out io.Writer
}

func (s *speaker) say(e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.NewEncoder(s.out).Encode(e); err != nil {
		return fmt.Errorf("tell how far the start is: %w", err)
	}
	return nil
}

// step runs work and tells that it began and ended.
func (s *speaker) step(name string, work func() error) error {
	if err := s.say(Event{Step: name}); err != nil {
		return err
	}
	if err := work(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return s.say(Event{Step: name, Done: true})
}
