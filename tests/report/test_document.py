"""The incident as a document, against the published schema."""

import json
from pathlib import Path

import jsonschema
import pytest

from autoir.incidents import Incident, moved
from autoir.report.describe import describe
from autoir.report.document import IncidentDocument, incident_document
from tests.report.samples import UPSTREAM, evidence, incident

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/incident.schema.json").read_text())
SIGNS = [evidence(), evidence(UPSTREAM, "/shop/cart", "spike", usual=0.123456)]


@pytest.mark.parametrize(
    "given",
    [
        incident(),
        describe(incident("/shop/checkout", "/shop/cart"), SIGNS),
        moved(describe(incident(), SIGNS), "resolve", 7, "ada", "mended"),
        incident(previous_id="inc-00000000", paged_ms=5),
    ],
)
def test_a_document_is_as_published(given: Incident) -> None:
    document = incident_document(given, [sign.candidate for sign in SIGNS])
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert set(document) == set(IncidentDocument.__annotations__) == set(SCHEMA["properties"])
    assert json.loads(json.dumps(document)) == document


def test_numbers_are_short_and_ids_text() -> None:
    candidate = SIGNS[1].candidate._replace(family_id=2**63 - 1, expected=0.61728, score=5.55555)
    row = incident_document(incident(), [candidate])["candidates"][0]
    assert (row["family_id"], row["expected"], row["score"]) == ("9223372036854775807", 0.617, 5.56)
