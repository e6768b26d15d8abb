// Package v1alpha3 is the older name of the API, served so that manifests and
// clients that still use it go on working. Its objects are the same JSON as
// those of v1beta1, spec.canaryAnalysis included, and are converted by writing
// another apiVersion on them.
//
// It knows nothing but its name and its printer columns: the operator reads
// every Canary as [github.com/serinhq/serin/api/v1beta1].
//
// +kubebuilder:object:generate=true
// +groupName=flagger.app
package v1alpha3
