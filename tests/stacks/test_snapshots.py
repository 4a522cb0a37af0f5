"""The templates of the stage with every part on, as they were: an alarm for changes nobody meant.

What is meant stands in the other tests. `pytest tests/stacks/test_snapshots.py --snapshot-update` takes a change.
"""

import json
import re

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.stacks.conftest import Stage

PARTS = ["Foundation", "App", "Embedding", "Tailer", "Llm-k2", "Llm-k2-quality"]


@pytest.mark.parametrize("part", PARTS)
def test_a_template_is_as_it_was(full: Stage, part: str, snapshot: SnapshotAssertion) -> None:
    scrubbed = re.sub(r"\b[0-9a-f]{64}\b", "HASH", json.dumps(full.templates[part]))
    assert json.loads(scrubbed) == snapshot(extension_class=JSONSnapshotExtension, name=part)


def test_every_part_has_a_snapshot(full: Stage) -> None:
    assert sorted(PARTS) == sorted(full.templates)
