package v1beta1

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	utiljson "k8s.io/apimachinery/pkg/util/json" // knows large from small letters, and keeps whole numbers whole
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Decode reads one stored Canary, of v1beta1 or v1alpha3. What does not fit its
// field is left out and named in the error with its value, so that the rest can
// still be used: a Canary is returned always. Unknown fields are ignored, and
// so is nonsense in status, which the operator writes anew.
func Decode(obj map[string]any) (*Canary, error) {
	canary := new(Canary)
	return canary, decode(obj, canary)
}

// DecodeParts is Decode for the parts of a Canary as JSON; either may be empty. Metadata is
// left to the caller.
func DecodeParts(spec, status []byte) (*Canary, error) {
	canary := new(Canary)
	if exact(spec, &canary.Spec) && exact(status, &canary.Status) {
		return canary, nil
	}
	parts := map[string]any{}
	for name, text := range map[string][]byte{"spec": spec, "status": status} {
		if len(text) == 0 {
			continue
		}
		var value any
		if err := utiljson.Unmarshal(text, &value); err != nil {
			return new(Canary), fmt.Errorf("%s: %w", name, err)
		}
		parts[name] = value
	}
	canary = new(Canary)
	return canary, decode(parts, canary)
}

// exact reads what fits in every field, as nearly all does, and at half the price.
func exact(text []byte, into any) bool {
	return len(text) == 0 || utiljson.Unmarshal(text, into) == nil
}

// DecodeMetricTemplate reads one stored MetricTemplate, as Decode does.
func DecodeMetricTemplate(obj map[string]any) (*MetricTemplate, error) {
	template := new(MetricTemplate)
	return template, decode(obj, template)
}

// DecodeAlertProvider reads one stored AlertProvider, as Decode does.
func DecodeAlertProvider(obj map[string]any) (*AlertProvider, error) {
	provider := new(AlertProvider)
	return provider, decode(obj, provider)
}

func decode(obj map[string]any, into any) error {
	var d decoder
	d.read(reflect.ValueOf(into).Elem(), obj, nil)
	return d.errs.ToAggregate()
}

// A decoder fills Go values from JSON values and goes on after an error, which
// the decoders of the standard library and of apimachinery do not.
type decoder struct {
	errs field.ErrorList
}

// A place is where a value is. Nearly none is ever named in an error, so that names are put
// together only then.
type place struct {
	above *place
	kind  placeKind
	name  string
	index int
}

type placeKind int8

const (
	inObject placeKind = iota
	inTable
	inList
)

// path of a place; nil for that of the whole object.
func (p *place) path() *field.Path {
	if p == nil {
		return nil
	}
	switch p.kind {
	case inTable:
		return p.above.path().Key(p.name)
	case inList:
		return p.above.path().Index(p.index)
	case inObject:
	}
	return p.above.path().Child(p.name)
}

func (d *decoder) read(into reflect.Value, value any, at *place) {
	if value == nil {
		return
	}
	if own, ok := into.Addr().Interface().(json.Unmarshaler); ok {
		d.unmarshal(own, value, at)
		return
	}
	switch kind := into.Kind(); {
	case kind == reflect.Pointer:
		d.pointer(into, value, at)
	case kind == reflect.Struct:
		d.structure(into, value, at)
	case kind == reflect.Map:
		d.table(into, value, at)
	case kind == reflect.Slice:
		d.list(into, value, at)
	default:
		d.scalar(into, value, at)
	}
}

func (d *decoder) refuse(at *place, value any, want string) {
	if path := at.path(); path == nil || path.Root().String() != "status" {
		d.errs = append(d.errs, field.TypeInvalid(path, shown(value), "must be "+want))
	}
}

// unmarshal leaves a value to a type that reads JSON itself.
func (d *decoder) unmarshal(into json.Unmarshaler, value any, at *place) {
	text, err := json.Marshal(value)
	if err == nil {
		err = into.UnmarshalJSON(text)
	}
	if err == nil {
		return
	}
	switch into.(type) {
	case *intstr.IntOrString:
		d.refuse(at, value, "a whole number or a name")
	case *metav1.Time:
		d.refuse(at, value, "a time such as 2006-01-02T15:04:05Z")
	default:
		d.refuse(at, value, "something else")
	}
}

// pointer stays nil if a scalar does not fit.
func (d *decoder) pointer(into reflect.Value, value any, at *place) {
	elem := reflect.New(into.Type().Elem())
	if d.fits(elem.Elem(), value, at) {
		into.Set(elem)
	}
}

// fits reads a value and reports whether there is anything to keep of it.
func (d *decoder) fits(into reflect.Value, value any, at *place) bool {
	inner := decoder{}
	inner.read(into, value, at)
	d.errs = append(d.errs, inner.errs...)
	return len(inner.errs) == 0 || into.Kind() == reflect.Struct
}

func (d *decoder) structure(into reflect.Value, value any, at *place) {
	object, ok := value.(map[string]any)
	if !ok {
		d.refuse(at, value, "an object")
		return
	}
	for _, f := range layouts[into.Type()] {
		if f.name == "" {
			d.read(into.Field(f.index), object, at)
			continue
		}
		// Most fields of most objects are not there, and a path costs more than a look.
		if value := object[f.name]; value != nil {
			d.read(into.Field(f.index), value, &place{above: at, name: f.name})
		}
	}
}

// A placed field is where a Go struct keeps a field of JSON; without a name it is
// inlined.
type placed struct {
	index int
	name  string
}

// layouts of all structs that are decoded: reflection tells them slowly, and each
// look at a Canary decodes one.
var layouts = func() map[reflect.Type][]placed {
	all := map[reflect.Type][]placed{}
	lay(all, reflect.TypeFor[Canary]())
	lay(all, reflect.TypeFor[MetricTemplate]())
	lay(all, reflect.TypeFor[AlertProvider]())
	return all
}()

// lay adds a type and all that it is made of.
func lay(all map[reflect.Type][]placed, t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		lay(all, t.Elem())
	case reflect.Struct:
		if _, known := all[t]; known || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
			return
		}
		var fields []placed
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name == "" && options == "inline" || name != "" && name != "-" {
				fields = append(fields, placed{i, name})
			}
		}
		all[t] = fields
		for _, f := range fields {
			lay(all, t.Field(f.index).Type)
		}
	default:
	}
}

func (d *decoder) table(into reflect.Value, value any, at *place) {
	object, ok := value.(map[string]any)
	if !ok {
		d.refuse(at, value, "an object")
		return
	}
	table := reflect.MakeMapWithSize(into.Type(), len(object))
	for key, item := range object {
		elem := reflect.New(into.Type().Elem()).Elem()
		if d.fits(elem, item, &place{above: at, name: key, kind: inTable}) {
			table.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), elem)
		}
	}
	into.Set(table)
}

func (d *decoder) list(into reflect.Value, value any, at *place) {
	items, ok := value.([]any)
	if !ok {
		d.refuse(at, value, "a list")
		return
	}
	list := reflect.MakeSlice(into.Type(), 0, len(items))
	for i, item := range items {
		elem := reflect.New(into.Type().Elem()).Elem()
		if d.fits(elem, item, &place{above: at, index: i, kind: inList}) {
			list = reflect.Append(list, elem)
		}
	}
	into.Set(list)
}

func (d *decoder) scalar(into reflect.Value, value any, at *place) {
	switch {
	case into.Kind() == reflect.String:
		text, ok := value.(string)
		if !ok {
			d.refuse(at, value, "text; put it in quotes")
			return
		}
		into.SetString(text)
	case into.Kind() == reflect.Bool:
		yes, ok := value.(bool)
		if !ok {
			d.refuse(at, value, "true or false, without quotes")
			return
		}
		into.SetBool(yes)
	case into.CanInt():
		number, ok := whole(value)
		if !ok || into.OverflowInt(number) {
			d.refuse(at, value, "a whole number, without quotes")
			return
		}
		into.SetInt(number)
	case into.CanFloat():
		number, ok := decimal(value)
		if !ok {
			d.refuse(at, value, "a number, without quotes")
			return
		}
		into.SetFloat(number)
	default:
		d.refuse(at, value, "of a type this version knows, not "+into.Type().String())
	}
}
