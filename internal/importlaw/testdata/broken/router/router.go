// Package router knows a stranger and, rightly, apply configurations.
package router

import (
	_ "github.com/serinhq/serin/metric"
	_ "k8s.io/client-go/applyconfigurations/core/v1"
	_ "k8s.io/client-go/kubernetes"
)
