"""A page that says it is a test: what proves, before the first incident, that pages arrive.

It goes the way of every page, with a text for each protocol. Machines get docs/schema/test-page.schema.json, which has
nothing of an incident: no id, no severity, no key to open an alert by, so that nobody who reads the messages about
incidents can take it for one. It must never look like an incident to a person either, who may read it at night.
"""

import json
import textwrap
from typing import Final, TypedDict

from autoir.notify.render import COLUMNS, SMS_LIMIT, SUBJECT_LIMIT
from autoir.notify.sns import Texts
from autoir.report.text import ascii_subject
from autoir.report.times import day_and_clock

SCHEMA_VERSION: Final = 1


class TrialDocument(TypedDict):
    """docs/schema/test-page.schema.json. The time is in epoch milliseconds."""

    schema_version: int
    test: bool
    stage: str
    at_ms: int
    text: str


def texts(stage: str, now_ms: int) -> Texts:
    """What each protocol gets of a test of ``stage``, sent at ``now_ms``."""
    what = f"This is a test of AutoIR, stage {stage}: there is no incident."
    document: TrialDocument = {
        "schema_version": SCHEMA_VERSION,
        "test": True,
        "stage": stage,
        "at_ms": now_ms,
        "text": what,
    }
    paragraphs = (
        what,
        f"If you read this, the pages of stage {stage} reach you here, and there is nothing to do. The page of an"
        " incident begins with its severity, for example [HIGH].",
        f"Sent at {day_and_clock(now_ms)} UTC by autoir aws test-page. You get this because you are on the pages of"
        f" stage {stage}.",
    )
    return Texts(
        subject=ascii_subject(f"[TEST] AutoIR {stage}: pages reach you", SUBJECT_LIMIT),
        page="\n\n".join(textwrap.fill(text, COLUMNS, break_on_hyphens=False) for text in paragraphs) + "\n",
        sms=ascii_subject(f"TEST AutoIR {stage}: pages reach you. No incident, nothing to do.", SMS_LIMIT),
        document=json.dumps(document, separators=(",", ":")),
    )


def attributes(stage: str) -> dict[str, str]:
    """What a subscription can filter by: ``test`` stands on no other message, and of an incident nothing is here."""
    return {"stage": stage, "test": "true"}
