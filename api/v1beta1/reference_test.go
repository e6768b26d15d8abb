package v1beta1

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/serinhq/serin/internal/golden"
)

// The reference pages say what kubectl explain says, on one page for each kind.
func TestReferencePages(t *testing.T) {
	for plural, kind := range map[string]string{"canaries": "Canary", "metrictemplates": "MetricTemplate", "alertproviders": "AlertProvider"} {
		t.Run(kind, func(t *testing.T) {
			versions := readCRD(t, plural).Spec.Versions
			at := slices.IndexFunc(versions, func(v version) bool { return v.Name == Version })
			page := reference(kind, versions[at].Schema.OpenAPIV3Schema)
			golden.Equal(t, filepath.Join("..", "..", "docs", "reference", strings.ToLower(kind)+".md"), []byte(page))
		})
	}
}

func reference(kind string, schema schemaNode) string {
	var page strings.Builder
	fmt.Fprintf(&page, "# %s\n\n%s\n\nGenerated from the API types: `go test ./api/v1beta1 -update`.\n", kind, oneLine(schema.Description))
	for _, part := range []string{"spec", "status"} {
		fmt.Fprintf(&page, "\n## %s\n\n| Field | Type | Meaning |\n|---|---|---|\n", part)
		rows(&page, part, schema.Properties[part])
		for _, rule := range ruleMessages(part, schema.Properties[part]) {
			fmt.Fprintf(&page, "\n%s\n", rule)
		}
	}
	return page.String()
}

// rows writes one row for each field below a node.
func rows(page *strings.Builder, path string, node schemaNode) {
	for _, name := range slices.Sorted(maps.Keys(node.Properties)) {
		child, at := node.Properties[name], path+"."+name
		if name == "canaryAnalysis" {
			fmt.Fprintf(page, "| `%s` | object | %s The fields are those of `%s.analysis`. |\n", at, oneLine(child.Description), path)
			continue
		}
		meaning := oneLine(child.Description) + bounds(child)
		if slices.Contains(node.Required, name) {
			meaning = "**Required.** " + meaning
		}
		fmt.Fprintf(page, "| `%s` | %s | %s |\n", at, typeName(child), meaning)
		below(page, at, child)
	}
}

func below(page *strings.Builder, path string, node schemaNode) {
	rows(page, path, node)
	if node.Items != nil {
		below(page, path+"[]", *node.Items)
	}
	if node.AdditionalProperties != nil {
		below(page, path+".*", *node.AdditionalProperties)
	}
}

// ruleMessages are the sentences of all rules, each with where it holds.
func ruleMessages(path string, node schemaNode) []string {
	var lines []string
	for _, rule := range node.Rules {
		lines = append(lines, fmt.Sprintf("- `%s`: %s", path, rule.Message))
	}
	for _, name := range slices.Sorted(maps.Keys(node.Properties)) {
		if name != "canaryAnalysis" {
			lines = append(lines, ruleMessages(path+"."+name, node.Properties[name])...)
		}
	}
	if node.Items != nil {
		lines = append(lines, ruleMessages(path+"[]", *node.Items)...)
	}
	if node.AdditionalProperties != nil {
		lines = append(lines, ruleMessages(path+".*", *node.AdditionalProperties)...)
	}
	return lines
}

func typeName(node schemaNode) string {
	switch {
	case node.IntOrString:
		return "integer or string"
	case node.MultipleOf == 1:
		return "integer"
	case node.Items != nil:
		return "list of " + typeName(*node.Items)
	case node.AdditionalProperties != nil:
		return "map of " + typeName(*node.AdditionalProperties)
	default:
		return node.Type
	}
}

func bounds(node schemaNode) string {
	var text string
	switch {
	case node.Minimum != nil && node.Maximum != nil && *node.Maximum < 1<<31-1:
		text += fmt.Sprintf(" From %v to %v.", *node.Minimum, *node.Maximum)
	case node.Minimum != nil:
		text += fmt.Sprintf(" At least %v.", *node.Minimum)
	}
	var choices []string
	for _, choice := range node.Enum {
		if choice != "" {
			choices = append(choices, fmt.Sprintf("`%v`", choice))
		}
	}
	if len(choices) > 0 {
		text += " One of " + strings.Join(choices, ", ") + "."
	}
	if node.Default != nil && node.Default != "" {
		text += fmt.Sprintf(" Set to `%v` when absent.", node.Default)
	}
	return text
}

func oneLine(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`).Replace(strings.Join(strings.Fields(text), " "))
}
