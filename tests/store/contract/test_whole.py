"""The contract is whole: no method of a store is without a test here."""

import re
from pathlib import Path

from autoir.store import Store


def test_every_method_of_a_store_is_called_by_the_contract() -> None:
    called: set[str] = set()
    for path in (*Path(__file__).parent.glob("test_*.py"), Path(__file__).parent.with_name("conftest.py")):
        called.update(re.findall(r"\.(\w+)\(", path.read_text("utf-8")))
    methods = {name for name in dir(Store) if not name.startswith("_")}
    assert len(methods) > 40
    assert methods - called == set()
