// Package main is a plugin with all exports. A note comes in by its gate, is kept by its handler, which
// tells of it with a half message that its checker commits, and is read by its query.
package main

import (
	"wasmill"
	"wasmill/checker"
	"wasmill/gate"
	"wasmill/query"
)

func init() {
	wasmill.Handle(keep)
	gate.Admit(admit)
	query.Answer(read)
	checker.Check(check)
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
		Key:    request.Params["user"],
		Body:   request.Body,
		Answer: []byte(`{"noted":true}`),
	}, nil
}

func keep(ctx *wasmill.Context, msg *wasmill.Message) error {
	if err := ctx.State.Put("note", msg.Body); err != nil {
		return err
	}
	told := wasmill.Outgoing{Topic: "noted", Key: msg.Key, Body: msg.Body}
	_, err := ctx.Transaction.Prepare("told", told)
	return err
}

func check(_ *wasmill.Context, half *checker.Half) checker.Verdict {
	if half.Name == "told" && half.ScopeKey == half.Key {
		return checker.Commit()
	}
	return checker.Unknown("a half message of another handler: " + half.Name)
}

func read(ctx *wasmill.Context, _ string, request *wasmill.Request) *query.Response {
	var note note
	found, err := ctx.State.GetJSON("note", &note)
	switch {
	case err != nil:
		return query.JSON(500, err.Error())
	case !found:
		return query.JSON(404, "no note")
	}
	return query.JSON(200, map[string]any{"text": note.Text, "asked": request.Query})
}
