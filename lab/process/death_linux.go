package process

import "syscall"

// dieWithUs lets the kernel kill the program when this process dies, however it dies.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
