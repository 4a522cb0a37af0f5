"""What an error of the server or of the way to it means: try again, mend the row, or tell a person.

One table by error code, for a driver's own words help nobody at three in the morning. No message holds a password: the
server does not know it in clear, and the connection string is shown without it.
"""

import socket
import ssl
from collections.abc import Mapping

from pymysql import err

from autoir.errors import AutoirError, PasswordRefusedError, RejectedError, UnreachableError, UsageError
from autoir.store.tidb.dsn import Dsn, is_loopback

NO_PARTITION = 1526
DUPLICATE = 1062
NO_TABLE = 1146
NO_RIGHT = frozenset({1142, 1143, 1227, 1370, 8121})
_LOST = frozenset({0, 1040, 1053, 1203, 1226, 1927, 2003, 2006, 2013, 2014, 2055})
"""The session is gone, or the server is not there (yet) or has no place left: 1927 is how MariaDB says KILL."""
_CONFLICT = frozenset({1205, 1213, 8002, 8005, 8022, 8027, 8028, *range(9001, 9009), *range(9010, 9014)})
"""Another transaction was in the way, or TiDB is busy or moving data: the same statements succeed later."""
_DATA = frozenset({1048, 1153, 1264, 1265, 1292, 1366, 1406, 3140, 4025, 6138, 8004, 8025})
"""The row itself: null, too long, out of range, of the wrong type, or too large for a packet or a transaction."""
_LONGEST = 300

_OTHER_HOST, _EXPIRED = frozenset({62, 64}), 10
"""OpenSSL's verify codes; another host is told by name or by address."""


class TransientError(UnreachableError):
    """The same again may well succeed: the session broke, or another transaction was in the way."""


_NEW_PASSWORD = "Have its owner set a new one (ALTER USER … IDENTIFIED BY …), then save it: autoir tidb dsn"
_CREATE_USER = "Make it first (CREATE USER … IDENTIFIED BY …), then grant to it: autoir tidb migrate"
_SAID: Mapping[int, tuple[type[AutoirError], str, str]] = {
    1044: (UsageError, "user {user!r} has no such right to database {database!r} on {place}: {text}.",
           "Name another database, or another user: the owner for tidb migrate, the writer for everything else."),
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
    1129: (UnreachableError, "{place} has shut this machine out after failed connections: {text}.",
           "Have its owner run there: FLUSH HOSTS"),
    1130: (UsageError, "{place} lets nobody in from this machine: {text}.",
           "Have its owner allow this address (IP access list), or the user from it."),
    1820: (UsageError, "the password of user {user!r} on {place} has expired.", _NEW_PASSWORD),
    1862: (UsageError, "the password of user {user!r} on {place} has expired.", _NEW_PASSWORD),
    3118: (UsageError, "user {user!r} is locked on {place}.", "Have its owner run there: ALTER USER … ACCOUNT UNLOCK"),
    2059: (UsageError, "{place} wants user {user!r} to log in in another way than by password: {text}.",
           "Name a user with a password: AutoIR knows mysql_native_password and caching_sha2_password."),
    1133: (UsageError, "{place} knows no user of that name: {text}.", _CREATE_USER),
    1410: (UsageError, "{place} knows no user of that name: {text}.", _CREATE_USER),
    NO_PARTITION: (UnreachableError, "{place} has no partition for the day of a row: {text}.",
                   "Its owner has to make the coming days: autoir tidb migrate (daily). Nothing was lost."),
}  # fmt: skip

_WORDS: Mapping[str, tuple[type[AutoirError], str, str]] = {
    "usage quota": (UnreachableError, "the usage quota of {place} is used up: {text}.",
                    "Raise the spending limit in TiDB Cloud's console, or wait for the next month. Nothing was lost."),
    "user name prefix": (UsageError, "{place} wants the prefix of its instance before the name of user {user!r}.",
                         "TiDB Cloud's console shows it under Connect: PREFIX.{user}"),
    "tiflash": (UsageError, "{place} has no TiFlash for this: {text}.",
                "Add a TiFlash node, or leave the vector index out: search works without it."),
}  # fmt: skip
"""Words of errors without a code of their own: TiDB Cloud Starter's quotas, DDL that wants another kind of node."""


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
    if code == 1045:
        return _refuses_user(dsn)
    if isinstance(error, err.InternalError) and not code:
        return UsageError(f"{dsn.place} answers, but not as a database: {text}.", "Is the port right? TiDB has 4000.")
    if code in _LOST or code in _CONFLICT:
        return TransientError(f"{dsn.place}: {text or 'the connection was closed'} ({code}).", "Try again later.")
    if code in NO_RIGHT:
        return UsageError(
            f"user {dsn.user!r} may not do this on {dsn.place}: {text}.",
            "Name a user that may: the owner for tidb migrate, the writer for everything else.",
        )
    is_row = code in _DATA or isinstance(error, err.DataError | err.IntegrityError)
    said = _SAID.get(code)
    if not said and not is_row:  # what is said of a row may quote it, with any words
        said = next((said for words, said in _WORDS.items() if words in text.lower()), None)
    if said:
        kind, message, hint = said
        facts = {"place": dsn.place, "user": dsn.user, "database": dsn.database, "text": text}
        return kind(message.format(**facts), hint.format(**facts))
    if is_row:
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
    if code in _OTHER_HOST:
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


def _refuses_user(dsn: Dsn) -> AutoirError:
    if not dsn.password:
        return PasswordRefusedError(
            f"{dsn.place} refuses user {dsn.user!r} without a password.",
            "A URL on a screen has none: use the name of a saved connection, or save one: autoir tidb dsn",
        )
    return PasswordRefusedError(
        f"{dsn.place} refuses user {dsn.user!r} with this password.",
        "One of the two is wrong, or the user may not come from this machine. To save another: autoir tidb dsn",
    )


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
