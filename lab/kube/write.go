package kube

import (
	"context"
	"fmt"
	"net/http"
)

// Create makes an object (JSON) in the collection at path.
func (c *Client) Create(ctx context.Context, path string, object []byte) error {
	body, err := c.open(ctx, http.MethodPost, path, "application/json", object)
	if err != nil {
		return fmt.Errorf("create in %s: %w", path, err)
	}
	return body.Close()
}

// Merge changes the fields that patch (JSON) names in the object at path.
func (c *Client) Merge(ctx context.Context, path string, patch []byte) error {
	body, err := c.open(ctx, http.MethodPatch, path, "application/merge-patch+json", patch)
	if err != nil {
		return fmt.Errorf("change %s: %w", path, err)
	}
	return body.Close()
}
