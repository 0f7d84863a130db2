// Package main is a plugin with all exports. A note comes in by its gate; its handler adds it to the
// key's state, and tells of it with a half message that its checker commits; its query reads what there
// is. An earlier version counted notes and kept the number as "seen".
package main

import (
	"errors"
	"fmt"

	"wasmill"
	"wasmill/checker"
	"wasmill/gate"
	"wasmill/migration"
	"wasmill/query"
)

func init() {
	wasmill.Handle(keep)
	gate.Admit(admit)
	query.Answer(read)
	checker.Check(check)
	migration.Migrate(migrate)
}

func main() {}

type note struct {
	Text string `json:"text"`
}

func admit(_ *wasmill.Context, request *wasmill.Request) (*gate.Accepted, error) {
	var note note
	if err := request.JSON(&note); err != nil {
		return nil, err
	}
	if note.Text == "" {
		return nil, &gate.Problem{
			Status: 422, Title: "empty note", Detail: "write something", Field: "text",
		}
	}
	return &gate.Accepted{
		Key:     request.Params["user"],
		DedupID: note.Text,
		Headers: map[string]string{"by": "gate"},
		Body:    request.Body,
		Answer:  []byte(`{"noted":true}`),
	}, nil
}

func keep(ctx *wasmill.Context, msg *wasmill.Message) error {
	var note note
	if err := msg.JSON(&note); err != nil {
		return err
	}
	if err := tellWrongTexts(ctx); err != nil {
		return err
	}
	text, found, err := ctx.State.Get("text")
	if err != nil {
		return err
	}
	if found {
		text = append(text, ", "...)
	}
	if err := ctx.State.Put("text", append(text, note.Text...)); err != nil {
		return err
	}
	told := wasmill.Outgoing{Topic: "noted", Key: msg.Key, Headers: msg.Headers, Body: msg.Body}
	_, err = ctx.Transaction.Prepare("told "+msg.ID, told)
	return err
}

// tellWrongTexts fails unless texts that are not UTF-8 are refused, or made valid: they would trap.
func tellWrongTexts(ctx *wasmill.Context) error {
	const wrong = "\xff"
	ctx.Log.Info("%s", wrong)
	_, unsent := ctx.Queue.Send(wasmill.Outgoing{Topic: "noted", Key: wrong})
	for _, err := range []error{ctx.State.Put(wrong, nil), unsent} {
		if of := (*wasmill.InvalidError)(nil); !errors.As(err, &of) {
			return wasmill.Reject(fmt.Sprintf("%q is let through: %v", wrong, err))
		}
	}
	return nil
}

// check puts its decision off once.
func check(_ *wasmill.Context, half *checker.Half) checker.Verdict {
	if half.Checks == 0 || half.ScopeKey != half.Key || half.Headers["by"] != "gate" {
		return checker.Unknown("not told yet: \xff")
	}
	return checker.Commit()
}

func read(ctx *wasmill.Context, _ string, request *wasmill.Request) *query.Response {
	text, found, err := ctx.State.Get("text")
	switch {
	case err != nil:
		return query.JSON(500, err.Error())
	case !found:
		return query.JSON(404, "no note")
	}
	told := query.JSON(200, map[string]string{
		"text": string(text), "why": request.QueryValue("why"),
	})
	told.Settled = true
	return told
}

func migrate(ctx *wasmill.Context, from int) error {
	if from != 1 {
		return wasmill.Reject(fmt.Sprintf("the state's version %d is unknown", from))
	}
	seen, found, err := ctx.State.Get("seen")
	if err != nil || !found {
		return err
	}
	if err := ctx.State.Put("text", seen); err != nil {
		return err
	}
	return ctx.State.Delete("seen")
}
