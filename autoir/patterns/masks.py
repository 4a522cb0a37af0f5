"""The typed masks: which characters of a line are a value.

Two steps. ``hide_random`` removes what has random letters (UUIDs, trace ids, hex words, MAC and IPv6 addresses) and
runs on every event. ``mask`` removes the rest and looks only at the *class* of a character: every digit has already
become ``0``. So the outcome is a function of the line with its digits flattened, which is what makes a memo in front
of it exact, and most events cost one substitution and one dictionary look-up.

Every mask writes the same placeholder. Paths and URLs are never masked whole: they carry meaning.
"""

from autoir.patterns.notation import expression
from autoir.patterns.shape import WILDCARD

FLATTEN = bytes(
    ord("0") if ord("0") <= c <= ord("9") else 0x1A if (c < 32 and c not in b"\t\n\r") or c == 127 else c
    for c in range(256)
)
"""Table for ``bytes.translate``: digits to ``0``, control characters to SUBSTITUTE."""

_HIDE_RANDOM = expression(
    # The first character stands alone so that the engine skips to it with a character set; the look-behind then
    # demands a border on its left. A full stop is none: the digits of 1.2345678e-05 are a number.
    rb"%HEX(?<![0-9A-Za-z.].)(?:"
    # UUID
    rb"%HEX{7}-%HEX{4}-%HEX{4}-%HEX{4}-%HEX{12}"
    # a UUID cut short, as in names of network devices
    rb"|(?<=(?=[0-9-]*[a-fA-F]).)%HEX{7}-%HEX{2,4}(?![\w-])"
    # a hex word with a letter and a digit
    rb"|(?<=(?=[0-9]*[a-fA-F])(?=[a-fA-F]*[0-9]).)%HEX{7,}+(?!\w)"
    # AWS X-Ray root
    rb"|(?<=1)-%HEX{8}-%HEX{24}(?!\w)"
    # 0x…, but not what may be an HRESULT or NTSTATUS failure
    rb"|(?<=0)[xX](?![8cC]%HEX{7}(?!\w))%HEX+(?!\w)"
    # MAC
    rb"|%HEX(?:[:-]%HEX{2}){5}(?![\w:-])"
    # IPv6 with a letter and a digit
    rb"|(?<!:.)(?<=(?=[0-9:]*[a-fA-F])(?=[a-fA-F:]*[0-9]).)%HEX{0,3}:(?:%HEX{0,4}:){1,6}%HEX{0,4}(?![\w:.]))"
)

_MASKS: dict[str, bytes] = {
    "iso": rb"\d{4}[-/.]\d\d[-/.]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?)?",
    "clf": rb"\d{1,2}/%MONTH/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?",
    "syslog": rb"\b(?:%DAY,? )?(?:%MONTH {1,2}\d{1,2}|\d{1,2} %MONTH)(?:,? \d{4})?,? "
    rb"\d\d:\d\d:\d\d(?:[.,]\d+)?(?: (?:[A-Z]{3,4}|[+-]\d{4})\b)?(?: \d{4})?",
    "uuid": rb"%HEX{8}-%HEX{4}-%HEX{4}-%HEX{4}-%HEX{12}",
    "xray": rb"\b1-%HEX{8}-%HEX{24}\b",
    "ipv4": rb"\b\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?\b",
    "mac": rb"\b(?:%HEX{2}[:-]){5}%HEX{2}\b",
    "ipv6": rb"(?<![\w:])(?=[a-fA-F:]*\d)(?:%HEX{0,4}:){2,7}%HEX{0,4}(?![\w:]|\.\d)",
    "hex": rb"\b0[xX]%HEX+\b",
    # Network devices carry the first eleven characters of a UUID behind a prefix (tap, qvo, …).
    "device": rb"\b[a-z]{2,4}?(?=[a-f]*\d)%HEX{8}-%HEX{2}\b",
    "duration": rb"(?<![\w.])\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|d)(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))*\b",
    "size": rb"(?<![\w.])\d+(?:\.\d+)?(?:[KMGT]i?B|[kKMG]b?|B)\b",
    # The second look-ahead: without it user_<uuid> is eaten up to the first dash.
    "id": rb"\b(?=[A-Za-z_]*\d)(?![A-Za-z0-9_]*-%HEX{4}-%HEX{4}-)[A-Za-z0-9_]{6,}\b",
    # A sign must not follow a word: the dash of req-1 is none.
    "number": rb"(?:(?<!\w)[-+])?\d+(?:[.,:]\d+)*(?:[eE][-+]?\d+\b)?",
}
_ALTERNATION = expression(b"|".join(b"(?:" + mask + b")" for mask in _MASKS.values()))


def hide_random(text: bytes) -> bytes:
    """``text`` with UUIDs, trace ids, hex words, MAC and IPv6 addresses as the placeholder."""
    return _HIDE_RANDOM.sub(WILDCARD, text)


def mask(text: bytes) -> bytes:
    """``text`` without values. Expects ``hide_random`` and ``FLATTEN`` to have run; first match wins."""
    if b"0" not in text:
        return text
    return _ALTERNATION.sub(WILDCARD, text)
