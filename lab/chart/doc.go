// Package chart renders Serin's Helm chart for the lab, so that what the lab
// installs is what users install.
//
// It knows the part of Helm's template language that the chart uses; a function
// it does not know is an error. It refuses to be Helm: there are no hooks, no
// dependencies, no schema and no release kept in the cluster. Helm's own engine
// would say the same, at the price of 145 s of compiling before the first demo;
// that it does say the same is tested, against what Helm itself made of the
// chart (charts/testdata).
package chart
