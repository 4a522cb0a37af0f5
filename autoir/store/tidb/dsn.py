"""A connection string: ``mysql://user:password@host:4000/database?ca=/path/ca.pem``.

TLS is on and the server's identity is checked, always; only ``?tls=off`` turns it off, and only for a server on this
machine. Which of the two holds is never guessed from a host's name. The password is in the string and nowhere else:
not in messages, not in ``repr``.
"""

import ipaddress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from autoir.errors import UsageError

SCHEME = "mysql"
PORT = 4000
EXAMPLE = "mysql://user:password@host:4000/autoir"
_HINT = f"Example: {EXAMPLE} (special characters in a password are percent-encoded: @ is %40)"


@dataclass(frozen=True, slots=True)
class Dsn:
    """Where a database is and as whom to enter it. ``ca`` is a file of certificates to trust instead of the
    system's; without ``tls`` the server has to be on this machine."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    ca: Path | None = None
    tls: bool = True

    @property
    def url(self) -> str:
        """The whole connection string, password included."""
        return self._url(f"{quote(self.user, safe='')}:{quote(self.password, safe='')}")

    @property
    def shown(self) -> str:
        """The connection string for people: without the password."""
        return self._url(quote(self.user, safe=""))

    @property
    def place(self) -> str:
        """Host and port."""
        return f"{_bracketed(self.host)}:{self.port}"

    def without_tls(self) -> "Dsn":
        """The same with TLS off."""
        return replace(self, tls=False, ca=None)

    def _url(self, login: str) -> str:
        options = [f"ca={quote(str(self.ca))}"] if self.ca else []
        options += [] if self.tls else ["tls=off"]
        query = f"?{'&'.join(options)}" if options else ""
        return f"{SCHEME}://{login}@{self.place}/{quote(self.database, safe='')}{query}"


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine, by its text alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_dsn(text: str) -> Dsn:
    """The connection that ``text`` names. Raises UsageError, which never repeats the password."""
    if not text.startswith(f"{SCHEME}://"):
        raise UsageError("The connection string does not begin with mysql://.", _HINT)
    parts, port, query, wrong = _taken_apart(text)
    if parts is None:
        raise UsageError(f"The connection string cannot be read: {wrong}.", _HINT)
    shown = f"{SCHEME}://…@{_bracketed(parts.hostname or '')}"
    if not parts.hostname or not parts.username:
        raise UsageError(f"{shown}: {'the host' if parts.username else 'the user'} is missing.", _HINT)
    database = unquote(parts.path.removeprefix("/"))
    if not database or "/" in database:
        raise UsageError(f"{shown}: the name of the database is missing after the host.", _HINT)
    options = dict(query)
    ca, tls = options.pop("ca", None), options.pop("tls", "on")
    if options:
        raise UsageError(f"{shown}: unknown option {next(iter(options))!r}.", "Known: ca=FILE, tls=off.")
    if tls not in ("on", "off"):
        raise UsageError(f"{shown}: tls={tls} is neither on nor off.", "TLS is on unless tls=off is written.")
    if tls == "off" and not is_loopback(parts.hostname):
        raise UsageError(
            f"{shown}: TLS may be off only for a server on this machine.",
            "Leave tls=off out; a CA of your own is named by ?ca=/path/to/ca.pem.",
        )
    return Dsn(
        parts.hostname, port or PORT, unquote(parts.username), unquote(parts.password or ""), database,
        Path(ca) if ca else None, tls == "on",
    )  # fmt: skip


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _taken_apart(text: str) -> tuple[SplitResult | None, int | None, list[tuple[str, str]], str]:
    """The parts of ``text``, its port and its options; without parts, what is wrong with it.

    A character of a password that is not escaped may be what breaks it, so nothing of the text is said, and no error of
    the parser's, which quotes it, goes along.
    """
    try:
        parts = urlsplit(text)
        if "@" in parts.path + parts.query or parts.fragment:
            return None, None, [], "one of @ / ? # in its user, password or database is not percent-encoded"
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        return parts, parts.port, query, ""
    except ValueError as error:
        return None, None, [], "its port is no number between 0 and 65535" if "ort" in str(error) else "it is not a URL"
