package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Spec says what to start.
type Spec struct {
	Name string   // what people call it; also the name of its log
	Path string   // the executable
	Args []string // without the program's own name
	Env  []string // added to the environment of this process
	Logs string   // the folder of the log
}

// Process is a started program.
type Process struct {
	Name string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts the program; its output goes to <Logs>/<Name>.log. On Linux the program dies
// with this process, so a killed test leaves nothing behind.
func Start(spec Spec) (*Process, error) {
	log := filepath.Join(spec.Logs, spec.Name+".log")
	file, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", spec.Name, err)
	}
	defer file.Close()
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = dieWithUs()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	p := &Process{Name: spec.Name, log: log, cmd: cmd, done: make(chan struct{})}
	go p.wait()
	return p, nil
}

func (p *Process) wait() {
	// How it ended is read from ProcessState by Err.
	_ = p.cmd.Wait()
	close(p.done)
}

// ID is the number under which the kernel knows the program.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is nil while the program runs, and afterwards says that it ended and what it said last.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended (%s): %s (see %s)", p.Name, p.cmd.ProcessState, lastWords(p.log), p.log)
	default:
		return nil
	}
}

// Stop asks the program to end and kills it when it has not after grace.
func (p *Process) Stop(grace time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.Name, err)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.Name, err)
	}
	<-p.done
	return nil
}

// lastWords is the last line of a log that is not empty, cut to a readable length.
func lastWords(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	line := lines[len(lines)-1]
	if line == "" {
		return "it said nothing"
	}
	const most = 300
	if len(line) > most {
		line = line[:most] + "..."
	}
	return line
}
