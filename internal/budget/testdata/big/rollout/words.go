package rollout

const (
	one = "words"
	two = "are data"
)
