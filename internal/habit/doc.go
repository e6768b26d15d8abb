// Package habit lists what this code base never does, and reads the source to
// see that it does not: small things that a linter does not know and a
// reviewer forgets.
//
// It knows syntax and comments. It refuses to know types, lengths and imports;
// budget and importlaw know those.
package habit
