"""The typed masks: which characters of a line are a value.

Two steps. ``hide_random`` removes what has random letters (UUIDs, trace ids, hex words, MAC and IPv6 addresses) and
runs on every event. ``mask`` removes the rest and looks only at the *class* of a character: every digit has already
become ``0``. So the outcome is a function of the line with its digits flattened, which is what makes a memo in front
of it exact.

Only dates hold blanks, so after them every token is masked by itself, and only once: flattened tokens recur far more
than lines do. Every mask writes the same placeholder. Paths and URLs are never masked whole: they carry meaning.
"""

from functools import lru_cache

from autoir.patterns.notation import expression
from autoir.patterns.shape import WILDCARD

FLATTEN = bytes(
    ord("0") if ord("0") <= c <= ord("9") else 0x1A if (c < 32 and c not in b"\t\n\r") or c == 127 else c
    for c in range(256)
)
"""Table for ``bytes.translate``: digits to ``0``, control characters to SUBSTITUTE."""

_HIDE_RANDOM = expression(
    # The first character stands alone, so that the engine skips to it with a character set.
    # UUID, also glued to a word
    rb"%HEX(?:%HEX{7}-%HEX{4}-%HEX{4}-%HEX{4}-%HEX{12}"
    # The rest needs a border on the left. A full stop is none: the digits of 1.2345678e-05 are a number.
    rb"|(?<![0-9A-Za-z.].)(?:"
    # a UUID cut short, as in names of network devices
    rb"(?<=(?=[0-9-]{0,12}[a-fA-F]).)%HEX{7}-%HEX{2,4}(?![\w-])"
    # a hex word with a letter and a digit
    rb"|(?<=(?=[0-9]*[a-fA-F])(?=[a-fA-F]*[0-9]).)%HEX{7,}+(?!\w)"
    # AWS X-Ray root
    rb"|(?<=1)-%HEX{8}-%HEX{24}(?!\w)"
    # 0x…, but not what may be an HRESULT or NTSTATUS failure
    rb"|(?<=0)[xX](?![8cC]%HEX{7}(?!\w))%HEX+(?!\w)"
    # MAC
    rb"|%HEX(?:[:-]%HEX{2}){5}(?![\w:-])"
    # IPv6 with a letter and a digit
    rb"|(?<!:.)(?<=(?=[0-9:]{0,38}[a-fA-F])(?=[a-fA-F:]{0,38}[0-9]).)%HEX{0,3}:(?:%HEX{0,4}:){1,6}%HEX{0,4}(?![\w:.])))"
)

_TEMPORARY = expression(rb"(?<=/tmp/)tmp\w{6,8}(?![^\s/\"'),:;.\]])")
_JWT = expression(rb"eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?")

# ISO 8601 and kin; the common log format; syslog, RFC 1123 and asctime.
_ISO = expression(rb"0000[-/.]00[-/.]00(?:[T ]00:00(?::00(?:[.,]0+)?)?(?: ?(?:Z|UTC|GMT|[+-]00:?00)(?!\w))?)?")
_CLF = expression(rb"00?/%MONTH/0000[: ]00:00:00(?: [+-]0000)?")
_SYSLOG = expression(
    rb"(?<!\w)(?:%DAY,? )?(?:%MONTH {1,2}00?|00? %MONTH)(?:,? 0000)?,? "
    rb"00:00:00(?:[.,]0+)?%ZONE(?: [+-]0000(?!\w))?(?: 0000(?!\w))?"
)
_WORD: dict[str, bytes] = {
    # Network devices carry the first eleven characters of a UUID behind a prefix (tap, qvo, …).
    "device": rb"(?<!\w)[a-z]{2,4}?(?=[a-f]*0)%HEX{8}-%HEX{2}(?!\w)",
    "ipv4": rb"(?<!\w)0{1,3}(?:\.0{1,3}){3}(?:[:/]0+)?(?!\w)",
    "ipv6": rb"(?<![\w:])(?=[a-fA-F:]{0,38}0)(?:%HEX{0,4}:){2,7}%HEX{0,4}(?![\w:]|\.0)",
    "hex": rb"(?<!\w)0[xX]%HEX+(?!\w)",
    "duration": rb"(?<![\w.])0+(?:\.0+)?(?:ns|us|ms|s|m|h|d)(?:0+(?:\.0+)?(?:ns|us|ms|s|m|h))*(?!\w)",
    "size": rb"(?<![\w.])0+(?:\.0+)?(?:[KMGT]i?B|[kKMG]b?|B)(?!\w)",
    # A word of digits alone is a number, or 123456.7 would be masked in two halves and 12345.6 in one.
    "id": rb"(?<!\w)(?![a-z]{2,20}_|[A-Z]{2,20}_)(?=[A-Za-z_]{0,200}0)(?=0*[A-Za-z_])\w{6,}",
    # A plain word before the underscore is no value: req_8abc1234, req_12 and req_<uuid> are one pattern.
    "id behind a word": rb"(?<=[a-z][a-z]_|[A-Z][A-Z]_)(?![a-z]{2,20}_|[A-Z]{2,20}_)(?=[A-Za-z_]{0,200}0)"
    rb"(?=0*[A-Za-z_])\w{4,}",
    # A sign must not follow a word: the dash of req-1 is none.
    "number": rb"(?:(?<!\w)[-+])?0+(?:[.,:]0+)*(?:[eE][-+]?0+(?!\w))?",
}
_ALTERNATION = expression(b"|".join(b"(?:" + word + b")" for word in _WORD.values()))
# Lists of values, and of records alike but for their values, are one value: their length is no meaning. In prose a
# list counts from three on.
_LIST = expression(rb"(?:(?<=[\[({=:])|(?<=: ))(u?[\"']?<\*>[\"']?)(?:, ?\1(?![^\s,;)\]}]))+")
_PROSE_LIST = expression(rb"(u?[\"']?<\*>[\"']?)(?:, ?\1(?![^\s,;)\]}])){2,}")
_RECORDS = expression(rb"(\w{0,40}(?:\([^()\n]{1,400}\)|\{[^{}\n]{1,400}\}))(?:, ?\1(?![^\s,;)\]}]))+")
_MEMO_TOKEN = 64
"""Bytes up to which a token is worth remembering."""


def hide_random(text: bytes) -> bytes:
    """``text`` with UUIDs, trace ids, hex words, addresses, tokens and names of temporary files as the placeholder."""
    if b"eyJ" in text:
        text = _JWT.sub(WILDCARD, text)
    text = _HIDE_RANDOM.sub(WILDCARD, text)
    return _TEMPORARY.sub(WILDCARD, text) if b"/tmp/tmp" in text else text


@lru_cache(maxsize=16_384)
def _remembered(token: bytes) -> bytes:
    return _ALTERNATION.sub(WILDCARD, token)


def _token(token: bytes) -> bytes:
    return _remembered(token) if len(token) <= _MEMO_TOKEN else _ALTERNATION.sub(WILDCARD, token)


def mask(text: bytes) -> bytes:
    """``text`` without values. Expects ``hide_random`` and ``FLATTEN`` to have run."""
    if b"0" not in text:
        return _collapse(text) if b"<*>" in text else text
    text = _ISO.sub(WILDCARD, text)
    if b":00:00" in text:
        text = _SYSLOG.sub(WILDCARD, _CLF.sub(WILDCARD, text))
    text = b" ".join([_token(token) if b"0" in token else token for token in text.split(b" ")])
    return _collapse(text) if b"," in text else text


def _collapse(text: bytes) -> bytes:
    text = _PROSE_LIST.sub(rb"\1", _LIST.sub(rb"\1", text))
    return _RECORDS.sub(rb"\1", text) if text.count(b"), ") > 1 or text.count(b"}, ") > 1 else text
