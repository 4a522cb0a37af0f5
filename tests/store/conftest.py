"""The store under test, once for each implementation: another one is another entry of ``PLACES``."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from autoir.store import Store, open_database, open_store


def _sqlite(tmp_path: Path) -> Iterator[str]:
    yield f"sqlite:///{tmp_path}/store.db"


PLACES: Mapping[str, Callable[[Path], Iterator[str]]] = {"sqlite": _sqlite}
"""How each implementation gets an empty database, as its URL."""


@pytest.fixture(params=PLACES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    yield from PLACES[request.param](tmp_path)


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


@pytest.fixture
def raw(url: str) -> Iterator[Store]:
    """The database before any migration."""
    store = Store(open_database(url))
    yield store
    store.close()
