"""Regular expressions of this package are written with a few words (``%HEX``, ``%LEVEL``), expanded here.

The tables of masks, kept values and headers then read like a grammar. Lines are bytes, so every class is ASCII.
"""

import re

from autoir.patterns.levels import ANY_CASE, UPPER

_WORDS: dict[bytes, bytes] = {
    b"HEX": rb"[0-9a-fA-F]",
    b"MONTH": rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
    b"DAY": rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
    b"ZONE": rb"(?: ?(?:Z|UTC|GMT|[ECMPW]E?[SD]?T|IST|JST|BST|MSK|[+-]00:?00)(?![\w:]))?",
    b"LEVEL": UPPER,
    b"ANYLEVEL": ANY_CASE,
    b"NAME": rb"(?P<component>[A-Za-z_$][\w$.\-/\[\]<>]{0,150}?)",
    b"DOTTED": rb"(?P<component>[A-Za-z_$][\w$\-]{0,60}(?:(?:\.|::|/)[\w$\-\[\]<>]{1,80}){1,20})",
    b"TARGET": rb"(?P<target>[a-z][\w\-]{0,60})",
    b"LINE": rb"(?:[#:@]0+)?",
    b"END": rb"(?!\w|\.\d)",
    b"IS": rb"[\"']?(?: ?[:=] ?| (?:is|was|of) | )[\"'(\[<]?",
    b"AN": rb"(?: with)?(?: an?)?(?: non-?zero)?",
}


def expression(source: bytes) -> re.Pattern[bytes]:
    """``source`` with its ``%WORDS`` expanded, compiled."""
    return re.compile(re.sub(rb"%([A-Z]+)", lambda found: _WORDS[found[1]], source))
