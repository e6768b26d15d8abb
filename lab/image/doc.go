// Package image makes container images out of static programs, without any container
// engine or registry: one layer, one entrypoint, written as a docker-archive.
//
// It knows the image format. It refuses to know who runs the image.
package image
