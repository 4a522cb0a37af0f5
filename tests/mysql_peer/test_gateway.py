"""The gateway lets in whoever trusts its authority and has a password, and translates what they say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autoir.errors import AutoirError
from autoir.store import open_store
from autoir.store.tidb import TidbDatabase, parse_dsn
from autoir.store.tidb.schema import Retention, apply, statements
from tests.mysql_peer.certificates import Authority
from tests.mysql_peer.gateway import Gateway
from tests.mysql_peer.server import Server
from tests.store.rows import NOON

DATABASE = "autoir_gateway"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def gateway(mysql_peer: Server, authority: Authority) -> Iterator[Gateway]:
    mysql_peer.create(DATABASE)
    with Gateway(mysql_peer, authority) as opened:
        yield opened
    mysql_peer.drop(DATABASE)


def test_the_product_s_schema_and_statements_pass(gateway: Gateway, authority: Authority) -> None:
    url = f"{gateway.url(DATABASE, 'owner')}?ca={authority.ca}"
    owner = TidbDatabase(parse_dsn(url))
    apply(owner, statements(0, NOON, Retention()))
    apply(owner, statements(0, NOON, Retention()))  # partitions are asked for on another connection
    owner.close()
    store = open_store(url)
    assert store.embed_progress().pending == 0
    store.close()


def test_a_long_statement_arrives_whole(gateway: Gateway, authority: Authority) -> None:
    owner = TidbDatabase(parse_dsn(f"{gateway.url(DATABASE, 'owner')}?ca={authority.ca}"))
    text = "x" * (17 << 20)
    ((length,),) = owner.query("SELECT LENGTH(%s)", (text,))
    owner.close()
    assert length == len(text)


def test_another_authority_is_not_trusted(gateway: Gateway, authority: Authority) -> None:
    with pytest.raises(AutoirError, match="certificate"):
        open_store(f"{gateway.url(DATABASE, 'owner')}?ca={authority.stranger}")


def test_another_password_is_refused(gateway: Gateway, mysql_peer: Server, authority: Authority) -> None:
    url = gateway.url(DATABASE, "owner").replace(mysql_peer.passwords["owner"], "another")
    with pytest.raises(AutoirError, match="refuse"):
        open_store(f"{url}?ca={authority.ca}")
