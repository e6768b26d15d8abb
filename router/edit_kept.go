package router

import (
	"encoding/json"
	"fmt"
	"maps"
)

// OriginalAnnotation is on an object of the user's while a release divides requests in
// it, and keeps the weights that it had before, by the name of the apex.
const OriginalAnnotation = "serin.dev/original"

// A keptList is what is needed to give a list of backends its weights back.
type keptList struct {
	At      string   `json:"at"`               // where it was; people may have put rules before it
	Weights []*int64 `json:"weights"`          // null where there was none
	Single  bool     `json:"single,omitempty"` // it was no list, but one backend alone
}

// keptOf reads what was kept of an object for an apex; nothing if it is not to be
// understood, since then the weights that are there have to do.
func keptOf(live Object, apex string) []keptList {
	var all map[string][]keptList
	if err := json.Unmarshal([]byte(live.GetAnnotations()[OriginalAnnotation]), &all); err != nil {
		return nil
	}
	return all[apex]
}

// keep writes what is to be kept for an apex. Those of others stay: several releases may
// divide requests in one object.
func keep(object *Object, apex string, lists []keptList) error {
	annotations := object.GetAnnotations()
	text, edited := annotations[OriginalAnnotation]
	if !edited && len(lists) == 0 {
		return nil
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		all = map[string]json.RawMessage{} // as in keptOf
	}
	delete(all, apex)
	if len(lists) > 0 {
		mine, err := json.Marshal(lists)
		if err != nil {
			return fmt.Errorf("encode the annotation %s: %w", OriginalAnnotation, err)
		}
		all[apex] = mine
	}
	if len(all) == 0 {
		object.SetAnnotations(without(annotations, OriginalAnnotation))
		return nil
	}
	encoded, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("encode the annotation %s: %w", OriginalAnnotation, err)
	}
	object.SetAnnotations(merged(annotations, map[string]string{OriginalAnnotation: string(encoded)}))
	return nil
}

// without returns a copy that lacks a key; nil if nothing is left.
func without(all map[string]string, key string) map[string]string {
	rest := maps.Clone(all)
	delete(rest, key)
	return merged(rest)
}
