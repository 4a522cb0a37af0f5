"""What an error of the server or of the way to it means: try again, mend the row, or tell a person.

One table by error code, for a driver's own words help nobody at three in the morning. No message holds a password: the
server does not know it in clear, and the connection string is shown without it.
"""

import socket
import ssl
from collections.abc import Mapping

from pymysql import err

from autoir.errors import AutoirError, RejectedError, UnreachableError, UsageError
from autoir.store.tidb.dsn import Dsn, is_loopback

NO_PARTITION = 1526
DUPLICATE = 1062
NO_TABLE = 1146
NO_RIGHT = frozenset({1142, 1143, 1227, 1370})
_LOST = frozenset({0, 1040, 1053, 1927, 2003, 2006, 2013, 2014, 2055})
"""The session is gone, or the server is not there (yet): 1927 is how MariaDB says KILL."""
_CONFLICT = frozenset({1205, 1213, 8002, 8022, 8028, *range(9001, 9008)})
"""Another transaction was in the way, or TiDB is moving data: the same statements succeed later."""
_DATA = frozenset({1048, 1153, 1264, 1265, 1292, 1366, 1406, 3140, 4025, 6138, 8004, 8025})
"""The row itself: null, too long, out of range, of the wrong type, or too large for a packet or a transaction."""
_LONGEST = 300

_HOST_MISMATCH, _EXPIRED = 62, 10
"""OpenSSL's verify codes."""


class TransientError(UnreachableError):
    """The same again may well succeed: the session broke, or another transaction was in the way."""


_SAID: Mapping[int, tuple[type[AutoirError], str, str]] = {
    1045: (UsageError, "{place} refuses user {user!r} with this password.", "Save it anew: autoir tidb dsn"),
    1044: (UsageError, "user {user!r} may not enter database {database!r} on {place}.",
           "Name another database, or have its owner run: GRANT … ON {database}.* TO {user}"),
    1049: (UsageError, "there is no database {database!r} on {place}.",
           "Create it there (CREATE DATABASE {database}), or name another one."),
    NO_TABLE: (UsageError, "database {database!r} on {place} has no AutoIR schema, or an old one: {text}.",
               "Bring it up to date as its owner: autoir tidb migrate"),
    1054: (UsageError, "the schema of database {database!r} on {place} is another version's: {text}.",
           "Bring it up to date as its owner: autoir tidb migrate"),
    1114: (UnreachableError, "{place} has no room left: {text}.",
           "Make room (retention_days_events, a larger cluster) and run the same again: nothing was lost."),
    1021: (UnreachableError, "{place} has no room left: {text}.",
           "Make room and run the same again: nothing was lost."),
    1290: (UsageError, "{place} does not take writes: {text}.", "Name a server or a user that may write."),
    1792: (UsageError, "this session only reads: {text}.", "Name a user that may write."),
    1836: (UsageError, "{place} does not take writes: {text}.", "Name a server that may be written to."),
    1969: (AutoirError, "the query took longer than it may: {text}.", "Ask for less: a shorter time, one log group."),
    3024: (AutoirError, "the query took longer than it may: {text}.", "Ask for less: a shorter time, one log group."),
    8175: (AutoirError, "the query needs more memory than it may: {text}.", "Ask for less: a shorter time."),
    NO_PARTITION: (AutoirError, "{place} has no partition for the day of a row: {text}.",
                   "Its owner has to make the coming days: autoir tidb migrate (daily). Nothing was lost."),
}  # fmt: skip


def code_of(error: Exception) -> int:
    """The server's or driver's number of ``error``; 0 for none."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def explained(error: Exception, dsn: Dsn) -> AutoirError:
    """``error`` of the driver as what to do about it."""
    cause = getattr(error, "original_exception", None) or error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        return _tls(cause, dsn)
    if isinstance(cause, OSError):
        return _network(cause, dsn)
    code = code_of(error)
    text = _text(error)
    if code == 2026:
        return _refuses_tls(dsn)
    if code in _LOST or code in _CONFLICT:
        return TransientError(f"{dsn.place}: {text or 'the connection was closed'} ({code}).", "Try again later.")
    if code in NO_RIGHT:
        return UsageError(
            f"user {dsn.user!r} may not do this on {dsn.place}: {text}.",
            "Name a user that may: the owner for tidb migrate, the writer for everything else.",
        )
    if code in _SAID:
        kind, message, hint = _SAID[code]
        facts = {"place": dsn.place, "user": dsn.user, "database": dsn.database, "text": text}
        return kind(message.format(**facts), hint.format(**facts))
    if code in _DATA or isinstance(error, err.DataError | err.IntegrityError):
        return RejectedError(f"{dsn.place} refuses a row: {text} ({code}).")
    return AutoirError(f"{dsn.place}: {text} ({code}).", "Run again with --debug for the statement that failed.")


def _text(error: Exception) -> str:
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    return text.strip().rstrip(".")[:_LONGEST]


def _network(cause: OSError, dsn: Dsn) -> AutoirError:
    if isinstance(cause, socket.gaierror):
        return TransientError(
            f"host {dsn.host!r} is not known to the name service.",
            "Check the spelling in the connection string, and that this machine resolves names.",
        )
    if isinstance(cause, TimeoutError):
        return TransientError(
            f"{dsn.place} does not answer.",
            "Is the server up, and may this machine reach it (IP access list, security group, VPC endpoint)?",
        )
    if isinstance(cause, ConnectionRefusedError):
        return TransientError(f"nothing listens at {dsn.place}.", "Is the server up, and the port right?")
    return TransientError(f"{dsn.place}: {cause.strerror or cause}.", "Is the server up, and the network?")


def _tls(cause: ssl.SSLError, dsn: Dsn) -> AutoirError:
    code = getattr(cause, "verify_code", 0)
    if code == _HOST_MISMATCH:
        return UnreachableError(
            f"{dsn.place} shows the certificate of another host.",
            "Connect by the name that stands in the certificate. No password was sent.",
        )
    if code == _EXPIRED:
        return UnreachableError(
            f"the certificate of {dsn.place} has expired.", "Have it renewed on the server. No password was sent."
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return UnreachableError(
            f"the certificate of {dsn.place} is not trusted: {cause.verify_message}.",
            "Name the CA that signed it: ?ca=/path/to/ca.pem in the connection string, or autoir tidb dsn --ca FILE."
            " No password was sent.",
        )
    return TransientError(f"{dsn.place}: TLS failed: {cause.reason or cause}.", "Is a proxy in between?")


def _refuses_tls(dsn: Dsn) -> AutoirError:
    if is_loopback(dsn.host):
        return UsageError(
            f"{dsn.place} does not speak TLS. No password was sent.",
            f"It is on this machine: {dsn.without_tls().shown} connects without.",
        )
    return UsageError(
        f"{dsn.place} does not speak TLS, and AutoIR does not go without. No password was sent.",
        "Turn TLS on at the server; TiDB Cloud has it on at its public and private endpoints.",
    )
