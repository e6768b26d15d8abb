package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Follower is told about all objects of a kind: all at once, and then each change.
type Follower[T any] interface {
	Replace(all []T)
	Change(kind string, object T) // kind is ADDED, MODIFIED or DELETED
}

// Follow follows the objects at path until ctx ends. After an error, and when the server
// ends the watch, which it does now and then, it begins again with a list.
func Follow[T any](ctx context.Context, client *Client, path string, follower Follower[T]) {
	for ctx.Err() == nil {
		if err := followOnce(ctx, client, path, follower); err != nil && ctx.Err() == nil {
			slog.Warn("a watch begins again", "path", path, "err", err)
			pause(ctx)
		}
	}
}

// pause keeps a broken API server from being asked without end.
func pause(ctx context.Context) {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func followOnce[T any](ctx context.Context, client *Client, path string, follower Follower[T]) error {
	var list struct {
		Metadata struct{ ResourceVersion string }
		Items    []T
	}
	if err := client.Read(ctx, path, &list); err != nil {
		return err
	}
	follower.Replace(list.Items)
	body, err := client.open(ctx, "GET", path+"?watch=1&resourceVersion="+list.Metadata.ResourceVersion, "", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	decoder := json.NewDecoder(body)
	for {
		var event struct {
			Type   string
			Object T
		}
		if err := decoder.Decode(&event); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the watch of %s: %w", path, err)
		}
		if event.Type == "ERROR" {
			return fmt.Errorf("the watch of %s is too old", path)
		}
		follower.Change(event.Type, event.Object)
	}
}
