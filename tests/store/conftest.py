"""The store under test, once for each implementation: another one is another entry of ``PLACES``."""

import os
from collections.abc import Callable, Iterator, Mapping

import pytest

from autoir.store import Store, open_store
from tests.mysql_peer.live import DSN


def _sqlite(request: pytest.FixtureRequest) -> Iterator[str]:
    yield f"sqlite:///{request.getfixturevalue('tmp_path')}/store.db"


def _tidb(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.getfixturevalue("live_url" if os.environ.get(DSN) else "peer_url")


PLACES: Mapping[str, Callable[[pytest.FixtureRequest], Iterator[str]]] = {"sqlite": _sqlite, "tidb": _tidb}
"""How each implementation gets a database of its own, as its URL."""


@pytest.fixture(params=PLACES)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty store: opening it is all that is left to do."""
    yield from PLACES[request.param](request)


@pytest.fixture
def opener(url: str) -> Iterator[Callable[[], Store]]:
    """Opens the database once more, as another process would; every connection is closed at the end."""
    stores: list[Store] = []

    def open_one() -> Store:
        stores.append(open_store(url))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(opener: Callable[[], Store]) -> Store:
    """An empty store."""
    return opener()
