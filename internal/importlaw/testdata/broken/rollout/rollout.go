// Package rollout breaks every law of the core.
package rollout

import (
	clock "time"

	"github.com/serinhq/serin/judge"
	_ "k8s.io/api/core/v1"
	_ "net/http"
)

// Since reads a clock under another name.
var Since = clock.Now()

// Hold is allowed: time as a value.
const Hold = clock.Second

var _ = judge.Verdict
