// Package rollout is too long in every way the limits of the test know.
package rollout

// Clock has too many methods.
type Clock interface {
	Now() int
	Since(int) int
	Until(int) int
}

// Number is a constraint; its union is no method.
type Number interface{ ~int | ~float64 }

func long(a, b, c int) int {
	a++
	b++
	c++
	return a + b + c
}

func short() {
	_ = func(a, b, c int) {}
}
