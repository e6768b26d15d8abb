package v1beta1

// HTTPMatch is a set of conditions on a request; all that are given must hold.
type HTTPMatch struct {
	// Name of the match, for people. Used by istio.
	// +optional
	Name string `json:"name,omitempty"`

	// Path of the request.
	// +optional
	URI *StringMatch `json:"uri,omitempty"`

	// Scheme of the request. Used by istio.
	// +optional
	Scheme *StringMatch `json:"scheme,omitempty"`

	// Method of the request; gatewayapi knows exact only.
	// +optional
	Method *StringMatch `json:"method,omitempty"`

	// Host and port of the request. Used by istio.
	// +optional
	Authority *StringMatch `json:"authority,omitempty"`

	// Headers by lower-case name; gatewayapi knows exact and regex only.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Headers map[string]StringMatch `json:"headers,omitempty"`

	// Headers that must not match. Used by istio.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	WithoutHeaders map[string]StringMatch `json:"withoutHeaders,omitempty"`

	// Query parameters by name; gatewayapi knows exact and regex only.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	QueryParams map[string]StringMatch `json:"queryParams,omitempty"`

	// Port to which the request was addressed. Used by istio.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// Istio gateways to which the match is limited. Used by istio.
	// +optional
	Gateways []string `json:"gateways,omitempty"`

	// Labels of the calling workload. Used by istio.
	// +optional
	SourceLabels map[string]string `json:"sourceLabels,omitempty"`

	// Namespace of the calling workload. Used by istio.
	// +optional
	SourceNamespace string `json:"sourceNamespace,omitempty"`

	// Ignore case in the path. Used by istio. Default false.
	// +optional
	IgnoreURICase bool `json:"ignoreUriCase,omitempty"`
}

// StringMatch is one condition on a text. Exactly one field is given.
//
// +kubebuilder:validation:XValidation:rule="[has(self.exact), has(self.prefix), has(self.suffix), has(self.regex)].exists_one(given, given)",message="give exactly one of exact, prefix, suffix and regex"
type StringMatch struct {
	// The whole text.
	// +optional
	Exact *string `json:"exact,omitempty"`

	// How the text begins.
	// +optional
	Prefix *string `json:"prefix,omitempty"`

	// How the text ends.
	// +optional
	Suffix *string `json:"suffix,omitempty"`

	// An RE2 expression for the whole text.
	// +optional
	Regex *string `json:"regex,omitempty"`
}
