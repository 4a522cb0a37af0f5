"""A server is believed only with a certificate that is good: trusted, for this host, not expired."""

from collections.abc import Callable

import pytest

from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.store.tidb import TidbDatabase, parse_dsn
from tests.mysql_peer.server import Server
from tests.mysql_peer.tls import TlsServer


@pytest.fixture(scope="module")
def database(tls_peer: TlsServer) -> str:
    tls_peer.create("autoir_tls")
    return "autoir_tls"


def cipher(url: str) -> str:
    """What the session is encrypted by; empty for nothing."""
    db = TidbDatabase(parse_dsn(url))
    try:
        return str(db.query("SHOW STATUS LIKE 'Ssl_cipher'")[0][1])
    finally:
        db.close()


@pytest.mark.parametrize(("query", "encrypted"), [("ca={ca}", True), ("tls=off", False)])
def test_a_session_is_encrypted_unless_it_is_said(
    tls_peer: TlsServer, database: str, query: str, encrypted: bool
) -> None:
    tls_peer.show("valid")
    assert bool(cipher(tls_peer.url(database, query=query.format(ca=tls_peer.authority.ca)))) == encrypted


# Which certificate is shown, the options, and what is told.
REFUSED: dict[str, tuple[str, Callable[[TlsServer], str], str, str]] = {
    "another host's": ("wrong host", lambda s: f"ca={s.authority.ca}", "shows the certificate of another host", "name"),
    "expired": ("expired", lambda s: f"ca={s.authority.ca}", "has expired", "renewed"),
    "unknown CA": ("valid", lambda s: f"ca={s.authority.stranger}", "is not trusted", "ca="),
    "the system's CAs": ("valid", lambda s: "", "is not trusted", "ca="),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_certificate_that_proves_nothing_is_refused_before_the_password(
    tls_peer: TlsServer, database: str, name: str
) -> None:
    shown, query, told, hint = REFUSED[name]
    tls_peer.show(shown)
    with pytest.raises(UnreachableError, match=told) as refused:
        cipher(tls_peer.url(database, query=query(tls_peer)))
    _keeps_the_password(refused.value, tls_peer)
    assert hint in refused.value.hint


def test_a_server_without_tls_is_refused_with_the_dsn_that_would_do(peer: Server) -> None:
    with pytest.raises(UsageError, match="does not speak TLS") as refused:
        cipher(peer.url("autoir_x", query=""))
    _keeps_the_password(refused.value, peer)
    assert f"mysql://owner@127.0.0.1:{peer.port}/autoir_x?tls=off" in refused.value.hint


def _keeps_the_password(error: AutoirError, server: Server) -> None:
    assert server.passwords["owner"] not in f"{error} {error.hint}"
    assert "No password was sent." in f"{error} {error.hint}"
