package demo

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/serinhq/serin/lab/traffic"
)

// A measured share is off by chance alone. The tale must not promise what four standard
// deviations do not hold, or one run in a hundred would fail for nothing.
func TestPromisedPointsAreFourSigmas(t *testing.T) {
	tale := Tale()
	for _, act := range tale.Acts {
		if act.Expect.Points == 0 {
			continue
		}
		for _, weight := range act.Expect.Weights {
			off := traffic.SampleError(float64(weight), tale.Rate, tale.Interval-settling, 4)
			if off > act.Expect.Points {
				t.Errorf("%s at %d %%: four sigmas are %.2f points, %g are promised", act.Name, weight, off, act.Expect.Points)
			}
		}
	}
}

func TestTheTaleFitsIntoFourMinutes(t *testing.T) {
	tale := Tale()
	var steps int
	for _, act := range tale.Acts {
		steps += len(act.Expect.Weights)
	}
	// 15 s to start the lab, 10 s for each act to bring pods up and to promote or undo.
	acts := time.Duration(len(tale.Acts))
	if total := 15*time.Second + time.Duration(steps)*tale.Interval + acts*(10*time.Second+lingering); total > 4*time.Minute {
		t.Errorf("about %s", total)
	}
}

func TestReleasesAreToldApart(t *testing.T) {
	versions := map[string]bool{}
	for _, act := range Tale().Acts {
		if versions[act.Release.Version] {
			t.Errorf("%s comes twice", act.Release.Version)
		}
		versions[act.Release.Version] = true
	}
}

// The application serves its page with html/template from a file, and answers 500 with the
// error of the template if there is one.
func TestPagesNameTheirRelease(t *testing.T) {
	for name, c := range map[string]struct {
		release Release
		status  int
	}{
		"good":    {good("1.2.3"), 200},
		"delayed": {delayed("1.2.3"), 200},
		"broken":  {broken("1.2.3"), 500},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "vue.html")
			if err := os.WriteFile(file, []byte(c.release.Page), 0o600); err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			page, err := template.New("vue.html").ParseFiles(file)
			if err == nil {
				err = page.Execute(w, struct{ Title, Logo string }{"podinfo-7f9", ""})
			}
			if err != nil {
				http.Error(w, err.Error(), 500)
			}
			if w.Code != c.status || signature(w.Body.Bytes()) != "1.2.3" {
				t.Errorf("answer %d %q", w.Code, w.Body)
			}
		})
	}
}

func TestAnswersOfTheGatewayAreNobodys(t *testing.T) {
	for _, body := range []string{"", "no healthy upstream", "upstream connect error or disconnect/reset before headers"} {
		if got := signature([]byte(body)); got != "" {
			t.Errorf("%q is taken for release %s", body, got)
		}
	}
}

func TestManifest(t *testing.T) {
	site := Site{
		Podinfo: "lab.local/podinfo:6.9.2", PrometheusInside: "http://10.199.0.1:9090",
		GatewayName: "lab", GatewayNamespace: "gateway-system",
	}
	manifest, err := Tale().Manifest(site)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "testdata/manifest.yaml", manifest)
	objects, err := parse(manifest)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, obj := range objects {
		kinds = append(kinds, obj.GetKind())
		page, _, err := unstructured.NestedString(obj.Object, "spec", "template", "metadata", "annotations", "page")
		if err != nil || obj.GetKind() == "Deployment" && page != good("1.0.0").Page {
			t.Errorf("page is %q (%v), want %q", page, err, good("1.0.0").Page)
		}
	}
	if got := strings.Join(kinds, " "); got != "Namespace Deployment Canary" {
		t.Errorf("objects are %s", got)
	}
}

func TestReleasePatch(t *testing.T) {
	patch, err := delayed("4.0.0").patch()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "testdata/patch.json", append(patch, '\n'))
}
