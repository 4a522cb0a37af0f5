"""One session with the server: TLS, character set, time zone, isolation.

``READ COMMITTED`` lets each statement see what is committed; what must not change in between is locked by name. TiDB
fixes the snapshot of a repeatable read when the transaction begins, so one that waited for a lock would go on reading
what was true before it.
"""

import ssl
from collections.abc import Mapping
from typing import Any

from pymysql import converters
from pymysql.connections import Connection
from pymysql.constants import FIELD_TYPE

from autoir.errors import UsageError
from autoir.store.tidb.dsn import Dsn

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
SQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION"
)
_SETUP = f"SET SESSION time_zone = '+00:00', sql_mode = '{SQL_MODE}'"
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"


def _text(value: str | bytes) -> str:
    """Ids are kept as VARBINARY, which the driver gives as bytes."""
    return value.decode("ascii") if isinstance(value, bytes) else value


_CONVERTERS: Mapping[Any, Any] = {
    **converters.conversions,
    FIELD_TYPE.VAR_STRING: _text,
    FIELD_TYPE.NEWDECIMAL: lambda text: int(text) if text.lstrip("-").isdigit() else float(text),
}
"""How values come back: sums are DECIMAL on the wire and numbers here."""


def tls_context(dsn: Dsn) -> ssl.SSLContext | None:
    """Verification against the system's certificates or the CA of ``dsn``; None where TLS is off.

    Raises UsageError for a CA file that cannot be used.
    """
    if not dsn.tls:
        return None
    try:
        return ssl.create_default_context(cafile=str(dsn.ca) if dsn.ca else None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"{dsn.ca} cannot be used as CA file: {getattr(error, 'strerror', None) or error}.",
            "Name a PEM file of certificates: ?ca=/path/to/ca.pem",
        ) from None


def connect(dsn: Dsn, *, read_timeout_s: int = READ_TIMEOUT_S) -> Any:
    """An open session. Raises what PyMySQL and ``ssl`` raise, and UsageError for a CA file."""
    context = tls_context(dsn)
    connection = Connection(
        host=dsn.host,
        port=dsn.port,
        user=dsn.user,
        password=dsn.password.encode(),  # a str would be sent as Latin-1
        database=dsn.database,
        charset="utf8mb4",
        collation="utf8mb4_bin",
        conv=_CONVERTERS,
        ssl=context,
        ssl_disabled=context is None,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        write_timeout=READ_TIMEOUT_S,
        program_name="autoir",
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SETUP)
            cursor.execute(_ISOLATION)
    except BaseException:
        connection.close()
        raise
    return connection
