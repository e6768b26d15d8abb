package workload

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Object is JSON with kind and name, complete for server-side apply.
type Object = unstructured.Unstructured

// Owner is the Canary for which an object is made. The zero value is nobody:
// objects made for nobody carry no owner reference.
type Owner struct {
	Name string
	UID  string
}

// Claim says whose an object is.
type Claim int8

// The claims. The zero value is an object that no Canary controls.
const (
	Unclaimed Claim = iota
	Ours
	Theirs // controlled by another Canary
)

// Claim reports whether obj is controlled by this owner, by another Canary or
// by none. Controllers of other kinds do not count: they do not divide traffic.
func (o Owner) Claim(obj metav1.Object) Claim { return Unclaimed }
