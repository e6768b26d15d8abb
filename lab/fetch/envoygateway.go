package fetch

const envoyGatewayVersion = "1.9.1"

// EnvoyGateway is a gateway for the tests: it serves the Gateway API by Envoys of its own.
func EnvoyGateway() Tool {
	return Tool{
		Name: "envoy-gateway", Version: envoyGatewayVersion, Package: "github.com/envoyproxy/gateway/cmd/envoy-gateway",
		Stamps: []string{"github.com/envoyproxy/gateway/internal/cmd/version.envoyGatewayVersion=v" + envoyGatewayVersion},
	}
}
