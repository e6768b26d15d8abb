// Package budget measures the source and says what has grown too long: files,
// functions, parameter lists, interfaces, the core and each traffic provider.
// Length is not quality, but a limit that a test guards makes somebody think
// before the three-hundredth line of a loop is written.
//
// It knows lines and syntax. It refuses to judge tests and generated files,
// which are tables and lists for the most part.
package budget
