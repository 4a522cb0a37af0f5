"""A page that says it is a test: what each reader gets, and that none of them can take it for an incident."""

import json

import jsonschema
import pytest

from autoir.notify import trial
from autoir.notify.messages import RefusedError, message_of
from autoir.notify.sns import publication
from tests.conftest import ROOT
from tests.notify.test_messages import SCHEMA as MESSAGE
from tests.notify.test_messages import rows
from tests.report.samples import START_MS

SCHEMA = json.loads((ROOT / "docs/schema/test-page.schema.json").read_text())
PAGES = "arn:aws:sns:eu-west-1:123456789012:pages"
LONGEST = "a" * 20


@pytest.mark.parametrize("stage", ["dev", LONGEST])
def test_people_read_first_that_it_is_a_test(stage: str) -> None:
    made = trial.texts(stage, START_MS)
    assert made.subject == f"[TEST] AutoIR {stage}: pages reach you"
    assert made.sms == f"TEST AutoIR {stage}: pages reach you. No incident, nothing to do."
    told = made.page.replace("\n", " ")
    assert told.startswith(f"This is a test of AutoIR, stage {stage}: there is no incident. ")
    assert "2026-03-17 14:33:20 UTC" in told
    assert (made.subject + made.sms).isascii()
    assert (len(made.subject) < 100, len(made.sms) < 140) == (True, True)
    assert max(map(len, made.page.splitlines())) <= 72


@pytest.mark.parametrize(
    ("protocols", "is_json"),
    [
        (("default", "email", "sms"), False),
        (("http", "https", "sqs", "lambda", "firehose", "application", "email-json"), True),
    ],
)
def test_people_get_texts_and_machines_the_document(protocols: tuple[str, ...], is_json: bool) -> None:
    made = trial.texts("dev", START_MS)
    sent = json.loads(str(publication(PAGES, made, trial.attributes("dev"))["Message"]))
    for protocol in protocols:
        assert sent[protocol].startswith("{") is is_json
        if is_json:
            jsonschema.validate(json.loads(sent[protocol]), SCHEMA)
    assert json.loads(made.document) == {
        "schema_version": 1,
        "test": True,
        "stage": "dev",
        "at_ms": START_MS,
        "text": "This is a test of AutoIR, stage dev: there is no incident.",
    }


def test_it_is_no_message_and_no_message_is_one() -> None:
    document = trial.texts("dev", START_MS).document
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(document), MESSAGE)
    with pytest.raises(RefusedError):
        message_of(rows()[0]._replace(body=document))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(message_of(rows()[0]), SCHEMA)
    assert "test" not in MESSAGE["properties"]
    assert set(json.loads(document)) & {"incident_id", "dedup_key", "severity", "status", "transition"} == set()


def test_a_subscription_can_leave_it_out() -> None:
    found = publication(PAGES, trial.texts("dev", START_MS), trial.attributes("dev"))["MessageAttributes"]
    assert found == {
        "stage": {"DataType": "String", "StringValue": "dev"},
        "test": {"DataType": "String", "StringValue": "true"},
    }
