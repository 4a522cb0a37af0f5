"""From a tick of the schedule to a page, and what people and machines hear after it."""

import json
from typing import Any

import jsonschema

from autoir.store import Store
from tests.conftest import ROOT
from tests.deploy.conftest import heard, tick, until
from tests.deploy.deployment import Deployment
from tests.deploy.story import GROUP

SCHEMA = json.loads((ROOT / "docs" / "schema" / "message.schema.json").read_text())


def gathered(deployment: Deployment, queue: str, least: int = 1) -> list[dict[str, Any]]:
    """What a queue gets, once that is as many messages as ``least``."""
    found: list[dict[str, Any]] = []
    until(lambda: found.extend(heard(deployment, queue)) or len(found) >= least)
    return found


def test_a_tick_pages_people_and_tells_machines(deployment: Deployment, store: Store) -> None:
    tick(deployment)
    (page,), events = gathered(deployment, "pages"), gathered(deployment, "events")
    (incident,) = store.incidents()
    assert incident.log_groups == (GROUP,)
    assert "ledger is lost" in incident.title
    for message in (page, *events):
        jsonschema.validate(message["document"], SCHEMA)
        assert message["document"]["incident_id"] == incident.id
        assert message["subject"].isascii()
        assert message["subject"]
        assert len(message["subject"]) < 100
    assert page["document"]["channel"] == "pages"
    assert [event["document"]["transition"] for event in events] == ["open"]


def test_ack_and_resolve_reach_machines_alone(deployment: Deployment, store: Store) -> None:
    (incident,) = store.incidents()
    for word in ("ack", "resolve"):
        deployment.autoir("incidents", word, incident.id)
    tick(deployment)
    told = gathered(deployment, "events", 2)
    assert [event["document"]["transition"] for event in told] == ["ack", "resolve"]
    assert heard(deployment, "pages") == []
