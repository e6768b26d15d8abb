// Package await waits until something is so, and says what did not come to be.
//
// It knows time and conditions. It refuses to know what the conditions are about.
package await
