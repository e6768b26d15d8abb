package router

import (
	"encoding/json"
	"fmt"

	kjson "k8s.io/apimachinery/pkg/util/json" // keeps whole numbers whole
)

// istioSpec is the part of a VirtualService that divides traffic. A weight is
// written even if it is 0, so that nobody has to know what none would mean.
type istioSpec struct {
	Hosts    []string     `json:"hosts,omitempty"`
	Gateways []string     `json:"gateways,omitempty"`
	HTTP     []istioRule  `json:"http,omitempty"`
	TCP      []istioPipes `json:"tcp,omitempty"`
}

// istioRule leads requests.
type istioRule struct {
	Match      []istioMatch      `json:"match,omitempty"`
	Rewrite    *istioRewrite     `json:"rewrite,omitempty"`
	Timeout    string            `json:"timeout,omitempty"`
	Retries    *istioRetries     `json:"retries,omitempty"`
	CORS       *istioCORS        `json:"corsPolicy,omitempty"`
	Headers    *istioHeaders     `json:"headers,omitempty"`
	Mirror     *istioDestination `json:"mirror,omitempty"`
	Percentage *istioPercent     `json:"mirrorPercentage,omitempty"`
	Route      []istioEnd        `json:"route,omitempty"`
}

// istioPipes leads connections.
type istioPipes struct {
	Match []istioMatch `json:"match,omitempty"`
	Route []istioEnd   `json:"route,omitempty"`
}

type istioMatch struct {
	Name            string               `json:"name,omitempty"`
	URI             istioText            `json:"uri,omitempty"`
	Scheme          istioText            `json:"scheme,omitempty"`
	Method          istioText            `json:"method,omitempty"`
	Authority       istioText            `json:"authority,omitempty"`
	Headers         map[string]istioText `json:"headers,omitempty"`
	WithoutHeaders  map[string]istioText `json:"withoutHeaders,omitempty"`
	Query           map[string]istioText `json:"queryParams,omitempty"`
	IgnoreURICase   bool                 `json:"ignoreUriCase,omitempty"`
	Port            int32                `json:"port,omitempty"`
	Gateways        []string             `json:"gateways,omitempty"`
	SourceLabels    map[string]string    `json:"sourceLabels,omitempty"`
	SourceNamespace string               `json:"sourceNamespace,omitempty"`
}

// istioText is one condition: exact, prefix or regex, and what it compares with.
type istioText map[string]string

type istioEnd struct {
	Destination istioDestination `json:"destination"`
	Weight      int              `json:"weight"`
	Headers     *istioHeaders    `json:"headers,omitempty"`
}

type istioDestination struct {
	Host string     `json:"host"`
	Port *istioPort `json:"port,omitempty"`
}

type istioPort struct {
	Number int32 `json:"number"`
}

type istioPercent struct {
	Value float64 `json:"value"`
}

type istioRewrite struct {
	URI       string `json:"uri,omitempty"`
	Authority string `json:"authority,omitempty"`
}

type istioRetries struct {
	Attempts      int    `json:"attempts"` // 0 turns them off
	PerTryTimeout string `json:"perTryTimeout,omitempty"`
	On            string `json:"retryOn,omitempty"`
}

type istioCORS struct {
	Origin      []string    `json:"allowOrigin,omitempty"`
	Origins     []istioText `json:"allowOrigins,omitempty"`
	Methods     []string    `json:"allowMethods,omitempty"`
	Headers     []string    `json:"allowHeaders,omitempty"`
	Expose      []string    `json:"exposeHeaders,omitempty"`
	MaxAge      string      `json:"maxAge,omitempty"`
	Credentials bool        `json:"allowCredentials,omitempty"`
}

type istioHeaders struct {
	Request  *istioHeaderMod `json:"request,omitempty"`
	Response *istioHeaderMod `json:"response,omitempty"`
}

type istioHeaderMod struct {
	Set    map[string]string `json:"set,omitempty"`
	Add    map[string]string `json:"add,omitempty"`
	Remove []string          `json:"remove,omitempty"`
}

// fields are the spec as JSON values.
func (s istioSpec) fields() (map[string]any, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode its spec: %w", err)
	}
	var fields map[string]any
	if err := kjson.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("encode its spec: %w", err)
	}
	return fields, nil
}

// istioSpecOf decodes the spec of a live VirtualService.
func istioSpecOf(live Object) (istioSpec, error) {
	var spec istioSpec
	text, err := json.Marshal(live.Object["spec"])
	if err != nil {
		return spec, fmt.Errorf("decode its spec: %w", err)
	}
	if err := json.Unmarshal(text, &spec); err != nil {
		return spec, fmt.Errorf("decode its spec: %w", err)
	}
	return spec, nil
}
