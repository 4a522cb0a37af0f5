"""The keep list: numbers that are no values but say what happened.

An exit code, an HTTP status, an errno, a SQLSTATE, a signal or a name such as ``ipv6`` must survive masking, or 137
and 139, 503 and 429 become one pattern and an incident hides in a busy one. Rules find them by context on the
flattened line (every digit ``0``), so where a kept value stands depends on digit classes alone; only then are its real
digits looked at. Kept digits are written as U+E000 to U+E009, which no mask sees, and mapped back at the end.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from autoir.patterns.masks import FLATTEN
from autoir.patterns.notation import expression

_RESERVED = [chr(0xE000 + d).encode() for d in range(10)]
_PROTECTED: dict[int, bytes] = {48 + d: _RESERVED[d] for d in range(10)}
_RESERVED_LEAD = b"\xee\x80"
_RESERVED_DIGIT = re.compile(rb"\xee\x80[\x80-\x89]")
_RESERVED_ANY = re.compile(rb"\xee\x80[\x80-\x8a]")
TAIL = "\ue00a"
"""Parts a line from the names that were found beyond its cut; reserved like the digits."""

_FFFD = "\ufffd".encode()

OK, INFORMATIONAL, REDIRECT = b"<ok>", b"<info>", b"<redir>"


def _protect(value: bytes) -> bytes:
    return b"".join([_PROTECTED.get(c) or bytes((c,)) for c in value])


def _exact(value: bytes) -> bytes | None:
    return _protect(value)


def _http(value: bytes) -> bytes | None:
    """4xx and 5xx exactly, the others by class; what is no status stays to be masked."""
    return {b"1": INFORMATIONAL, b"2": OK, b"3": REDIRECT, b"4": _protect(value), b"5": _protect(value)}.get(value[:1])


def _failure_code(value: bytes) -> bytes | None:
    """HRESULT and NTSTATUS failures have their top bit set; other hex numbers are addresses."""
    return _protect(value) if value[2:3] in b"8cC" else None


def _mongo(value: bytes) -> bytes | None:
    return _protect(value) if value == b"E11000" else None


_NAMES = frozenset(
    b"""
    ipv4 ipv6 inet4 inet6 http1 http2 http3 h2 h3 s3 ec2 k8s k3s d3 db2 r2dbc c3p0 route53 i18n l10n p2p x509 web3
    sha1 sha224 sha256 sha384 sha512 sha3 md4 md5 hs256 hs384 hs512 rs256 rs384 rs512 es256 es384 aes128 aes192 aes256
    crc32 crc64 murmur3 ed25519 secp256k1 p12 pkcs1 pkcs7 pkcs8 pkcs11 pkcs12 tlsv1 sslv3 oauth1 oauth2 fido2 u2f
    utf8 utf16 utf32 utf8mb3 utf8mb4 latin1 base32 base58 base62 base64 base85 bzip2 lz4 mp3 mp4 h264 h265
    x86 x64 x86_64 i386 i686 arm64 armv7 armv8 amd64 aarch64 win32 win64 kernel32 ntdll32 ext3 ext4
    int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64
    log4j log4net slf4j neo4j j2ee boto3 urllib3 psycopg2 jinja2 sqlite3 python2 python3 java8 java11 java17 java21
    """.split()
)


def _name(value: bytes) -> bytes | None:
    return _protect(value) if value.lower() in _NAMES else None


class _Rule(NamedTuple):
    """A context and the value behind it.

    ``source`` has one group, the value, and reads the flattened line (``0`` is any digit). ``keep`` gives what stands
    for the value, None where it is none after all. A line that does not hold ``literal`` never pays for the rule.
    """

    literal: bytes
    source: bytes
    keep: Callable[[bytes], bytes | None]
    is_http: bool = False


_UNIT = rb"(?! ?(?:ms|rows?|records?|results?|items?|bytes|entries|elements|hits|seconds|documents|keys|messages)\b)"

_AFTER_WORD: tuple[_Rule, ...] = (
    # ``source`` continues the word, in lower case. Exit codes before HTTP, or `exit status 137` reads as a 1xx.
    _Rule(b"exit", rb"(?:ed|ing)?%AN(?:[ _-]?(?:status|code|value))?(?: code)?%IS(-?0{1,5})%END", _exact),
    _Rule(b"status=exited", rb"[^0\n]{0,10}(-?0{1,5})%END", _exact),
    _Rule(b"return", rb"(?:ed|s)?%AN[ _-]?(?:code|value)(?: of)?%IS(-?0{1,5})%END", _exact),
    _Rule(b"ret", rb"_?code%IS(-?0{1,5})%END", _exact),
    _Rule(b"rc", rb" ?= ?(-?0{1,5})%END", _exact),
    _Rule(b"status", rb"(?:[ _.-]?code)?(?: code)?%IS(000)%END" + _UNIT, _http, True),
    _Rule(b"response", rb"[ _-]?(?:code|status|error)%IS(000)%END" + _UNIT, _http, True),
    _Rule(b"http", rb"(?:/(?:0(?:\.0)?|<\*>)[\"']? [\"']?|[ :=(]{1,2})(000)%END" + _UNIT, _http, True),
    _Rule(b"http", rb"[ _.-]?(?:response )?(?:status|code|error)(?:[ _-]?code)?%IS(000)%END" + _UNIT, _http, True),
    _Rule(b"return", rb"(?:ed|s|ing)?%AN(?: http)?(?: error)?(?: status)?(?: of)?:? (000)%END" + _UNIT, _http, True),
    _Rule(b"errno", rb"[\"']?[\])]?[ :=\[(]{0,3}(-?0{1,10})%END", _exact),
    _Rule(b"os error", rb" (-?0{1,10})%END", _exact),
    _Rule(b"error", rb"[ _-]?(?:code|number|no)%IS(-?0{1,10})%END", _exact),
    _Rule(b"code", rb"[\"']? ?[:=] ?[\"']?(-?0{1,3})%END", _exact),
    _Rule(b"sqlstate", rb"[\"']?[ :=\[(\"']{0,3}([0a-z]{5})(?!\w)", _exact),
    _Rule(b"sqlcode", rb"[ :=]{0,2}(-?0{1,5})(?!\w)", _exact),
    _Rule(b"signal", rb"(?: number)?[ :=(]{1,2}(00?)(?!\w)", _exact),
)
_BY_LOOKS: tuple[_Rule, ...] = (
    # the priority of a syslog line, which holds its severity
    _Rule(b"<0", rb"\A<(0{1,3})>(?=[0A-Z])", _exact),
    # the quoted request of an access log; a ResponseEntity; clients' exceptions; a status before its reason phrase
    _Rule(b'" 000', rb"\"[A-Z]{3,10} [^\"\n]{0,2000}\" (000)%END", _http, True),
    _Rule(b"<000", rb"<(000)(?=[, ])", _http, True),
    _Rule(b"Error", rb"(?:Client|Server)_?Error(?:Exception)?(?:\$\w{1,60})?: (000)%END", _http, True),
    _Rule(
        b"000 ",
        rb"(000)(?<![\w.]000)(?= (?:Bad Request|Unauthorized|Forbidden|Not Found|Method Not Allowed|Request Timeout|"
        rb"Conflict|Gone|Unprocessable|Too Many Requests|Internal Server Error|Not Implemented|Bad Gateway|"
        rb"Service Unavailable|Gateway Time-?out|(?:Client|Server) Error)\b)",
        _http,
        True,
    ),
    # nginx: (111: Connection refused)
    _Rule(b"(0", rb"\((0{1,3})(?=: [A-Z])", _exact),
    _Rule(b"0x", rb"(0x[0cC]%HEX{7})(?!\w)", _failure_code),
    _Rule(b"0X", rb"(0X[0cC]%HEX{7})(?!\w)", _failure_code),
    _Rule(b"-0000", rb"(?:ORA(?<!\wORA)|PLS(?<!\wPLS)|TNS(?<!\wTNS)|MY(?<!\wMY))-(0{4,6})(?!\w)", _exact),
    # MySQL drivers: (2013, "Lost connection…; its server: ERROR 1213 (40001)
    _Rule(b"(0000", rb"\((0000)(?=, ?u?[\"'])", _exact),
    _Rule(b"ERROR 0000", rb"ERROR(?<!\wERROR) (0000 \([0-9A-Z]{5})\)", _exact),
    _Rule(b"E00000", rb"(E00000)(?<!\wE00000)(?!\w)", _mongo),
    _Rule(b"SIG", rb"SIG(?<!\wSIG)(?:USR|RTMIN\+|RTMAX-|RT_?|STKFLT)(00?)(?!\w)", _exact),
    # file and function of a Python frame: their digits are part of a name
    _Rule(b'File "', rb"File \"([^\"<\n]{0,300}0[^\"\n]{0,300})\", line ", _exact),
    _Rule(b", in ", rb", line 0+, in (\w*0\w*)", _exact),
    # classes of exceptions with a digit in their name
    _Rule(b"E", rb"([A-Za-z_](?<!\w.)[A-Za-z_]{0,60}0\w{0,60}(?<=Exception|....Error))(?!\w)", _exact),
)


def _after(rule: _Rule) -> re.Pattern[bytes]:
    """The word, not inside another one, and what follows. A literal start lets the engine skip to it."""
    return expression(rule.literal + rb"(?<![a-z0]" + rule.literal + rb")(?:" + rule.source + rb")")


_NAME_CLASSES = sorted({name.translate(FLATTEN) for name in _NAMES}, key=lambda name: (-len(name), name))
_NAME_RULE = _Rule(
    b"0",
    rb"(?:(?<![A-Za-z0])|(?<=[a-z])(?=[A-Z]))((?i:" + b"|".join(_NAME_CLASSES) + rb"))(?![a-z0])",
    _name,
)
_NAME_AT = re.compile(rb"0(?<=[A-Za-z]0)")
_NAME_REACH = max(len(name) for name in _NAME_CLASSES)
_NAME = expression(_NAME_RULE.source)
_WORD_BEFORE = re.compile(rb"\W")
_WORD_REACH = 100

_TABLE = (*_AFTER_WORD, *_BY_LOOKS, _NAME_RULE)
_WORDS = [(number, rule.literal, _after(rule)) for number, rule in enumerate(_AFTER_WORD)]
_LOOKS = [(number, rule.literal, expression(rule.source)) for number, rule in enumerate(_BY_LOOKS, len(_WORDS))]
_MAX_SPANS = 64


class Span(NamedTuple):
    """Where a kept value stands in the line, bytes, and the rule that found it."""

    start: int
    end: int
    rule: int


def neutralise(text: bytes) -> bytes:
    """``text`` with forged reserved code points (raw U+E000 to U+E00A) as U+FFFD."""
    return _RESERVED_ANY.sub(_FFFD, text) if _RESERVED_LEAD in text else text


def _found(flat: bytes) -> Iterator[Span]:
    """Every place that a rule finds, in the order of the rules."""
    lower = flat.lower()
    for number, literal, after in _WORDS:
        if literal in lower:
            for found in after.finditer(lower):
                yield Span(*found.span(1), number)
    for number, literal, looks in _LOOKS:
        if literal in flat:
            for found in looks.finditer(flat):
                yield Span(*found.span(1), number)
    yield from _names(flat)


def _names(flat: bytes) -> Iterator[Span]:
    """Names with a digit. Not inside a word that holds a value on their left: the word would be masked around them."""
    last = 0
    for digit in _NAME_AT.finditer(flat):
        at = digit.start()
        for name in _NAME.finditer(flat, max(last, at - _NAME_REACH), at + _NAME_REACH + 1):
            start, end = name.span(1)
            if start <= at < end and b"0" not in _WORD_BEFORE.split(flat[max(last, start - _WORD_REACH) : start])[-1]:
                yield Span(start, end, len(_TABLE) - 1)
                last = end


def spans(flat: bytes) -> tuple[Span, ...]:
    """Places of kept values in a flattened line, in order, none overlapping; the earlier rule wins."""
    if b"0" not in flat:
        return ()
    taken: list[Span] = []
    for span in _found(flat):
        if not any(span.start < other.end and other.start < span.end for other in taken):
            taken.append(span)
            if len(taken) == _MAX_SPANS:
                break
    return tuple(sorted(taken))


def protect(flat: bytes, places: tuple[Span, ...], values: tuple[bytes, ...]) -> tuple[bytes, bool]:
    """The flattened line with its kept values put in, and whether an HTTP 5xx is among them."""
    parts: list[bytes] = []
    server_error = False
    at = 0
    for (start, end, rule), value in zip(places, values, strict=True):
        _, _, keep, is_http = _TABLE[rule]
        kept = keep(value)
        if kept is None:
            continue
        server_error = server_error or (is_http and value[:1] == b"5")
        parts += (flat[at:start], kept)
        at = end
    parts.append(flat[at:])
    return b"".join(parts), server_error


def restore(text: bytes) -> bytes:
    """``text`` with reserved code points as the digits they stand for."""
    if _RESERVED_LEAD not in text:
        return text
    return _RESERVED_DIGIT.sub(lambda found: bytes((found.group()[2] - 0x80 + 48,)), text)
