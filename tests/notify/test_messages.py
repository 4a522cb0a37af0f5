"""The messages about a change: their ids, their shape, and that nothing alive or secret leaves in them."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.incidents import Change, Incident, Transition, changed
from autoir.notify import messages_for
from autoir.notify.messages import Message, RefusedError, message_of
from autoir.report.describe import describe
from autoir.store.rows import OutboxRow, StoredEvent
from tests.report.samples import POOL, START_MS, UPSTREAM, event, evidence, incident

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/message.schema.json").read_text())
TRANSITIONS = ("open", "worse", "findings", "ack", "resolve", "dismiss", "auto_resolve", "cut")
EVIL = (
    "ERROR see http://evil.example/x [click](https://evil.example) <b>hi</b> @here <!channel> \x1b[31m \u202e "
    "aws_secret_access_key=wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzzzzz password=hunter22hunter22 www.evil.example"
)


def rows(transition: Transition = "open", *, page: bool = True, line: str = POOL, **changes: object) -> list[OutboxRow]:
    """The rows of a change of an incident that shows ``line``."""
    signs = [evidence(line), evidence(UPSTREAM, "/shop/cart")]
    found = describe(incident("/shop/checkout", "/shop/cart", **changes), signs)
    events = [sample for sign in signs for sample in sign.samples]
    return messages_for(found, transition, evidence=events, page=page, stage="prod", now_ms=START_MS + 90_000)


def valid(row: OutboxRow) -> Message:
    """The message of ``row``, checked against the published schema."""
    message = message_of(row)
    jsonschema.Draft202012Validator(SCHEMA).validate(message)
    assert set(message) == set(SCHEMA["properties"]) == set(Message.__annotations__)
    return message


@pytest.mark.parametrize("transition", TRANSITIONS)
@pytest.mark.parametrize("page", [True, False])
def test_machines_hear_of_everything_and_people_of_pages(transition: Transition, page: bool) -> None:
    found = rows(transition, page=page)
    assert [row.channel for row in found] == (["pages", "events"] if page else ["events"])
    for row in found:
        message = valid(row)
        assert (message["id"], message["channel"], message["transition"]) == (row.id, row.channel, transition)
        assert (row.kind, row.created_ms, row.tries) == (transition, START_MS + 90_000, 0)
    assert len({row.id for row in found}) == len(found)


def test_an_id_is_of_one_change_on_one_channel() -> None:
    assert rows() == rows()
    ids = {row.id for transition in TRANSITIONS for n in (1, 2) for row in rows(transition, revision=n)}
    assert len(ids) == len(TRANSITIONS) * 2 * 2


def test_one_dedup_key_from_opening_to_closing() -> None:
    opened = incident()
    closed = changed(opened, "auto_resolve", START_MS, "autoir", status="resolved")
    told = [
        valid(messages_for(i, t, evidence=(), page=False, stage="prod", now_ms=0)[0])
        for i, t in ((opened, "open"), (closed, "auto_resolve"))
    ]
    assert {(m["dedup_key"], m["incident_id"]) for m in told} == {("k#1", opened.id)}
    assert [(m["revision"], m["status"]) for m in told] == [(1, "open"), (2, "resolved")]
    assert told[0]["id"] != told[1]["id"]


def test_a_message_says_everything_itself() -> None:
    message = valid(rows()[0])
    assert message["title"] == "checkout: QueuePool limit of size 20 overflow 10 reached"
    assert (message["kind"], message["service"], message["stage"]) == ("new error", "checkout", "prod")
    assert message["log_groups"] == ["/shop/checkout", "/shop/cart"]
    assert message["steps"][0]["action"].startswith("Connections held by checkout")
    assert message["command"] == f"autoir incidents show {message['incident_id']}"
    assert len(message["basis"]) == 2


def test_three_lines_and_of_each_claim_one_first() -> None:
    shown = valid(rows()[0])["evidence"]
    assert [line["log_group"] for line in shown] == ["/shop/checkout", "/shop/cart", "/shop/checkout"]
    assert shown[0]["message"] == POOL


@pytest.mark.parametrize("dangerous", ["http://", "https://", "<", ">", "@", "](", "\x1b", "\u202e", "www.evil"])
def test_nothing_alive_leaves(dangerous: str) -> None:
    assert dangerous in EVIL
    groups = (f"/shop/{EVIL[:60]}", "/shop/<b>@here")
    found = describe(incident(*groups, affected_stream=EVIL, environment=EVIL), [evidence(EVIL, groups[0])])
    found = replace(
        found,
        title=EVIL,
        summary=EVIL,
        basis=(EVIL,),
        history=(Change(0, "ack", EVIL, EVIL),),
        claims=tuple(replace(claim, text=EVIL) for claim in found.claims),
        steps=tuple(replace(step, action=EVIL, risk=EVIL, impact=EVIL, rollback=EVIL) for step in found.steps),
    )
    for row in messages_for(found, "ack", evidence=[event(EVIL, groups[0])], page=True, stage="prod", now_ms=0):
        assert dangerous not in json.dumps(valid(row), ensure_ascii=False)


def test_no_secret_leaves() -> None:
    for row in rows(line=EVIL):
        assert "wJalrXUtnFEMI" not in row.body
        assert "hunter22" not in row.body


@given(st.lists(st.text(st.characters(codec=None), max_size=200), min_size=1, max_size=4))
def test_whatever_is_said_the_message_is_valid(lines: list[str]) -> None:
    found = incident("/shop/" + lines[0], title=lines[0], summary=lines[-1], environment=lines[0])
    events = [StoredEvent(str(n), n, line, line, 3, 1, line) for n, line in enumerate(lines)]
    for row in messages_for(found, "open", evidence=events, page=True, stage="prod", now_ms=0):
        valid(row)
        row.body.encode()


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '{"schema_version": 2}', '{"schema_version": 1}'])
def test_what_is_no_message_is_refused(body: str) -> None:
    with pytest.raises(RefusedError, match="holds no message"):
        message_of(rows()[0]._replace(body=body))


def test_an_incident_without_history_or_groups() -> None:
    bare: Incident = replace(incident(), history=(), log_groups=(), basis=(), environment="")
    message = valid(messages_for(bare, "open", evidence=(), page=False, stage="", now_ms=0)[0])
    assert (message["by"], message["service"], message["evidence"]) == ("", "unknown", [])
