package rollout

import (
	"time"

	_ "github.com/google/go-cmp/cmp"
	_ "k8s.io/client-go/kubernetes/fake"
)

func wait() { time.Sleep(time.Second) }
