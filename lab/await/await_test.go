package await

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCondition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		err := Condition(t.Context(), time.Minute, "wait for three", func(context.Context) error {
			if looks++; looks < 3 {
				return errors.New("not three")
			}
			return nil
		})
		if err != nil || looks != 3 {
			t.Errorf("%d looks, %v", looks, err)
		}
	})
}

func TestConditionNamesWhatDidNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := Condition(t.Context(), time.Second, "wait for the moon", func(context.Context) error {
			return errors.New("it is new")
		})
		if err == nil || err.Error() != "wait for the moon: not within 1s: it is new" {
			t.Errorf("got %v", err)
		}
	})
}

func TestConditionEndsAtAFinalError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		err := Condition(t.Context(), time.Hour, "wait", func(context.Context) error {
			return Final{Err: errors.New("it ended")}
		})
		if err == nil || !strings.Contains(err.Error(), "it ended") || time.Since(begun) > time.Second {
			t.Errorf("got %v after %s", err, time.Since(begun))
		}
	})
}
