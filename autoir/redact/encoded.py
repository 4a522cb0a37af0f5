"""Base64 that holds a secret: JSON behind a gateway or in a cursor, a key file in a variable or a Kubernetes secret.

Both are known by how they begin. Such a run is decoded, and where the other rules find something in it all of it goes.
Once: what is encoded within is left. Linear, for each run is decoded once, and by rules that are linear too.
"""

import binascii
import re
from collections.abc import Sequence

from autoir.redact.rule import Rule, marker

ENCODED = marker("encoded")

_RUN = re.compile(r"(?:eyJ|ewog|LS0tLS1CRUdJT)[A-Za-z0-9+/_-]{16,}+={0,2}")
"""What begins with ``{"``, with ``{`` and a line of its own, with ``-----BEGIN``."""
_URL_SAFE = str.maketrans("-_", "+/")
_GROUP = 4


def _decoded(run: str) -> str:
    """The text that ``run`` holds, without the last group where that was cut; empty where it is none."""
    whole = run.rstrip("=").translate(_URL_SAFE)
    if len(whole) % _GROUP == 1:
        whole = whole[:-1]
    try:
        return binascii.a2b_base64(whole + "=" * (-len(whole) % _GROUP)).decode()
    except UnicodeDecodeError:
        return ""


def encoded_rule(rules: Sequence[Rule]) -> Rule:
    """The rule for base64 of what one of ``rules`` redacts."""

    def replace(run: re.Match[str]) -> str:
        text = _decoded(run[0])
        return ENCODED if any(rule.apply(text) != text for rule in rules) else run[0]

    return Rule("encoded", lambda message: _RUN.sub(replace, message), gates=("eyJ", "ewog", "S0tLS1CRUdJT"))
