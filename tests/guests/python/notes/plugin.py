"""A plugin with all exports.

A note comes in by its gate; its handler adds it to the key's state, and tells of it with a half message that
its checker commits; its query reads what there is. An earlier version counted notes and kept the number as
"seen".
"""

from wasmill import Accepted, Half, Message, Outgoing, Problem, Reject, Request, Response, Unknown, Verdict, state, transaction


def admit(request: Request) -> Accepted:
    text = request.json()["text"]
    if text == "":
        raise Problem(422, "empty note", "write something", "text")
    headers = {"by": "gate"}
    return Accepted(
        key=request.params["user"], dedup_id=text, headers=headers, body=request.body, answer={"noted": True}
    )


def handle(message: Message) -> None:
    text = message.json()["text"]
    before = state.get("text")
    state.put("text", text if before is None else f"{before.decode()}, {text}")
    told = Outgoing("noted", key=message.key, headers=message.headers, body=message.body)
    transaction.prepare(f"told {message.id}", told)


def check(half: Half) -> Verdict:
    """Puts its decision off once."""
    if half.checks == 0 or half.scope_key != half.key or half.headers.get("by") != "gate":
        return Unknown(f"not told yet: {half.name}")
    return "commit"


def answer(_key: str, request: Request) -> Response:
    text = state.get("text")
    if text is None:
        return Response(status=404, json="no note")
    return Response(json={"text": text.decode(), "why": request.query_value("why")}, settled=True)


def migrate(version: int) -> None:
    if version != 1:
        raise Reject(f"the state's version {version} is unknown")
    seen = state.get("seen")
    if seen is not None:
        state.put("text", seen)
        state.delete("seen")
