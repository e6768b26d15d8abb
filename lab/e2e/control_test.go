package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/serinhq/serin/lab/await"
	"github.com/serinhq/serin/lab/control"
	"github.com/serinhq/serin/lab/fetch"
)

func TestControlPlaneMakesPods(t *testing.T) {
	cache, err := fetch.Open()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := cache.Build(t.Context(), fetch.Kubernetes(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	program, err := cache.Build(t.Context(), fetch.Kubectl(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	plane, err := control.Start(t.Context(), control.Options{Binary: binary})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("ready after %s", time.Since(begun))
	kubectl := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), program, append([]string{"--kubeconfig=" + plane.Kubeconfig}, args...)...)
		return cmd.CombinedOutput()
	}
	if out, err := kubectl("create", "deployment", "app", "--image=lab.local/app:1", "--replicas=2"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	err = await.Condition(t.Context(), patience, "wait for pods", func(context.Context) error {
		out, err := kubectl("get", "pods", "-o", "json")
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		var list struct{ Items []json.RawMessage }
		if err := json.Unmarshal(out, &list); err != nil {
			return err
		}
		if len(list.Items) != 2 {
			return fmt.Errorf("%d of 2", len(list.Items))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := plane.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(plane.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there (%v)", plane.Dir, err)
	}
}
