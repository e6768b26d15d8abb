package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AlertProvider is a chat room that Canaries send news to.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:resource:categories=all
// +kubebuilder:metadata:annotations="helm.sh/resource-policy=keep"
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
type AlertProvider struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Where news go, and under which name.
	// +required
	Spec AlertProviderSpec `json:"spec"`

	// How the provider stands.
	// +optional
	Status AlertProviderStatus `json:"status,omitzero"`
}

// AlertProviderList is a list of AlertProviders.
//
// +kubebuilder:object:root=true
type AlertProviderList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AlertProvider `json:"items"`
}

// AlertProviderSpec says where news go.
//
// +kubebuilder:validation:XValidation:rule="has(self.address) != has(self.secretRef)",message="give exactly one of address and secretRef"
type AlertProviderSpec struct {
	// Kind of the chat.
	// +required
	// +kubebuilder:validation:Enum=slack;msteams;discord;rocket;gchat
	Type string `json:"type"`

	// Address of the incoming webhook.
	// +optional
	Address string `json:"address,omitempty"`

	// A Secret with the key address and, for slack, the optional key token, in the
	// namespace of the AlertProvider.
	// +optional
	SecretRef *SecretRef `json:"secretRef,omitempty"`

	// Channel to write to. Used by slack, discord and rocket. Default general.
	// +optional
	Channel string `json:"channel,omitempty"`

	// Name to write under. Used by slack, discord and rocket. Default flagger.
	// +optional
	Username string `json:"username,omitempty"`

	// URL of an HTTP proxy. Default: none.
	// +optional
	Proxy string `json:"proxy,omitempty"`
}

// AlertProviderStatus is how a provider stands.
type AlertProviderStatus struct {
	// How things stand.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []Condition `json:"conditions,omitempty"`
}
