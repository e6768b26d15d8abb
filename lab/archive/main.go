// Program archive puts one static program into an image and writes it as an
// archive that docker load, ctr images import and skopeo read.
//
// It knows its three arguments. It refuses to know clusters and registries:
// `go run . image load` brings an image into a running lab.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/serinhq/serin/lab/image"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "archive: say archive IMAGE PROGRAM FILE, such as archive serinhq/serin:dev bin/serin bin/serin.tar")
		os.Exit(2)
	}
	name, program, file := os.Args[1], os.Args[2], os.Args[3]
	if err := image.Write(image.Program(name, filepath.Base(program), program), file); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}
