//go:build !linux

package process

import "syscall"

// dieWithUs is more than other systems offer: there, a killed test leaves its programs behind.
func dieWithUs() *syscall.SysProcAttr { return nil }
