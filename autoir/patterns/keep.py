"""The keep list: numbers that are no values but say what happened.

An exit code, an HTTP status, an errno, a SQLSTATE, a signal or a name such as ``ipv6`` must survive masking, or 137
and 139, 503 and 429 become one pattern and an incident hides in a busy one. Rules find them by context on the
flattened line (every digit ``0``), so where a kept value stands depends on digit classes alone; only then are its real
digits looked at. Kept digits are written as U+E000 to U+E009, which no mask sees, and mapped back at the end.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from autoir.patterns.notation import expression

_RESERVED = [chr(0xE000 + d).encode() for d in range(10)]
_PROTECTED: dict[int, bytes] = {48 + d: _RESERVED[d] for d in range(10)}
_RESERVED_LEAD = b"\xee\x80"
_RESERVED_ANY = re.compile(rb"\xee\x80[\x80-\x89]")
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
    """``source`` has one group, the value; ``keep`` gives what stands for it, None where it is none after all."""

    source: bytes
    keep: Callable[[bytes], bytes | None]
    is_http: bool = False


# Order matters: exit codes before HTTP, or `exit status 137` reads as a 1xx.
_RULES: tuple[_Rule, ...] = (
    # the priority of a syslog line, which holds its severity
    _Rule(rb"\A<(\d{1,3})>(?=[0A-Z])", _exact),
    _Rule(
        rb"(?i:\bexit(?:ed|ing)?%AN(?:[ _-]?(?:status|code|value))?(?: code)?%IS"
        rb"|\breturn(?:ed|s)?%AN(?: exit)?[ _-]?(?:code|status|value)(?: of)?%IS"
        rb"|\bret(?:urn)?_?code%IS|\brc ?= ?|\bstatus=exited\D{0,10})(-?\d{1,5})%END",
        _exact,
    ),
    _Rule(
        rb"(?i:\b(?:http[ _.-]?)?status(?:[ _.-]?code)?(?: code)?%IS"
        rb"|\b(?:http|response)[ _-]?(?:response )?(?:code|status|error)%IS"
        rb"|\bHTTP/\d(?:\.\d)?[\"']? [\"']?|\bHTTP[ :=(]{1,2}"
        rb"|\b(?:Client|Server)_?Error(?:Exception)?(?:\$\w{1,60})?: "
        rb"|\breturn(?:ed|s|ing)?%AN(?: http)?(?: error)?(?: status)?(?: code)?(?: of)?:? )(\d{3})%END"
        rb"(?! ?(?:ms|rows?|records?|results?|items?|bytes|entries|elements|hits|seconds|documents|keys|messages)\b)",
        _http,
        True,
    ),
    # the quoted request of an access log; a ResponseEntity; a status before its reason phrase
    _Rule(rb"\"[A-Z]{3,10} [^\"\n]{0,2000}\" (\d{3})%END", _http, True),
    _Rule(rb"<(\d{3})(?=[, ])", _http, True),
    _Rule(
        rb"(?<![\w.])(\d{3})(?= (?:Bad Request|Unauthorized|Forbidden|Not Found|Method Not Allowed|Request Timeout|"
        rb"Conflict|Gone|Unprocessable|Too Many Requests|Internal Server Error|Not Implemented|Bad Gateway|"
        rb"Service Unavailable|Gateway Time-?out|(?:Client|Server) Error)\b)",
        _http,
        True,
    ),
    _Rule(
        rb"(?i:\berrno\b[\"']?[\])]?[ :=\[(]{0,3}|\bos error |\berror[ _-]?(?:code|number|no)%IS"
        rb"|\bcode[\"']? ?[:=] ?[\"']?(?=-?\d{1,3}(?!\d)))(-?\d{1,10})%END",
        _exact,
    ),
    _Rule(rb"\((\d{1,3})(?=: [A-Z])", _exact),
    _Rule(rb"\b(0[xX](?:\d|[cC])%HEX{7})(?!\w)", _failure_code),
    _Rule(rb"(?i:\bSQL_?STATE\b[\"']?[ :=\[(\"']{0,3})([0-9A-Z]{5})(?!\w)", _exact),
    _Rule(rb"\b(?:ORA|PLS|TNS|MY|SP2|CRS|RMAN)-(\d{4,6})(?!\w)", _exact),
    _Rule(rb"(?i:\bSQLCODE\b[ :=]{0,2})(-?\d{1,5})(?!\w)", _exact),
    _Rule(rb"\((\d{4})(?=, ?u?[\"'])", _exact),
    _Rule(rb"\bERROR (\d{4} \([0-9A-Z]{5})\)", _exact),
    _Rule(rb"\b(E\d{5})(?!\w)", _mongo),
    _Rule(rb"(?i:\bsignal(?: number)?[ :=(]{1,2})(\d{1,2})(?!\w)", _exact),
    _Rule(rb"\bSIG(?:USR|RTMIN\+|RTMAX-|RT_?|STKFLT)(\d{1,2})(?!\w)", _exact),
    # classes of exceptions whose name has a digit
    _Rule(rb"\b([A-Za-z_]\w{0,60}\d\w{0,60}(?:Exception|Error))(?!\w)", _exact),
)


def _class_of(name: bytes) -> bytes:
    return re.sub(rb"\d", b"0", name)


_NAME_CLASSES = sorted({_class_of(name) for name in _NAMES if _class_of(name) != name}, key=lambda n: (-len(n), n))
_NAME_RULE = _Rule(
    rb"(?:(?<![A-Za-z0-9])|(?<=[a-z])(?=[A-Z]))((?i:" + b"|".join(_NAME_CLASSES) + rb"))(?![a-z0-9])", _name
)
_COMPILED = tuple((expression(rule.source), rule.keep, rule.is_http) for rule in (*_RULES, _NAME_RULE))
_KEEPERS = tuple((keep, is_http) for _, keep, is_http in _COMPILED)


class Span(NamedTuple):
    """Where a kept value stands in the line, bytes, and the rule that found it."""

    start: int
    end: int
    rule: int


def neutralise(text: bytes) -> bytes:
    """``text`` with forged reserved code points (raw U+E000 to U+E009) as U+FFFD."""
    return _RESERVED_ANY.sub(_FFFD, text) if _RESERVED_LEAD in text else text


def spans(flat: bytes) -> tuple[Span, ...]:
    """Places of kept values in a flattened line, in order, none overlapping; the earlier rule wins."""
    if b"0" not in flat:
        return ()
    taken: list[Span] = []
    for number, (rule, _, _) in enumerate(_COMPILED):
        for found in rule.finditer(flat):
            start, end = found.span(1)
            if not any(start < other.end and other.start < end for other in taken):
                taken.append(Span(start, end, number))
                if len(taken) == 64:
                    return tuple(sorted(taken))
    return tuple(sorted(taken))


def protect(flat: bytes, places: tuple[Span, ...], values: tuple[bytes, ...]) -> tuple[bytes, bool]:
    """The flattened line with its kept values put in, and whether an HTTP 5xx is among them."""
    parts: list[bytes] = []
    server_error = False
    at = 0
    for (start, end, rule), value in zip(places, values, strict=True):
        keep, is_http = _KEEPERS[rule]
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
    return _RESERVED_ANY.sub(lambda found: bytes((found.group()[2] - 0x80 + 48,)), text)
