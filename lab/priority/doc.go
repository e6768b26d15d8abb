// Package priority lets the lab go first. Its pods are measured in milliseconds, so a
// build that runs beside them on the same cores must not look like a slow release.
//
// It knows the niceness of processes. It refuses to know who needs it: the node of a lab
// and the traffic it is under call it.
package priority
