package node

import (
	"path"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// An object is applied by the path of its name; one for another name would be refused, but
// only by a lab that is up.
func TestEnvoyGatewayObjectsLieWhereTheirNamesSay(t *testing.T) {
	objects, err := envoyGatewayObjects(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		var read struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		if err := yaml.Unmarshal([]byte(o.object), &read); err != nil {
			t.Errorf("%s: %v", o.path, err)
			continue
		}
		if path.Base(o.path) != read.Metadata.Name || !strings.Contains(o.path, "/"+strings.ToLower(read.Kind)) {
			t.Errorf("the %s %s goes to %s", read.Kind, read.Metadata.Name, o.path)
		}
		if in := read.Metadata.Namespace; in != "" && !strings.Contains(o.path, "/namespaces/"+in+"/") {
			t.Errorf("the %s %s of %s goes to %s", read.Kind, read.Metadata.Name, in, o.path)
		}
	}
}

// The images are those that the lab packs: there is no registry with the default ones.
func TestEnvoyGatewayDeploysTheLabsImages(t *testing.T) {
	var settings struct{ Data map[string]string }
	if err := yaml.Unmarshal([]byte(envoyGatewayConfig()), &settings); err != nil {
		t.Fatal(err)
	}
	var config struct {
		Provider struct {
			Kubernetes struct{ ShutdownManager struct{ Image string } }
		}
		EnvoyProxy struct {
			Provider struct {
				Kubernetes struct {
					EnvoyDeployment struct{ Container struct{ Image string } }
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(settings.Data["envoy-gateway.yaml"]), &config); err != nil {
		t.Fatal(err)
	}
	if got := config.Provider.Kubernetes.ShutdownManager.Image; got != EnvoyGatewayImage {
		t.Errorf("beside Envoy runs %q, want %q", got, EnvoyGatewayImage)
	}
	if got := config.EnvoyProxy.Provider.Kubernetes.EnvoyDeployment.Container.Image; got != EnvoyImage {
		t.Errorf("Envoy is of %q, want %q", got, EnvoyImage)
	}
}
