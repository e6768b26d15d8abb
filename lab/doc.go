// Program lab starts and ends a real single-node Kubernetes for Serin's demo and tests.
// Programs use package cluster; see the README.
package main
