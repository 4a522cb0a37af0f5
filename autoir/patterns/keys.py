"""What the key of a JSON or logfmt record says of its value.

A key knows better than the look of a value: an id is a value even without a digit, a status is none.
"""

import re
from enum import IntEnum
from functools import lru_cache


class Rule(IntEnum):
    """How the value of a key is treated."""

    PLAIN = 0
    """Masked as text; numbers are values; booleans, null and short words stay."""
    VOLATILE = 1
    """Always a value: times, ids, users, durations, sizes, addresses."""
    LEVEL = 2
    COMPONENT = 3
    STATUS = 4
    """HTTP status, or a word."""
    CODE = 5
    """Exit code, errno, SQLSTATE, signal: kept exactly."""
    MESSAGE = 6
    ERROR = 7
    """Text of an error or its stack."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOLATILE = _words(
    """
    time timestamp ts date datetime asctime created epoch t id uuid guid trace span requestid xrequestid session
    user username useremail email login account customer duration durations elapsed latency took responsetime
    processingtime runtime size bytes length contentlength bytessent bytesreceived ip clientip remoteip remoteaddr
    remoteaddress addr address peer xforwardedfor forwardedfor hostname pid tid thread threadname sequence seq offset
    cursor token etag checksum digest hash fingerprint signature nonce arn pod podname
    """
)
_LEVEL = _words("level lvl severity loglevel levelname severitytext @l loglevelname")
_STATUS = _words("status statuscode httpstatus httpstatuscode responsestatus responsecode responsestatuscode")
_CODE = _words(
    """
    code exit exitcode exitstatus returncode rc errno errorcode errcode errornumber signal sqlstate sqlcode grpccode
    grpcstatus grpcstatuscode
    """
)
_ERROR = _words(
    """
    error err exception exc excinfo stack stacktrace stackinfo traceback errormessage errormsg cause reason errortype
    exceptionmessage exceptionstacktrace errorstack errorstacktrace exceptiontype exceptionclass errorkind
    """
)
MESSAGE_KEYS = ("message", "msg", "@m", "text", "event", "body")
COMPONENT_KEYS = (
    "logger",
    "loggername",
    "loglogger",
    "component",
    "sourcecontext",
    "name",
    "category",
    "target",
    "module",
)
"""Both in order of preference, without ``_``, ``-`` and dots."""

_VOLATILE_ENDING = re.compile(r"(?:^|[_\-. @])(?:id|ids|uuid|guid|at|ms|ns)$|[a-z](?:Id|ID|Ids|UUID|Uuid|At|Ms|Ns)$")


def plain(key: str) -> str:
    """``key`` in lower case without ``_``, ``-``, dots and blanks."""
    return re.sub(r"[_\-. ]", "", key.lower())


@lru_cache(maxsize=4096)
def rule_of(key: str) -> Rule:
    """The rule of a key. A dotted key is tried whole, then by its last part."""
    for name in (plain(key), plain(key.rsplit(".", 1)[-1])):
        for rule, names in (
            (Rule.LEVEL, _LEVEL),
            (Rule.STATUS, _STATUS),
            (Rule.CODE, _CODE),
            (Rule.ERROR, _ERROR),
            (Rule.VOLATILE, _VOLATILE),
            (Rule.MESSAGE, MESSAGE_KEYS),
        ):
            if name in names:
                return rule
    if plain(key) in COMPONENT_KEYS:
        return Rule.COMPONENT
    return Rule.VOLATILE if _VOLATILE_ENDING.search(key) else Rule.PLAIN
