package checker

import (
	"time"

	"wasmill"
	exported "wasmill/internal/bindings/export_wasmill_plugin_checker"
	bindings "wasmill/internal/bindings/wasmill_plugin_checker"
	_ "wasmill/internal/bindings/wit_checker"
	"wasmill/internal/convert"
	"wasmill/internal/outer"
)

func init() {
	exported.Checker = check
}

func check(half exported.Half) exported.Verdict {
	return outer.Call(func(ctx *wasmill.Context) exported.Verdict {
		return lowerVerdict(registered(ctx, liftHalf(half)))
	})
}

func liftHalf(half exported.Half) *Half {
	return &Half{
		ID:         half.Id,
		Name:       half.Name,
		ScopeKey:   half.ScopeKey,
		PreparedAt: time.UnixMilli(int64(half.PreparedAt)),
		Checks:     int(half.Checks),
		Topic:      half.Topic,
		Key:        half.Key.SomeOr(""),
		Tag:        half.Tag.SomeOr(""),
		Headers:    convert.LiftPairs(half.Headers),
		Body:       half.Body,
	}
}

func lowerVerdict(verdict Verdict) exported.Verdict {
	switch verdict.kind {
	case commit:
		return bindings.MakeVerdictCommit()
	case rollBack:
		return bindings.MakeVerdictRollback()
	default:
		return bindings.MakeVerdictUnknown(verdict.cause)
	}
}
