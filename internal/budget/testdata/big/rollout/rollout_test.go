package rollout

func table(a, b, c int) int {
	a++
	b++
	c++
	return a + b + c
}
