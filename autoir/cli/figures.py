"""How embedding and search did lately on this machine, over all commands, for ``autoir stats``.

Kept in a small file in AutoIR's folder and not in the store: a command that only reads must not write there, nor wait
for somebody who does, and a user without the right to write searches all the same. Nothing depends on these figures,
so a file that cannot be read is begun anew, one that cannot be written is left, and of two commands that end at the
same instant one may go uncounted.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TypeVar

from autoir import locations
from autoir.clock import DAY_MS
from autoir.errors import AutoirError
from autoir.metrics import EmbedWork, SearchWork, Work

DAYS = 7
"""Days that are remembered, by UTC, today included."""

W = TypeVar("W", bound=Work)


@dataclass(slots=True)
class Figures:
    """What was done with one store."""

    embedding: EmbedWork = field(default_factory=EmbedWork)
    search: SearchWork = field(default_factory=SearchWork)


of_this_process = Figures()
"""What this process has done and not yet remembered."""


def lately(store: str, now_ms: int) -> Figures:
    """What was done with ``store``, a URL without its password, in the last days."""
    total = Figures()
    for day, kept in _read().get(store, {}).items():
        if _recent(day, now_ms):
            total.embedding.add(_work(EmbedWork, kept.get("embedding", {})))
            total.search.add(_work(SearchWork, kept.get("search", {})))
    return total


def remember(store: str, now_ms: int) -> None:
    """Add what this process has done to what is known of ``store``. Never fails."""
    global of_this_process
    done, of_this_process = of_this_process, Figures()
    if not done.embedding.requests and not done.search.searches:
        return
    known = _read()
    today = str(now_ms // DAY_MS)
    before = known.get(store, {}).get(today, {})
    done.embedding.add(_work(EmbedWork, before.get("embedding", {})))
    done.search.add(_work(SearchWork, before.get("search", {})))
    known.setdefault(store, {})[today] = asdict(done)
    kept = {name: {d: f for d, f in days.items() if _recent(d, now_ms)} for name, days in known.items()}
    content = json.dumps({name: days for name, days in kept.items() if days}, separators=(",", ":")).encode()
    try:
        locations.write_atomically(locations.figures_file(), content)
    except (OSError, AutoirError):
        return


def _recent(day: str, now_ms: int) -> bool:
    return 0 <= now_ms // DAY_MS - int(day) < DAYS


def _read() -> dict[str, dict[str, dict[str, Mapping[str, float]]]]:
    """Figures by store, epoch day and kind; none where the file is no such file."""
    try:
        document = json.loads(locations.figures_file().read_bytes())
        for days in document.values():
            for day, kinds in days.items():
                int(day), _work(EmbedWork, kinds["embedding"]), _work(SearchWork, kinds["search"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, AutoirError):
        return {}
    return dict(document)


def _work(kind: type[W], kept: Mapping[str, float]) -> W:
    found = {entry.name: kept.get(entry.name, 0) for entry in fields(kind)}
    if not all(isinstance(value, int | float) for value in found.values()):
        raise TypeError("not a number")
    return kind(**found)
