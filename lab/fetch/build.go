package fetch

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Build returns the path of the tool's program, and builds it first if it is not cached.
// Builds wait for each other, also those of other processes: two at once on two cores
// are slower than one after the other.
func (c Cache) Build(ctx context.Context, tool Tool, note Note) (string, error) {
	source, err := tool.source()
	if err != nil {
		return "", err
	}
	key, err := tool.key(source)
	if err != nil {
		return "", err
	}
	dir, err := c.Entry(ctx, key, func(dir string) error {
		unlock, err := c.Lock(ctx, "go-build")
		if err != nil {
			return err
		}
		defer unlock()
		return c.within(ctx, tool, note, func(source string) error {
			return build(ctx, tool, source, filepath.Join(dir, tool.Name), note)
		})
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, tool.Name), nil
}

// Built tells whether the tool is in the cache.
func (c Cache) Built(tool Tool) bool {
	source, err := tool.source()
	if err != nil {
		return false
	}
	key, err := tool.key(source)
	return err == nil && c.Has(key)
}

// Download fetches the modules the tool is made of, so that its build need not wait for
// the network. It is meant to run while another tool is being built.
func (c Cache) Download(ctx context.Context, tool Tool, note Note) error {
	if c.Built(tool) {
		return nil
	}
	return c.within(ctx, tool, note, func(source string) error {
		_, err := dependencies(ctx, tool, source, note)
		return err
	})
}

// within calls use with the folder of the module from which the tool is built: its own, or
// a copy of it, for as long as use lasts, whose patched dependencies are replaced.
func (c Cache) within(ctx context.Context, tool Tool, note Note, use func(source string) error) error {
	source, err := tool.source()
	if err != nil {
		return err
	}
	if len(tool.Patches) == 0 {
		return use(source)
	}
	// A build waits for its download, which fetches what it would fetch.
	unlock, err := c.Lock(ctx, "patched-"+tool.Name)
	if err != nil {
		return err
	}
	defer unlock()
	work, err := c.temp("patched-" + tool.Name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if source, err = tool.patched(ctx, source, work, note); err != nil {
		return err
	}
	return use(source)
}

func build(ctx context.Context, tool Tool, source, out string, note Note) error {
	total, err := dependencies(ctx, tool, source, note)
	if err != nil {
		return err
	}
	args := slices.Concat([]string{"build", "-v"}, tool.flags(), []string{"-ldflags", ldflags(tool), "-o", out, tool.Package})
	compiled := 0
	said, err := runGo(ctx, source, args, io.Discard, func(string) {
		compiled++
		note(fmt.Sprintf("compiled %d of at most %d packages", compiled, total))
	})
	if err != nil {
		// What was compiled beside the package with the fault does not tell of it.
		said = slices.DeleteFunc(said, func(line string) bool { return !strings.Contains(line, " ") })
		return explain(fmt.Sprintf("build %s %s", tool.Name, tool.Version), said, err)
	}
	return nil
}

// CompilerFlags are those of all programs of the lab, Serin included, so that they share
// what is compiled; the Makefile has them, too. They are for a short first build: the
// debugger's tables are left out, as the linker drops them anyway, functions outside of the
// standard library are not inlined, and each compiler works alone, as there are as many of
// them as processors. Measured together with compilerEnv: a third less time.
func CompilerFlags() []string {
	return []string{"-trimpath", "-gcflags=all=-dwarf=false -l -c=1", "-gcflags=std=-dwarf=false -c=1"}
}

// compilerEnv lets compilers, which live for seconds, collect no garbage before they are
// large: a tenth of their time.
func compilerEnv() []string { return []string{"GOGC=off", "GOMEMLIMIT=2GiB"} }

// ldflags are the same for all tools but for the stamps. The flags of the compiler have to
// be equal everywhere, or the tools would not share the build cache; those of the linker do not.
func ldflags(tool Tool) string {
	flags := []string{"-s", "-w"}
	for _, stamp := range tool.Stamps {
		flags = append(flags, "-X", stamp)
	}
	return strings.Join(flags, " ")
}

// dependencies counts the packages the tool is made of. Go fetches what is missing for it.
func dependencies(ctx context.Context, tool Tool, source string, note Note) (int, error) {
	modules := 0
	var out bytes.Buffer
	args := []string{"list", "-deps", tool.Package}
	said, err := runGo(ctx, source, args, &out, func(string) {
		modules++
		note(fmt.Sprintf("fetched %d modules", modules))
	})
	if err != nil {
		return 0, explain(fmt.Sprintf("fetch the modules of %s %s", tool.Name, tool.Version), said, err)
	}
	return bytes.Count(out.Bytes(), []byte("\n")), nil
}

// runGo runs the go command, calls line for each line on its standard error, and returns
// the newest of those lines for an error message.
func runGo(ctx context.Context, dir string, args []string, out io.Writer, line func(string)) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stdout = dir, out
	cmd.Env = slices.Concat(os.Environ(), []string{"CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-buildvcs=false"}, compilerEnv())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("read from go: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start go: %w", err)
	}
	var newest []string
	scanner := bufio.NewScanner(stderr)
	for scanner.Scan() {
		const keep = 20
		newest = append(newest, scanner.Text())
		newest = newest[max(0, len(newest)-keep):]
		line(scanner.Text())
	}
	if err := cmd.Wait(); err != nil {
		return newest, err
	}
	return newest, scanner.Err()
}
