// Package v1beta1 knows the shell.
package v1beta1

import _ "github.com/serinhq/serin/controller"
