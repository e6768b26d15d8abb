package crds

import (
	"fmt"
	"maps"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	kyaml "sigs.k8s.io/yaml"
)

// modern reads a definition of either version of that API. The older one has not been
// served since Kubernetes 1.22; it had one schema for all versions of a kind.
func modern(document []byte) (apiextensionsv1.CustomResourceDefinition, error) {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := kyaml.Unmarshal(document, &crd); err != nil {
		return crd, err
	}
	if crd.APIVersion != apiextensionsv1beta1.SchemeGroupVersion.String() {
		return crd, nil
	}
	var old apiextensionsv1beta1.CustomResourceDefinition
	if err := kyaml.Unmarshal(document, &old); err != nil {
		return crd, err
	}
	apiextensionsv1beta1.SetDefaults_CustomResourceDefinition(&old)
	apiextensionsv1beta1.SetDefaults_CustomResourceDefinitionSpec(&old.Spec)
	if old.Spec.Validation != nil && old.Spec.Validation.OpenAPIV3Schema != nil {
		old.Spec.Validation.OpenAPIV3Schema.Type = "object"
		state(old.Spec.Validation.OpenAPIV3Schema)
		recall(old.Name, old.Spec.Validation.OpenAPIV3Schema.Properties["spec"].Properties)
	}
	old.Spec.PreserveUnknownFields = new(false)
	var internal apiextensions.CustomResourceDefinition
	if err := apiextensionsv1beta1.Convert_v1beta1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&old, &internal, nil); err != nil {
		return crd, fmt.Errorf("convert %s: %w", old.Name, err)
	}
	crd = apiextensionsv1.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_apiextensions_CustomResourceDefinition_To_v1_CustomResourceDefinition(&internal, &crd, nil); err != nil {
		return crd, fmt.Errorf("convert %s: %w", old.Name, err)
	}
	crd.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	return crd, nil
}

// state adds the type of what has fields: schemas had to say so only later.
// Alternatives with types of their own, which are refused now, become optional fields.
func state(schema *apiextensionsv1beta1.JSONSchemaProps) {
	for _, alternative := range schema.OneOf {
		if schema.Properties == nil && len(alternative.Properties) > 0 {
			schema.Properties = map[string]apiextensionsv1beta1.JSONSchemaProps{}
		}
		maps.Copy(schema.Properties, alternative.Properties)
	}
	schema.OneOf = nil
	if len(schema.Properties) > 0 && schema.Type == "" {
		schema.Type = "object"
	}
	for name, property := range schema.Properties {
		state(&property)
		schema.Properties[name] = property
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		state(schema.Items.Schema)
	}
}

// recall adds fields that controllers read and definitions forgot. The older API kept
// what it did not know, so that nobody noticed.
func recall(name string, spec map[string]apiextensionsv1beta1.JSONSchemaProps) {
	item := func(list string) map[string]apiextensionsv1beta1.JSONSchemaProps {
		return spec[list].Items.Schema.Properties
	}
	switch name {
	case "virtualservices.appmesh.k8s.aws":
		item("routes")["name"] = apiextensionsv1beta1.JSONSchemaProps{Type: "string"}
		item("routes")["priority"] = apiextensionsv1beta1.JSONSchemaProps{Type: "integer"}
	case "virtualnodes.appmesh.k8s.aws":
		item("backends")["virtualService"] = apiextensionsv1beta1.JSONSchemaProps{
			Type:       "object",
			Properties: map[string]apiextensionsv1beta1.JSONSchemaProps{"virtualServiceName": {Type: "string"}},
		}
	}
}
