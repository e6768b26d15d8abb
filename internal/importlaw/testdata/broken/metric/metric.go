// Package metric is innocent: a backend is asked over HTTP.
package metric

import _ "net/http"
