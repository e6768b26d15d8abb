package router

// The part of an HTTPProxy that Serin writes. The types of Contour leave out a
// weight of zero, which is what distinguishes a side without traffic from one
// that nobody thought of; weights are pointers here.
type (
	proxySpec struct {
		IngressClassName string       `json:"ingressClassName,omitempty"`
		Routes           []proxyRoute `json:"routes"`
	}

	proxyRoute struct {
		Conditions            []proxyCondition `json:"conditions,omitempty"`
		TimeoutPolicy         *proxyTimeouts   `json:"timeoutPolicy,omitempty"`
		RetryPolicy           *proxyRetries    `json:"retryPolicy,omitempty"`
		PathRewritePolicy     *proxyRewrite    `json:"pathRewritePolicy,omitempty"`
		RequestHeadersPolicy  *proxyHeaders    `json:"requestHeadersPolicy,omitempty"`
		ResponseHeadersPolicy *proxyHeaders    `json:"responseHeadersPolicy,omitempty"`
		Services              []proxyService   `json:"services,omitempty"`
	}

	// A proxyCondition has one of its fields; those of a route hold together.
	proxyCondition struct {
		Prefix         string      `json:"prefix,omitempty"`
		Exact          string      `json:"exact,omitempty"`
		Regex          string      `json:"regex,omitempty"`
		Header         *proxyValue `json:"header,omitempty"`
		QueryParameter *proxyValue `json:"queryParameter,omitempty"`
	}

	proxyValue struct {
		Name  string `json:"name"`
		Exact string `json:"exact,omitempty"`
		Regex string `json:"regex,omitempty"`
	}

	proxyTimeouts struct {
		Response string `json:"response"`
		Idle     string `json:"idle"`
	}

	proxyRetries struct {
		Count         int      `json:"count"`
		PerTryTimeout string   `json:"perTryTimeout,omitempty"`
		RetryOn       []string `json:"retryOn,omitempty"`
	}

	proxyRewrite struct {
		ReplacePrefix []proxyReplacement `json:"replacePrefix"`
	}

	proxyReplacement struct {
		Replacement string `json:"replacement"`
	}

	proxyHeaders struct {
		Set    []proxyHeader `json:"set,omitempty"`
		Remove []string      `json:"remove,omitempty"`
	}

	proxyHeader struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}

	proxyService struct {
		Name                 string        `json:"name"`
		Port                 int32         `json:"port"`
		Weight               *int          `json:"weight,omitempty"`
		Mirror               bool          `json:"mirror,omitempty"`
		RequestHeadersPolicy *proxyHeaders `json:"requestHeadersPolicy,omitempty"`
	}
)
