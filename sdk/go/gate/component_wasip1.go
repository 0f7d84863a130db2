package gate

import (
	"wasmill"
	exported "wasmill/internal/bindings/export_wasmill_plugin_gate"
	bindings "wasmill/internal/bindings/wasmill_plugin_gate"
	_ "wasmill/internal/bindings/wit_gate"
	"wasmill/internal/convert"
	"wasmill/internal/outer"
	witTypes "wasmill/internal/wit/types"
)

func init() {
	exported.Gate = admit
}

func admit(request exported.Request) exported.Result {
	return outer.Call(func(ctx *wasmill.Context) exported.Result {
		accepted, problem := registered.Ask(ctx, outer.LiftRequest(request))
		if problem != nil {
			return witTypes.Err[bindings.Accepted](lowerProblem(problem))
		}
		return witTypes.Ok[bindings.Accepted, bindings.Problem](lowerAccepted(accepted))
	})
}

func lowerAccepted(accepted *Accepted) bindings.Accepted {
	return bindings.Accepted{
		Key:     convert.LowerText(accepted.Key),
		DedupId: convert.LowerText(accepted.DedupID),
		Tag:     convert.LowerText(accepted.Tag),
		Headers: convert.LowerPairs(accepted.Headers),
		Body:    accepted.Body,
		Answer:  accepted.Answer,
	}
}

func lowerProblem(problem *Problem) bindings.Problem {
	return bindings.Problem{
		Status: uint16(problem.Status),
		Title:  problem.Title,
		Detail: problem.Detail,
		Field:  convert.LowerText(problem.Field),
	}
}
