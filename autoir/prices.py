"""What AWS asks for, as far as somebody has to decide by it: one dated file, ``autoir/data/prices.toml``.

No other file of the project holds a price: one in a text is wrong a year later and nobody notices. The oldest date in
the file is the date of them all, and says so once it is old.
"""

import functools
import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

OLD_DAYS = 180
"""Age from which prices are to be looked up again."""


@dataclass(frozen=True, slots=True)
class Prices:
    """The file: USD by group and name, with where each group is from."""

    region: str
    groups: Mapping[str, Mapping[str, float]]
    as_of: date
    """Of the oldest group."""
    sources: Mapping[str, str]
    recalled: tuple[str, ...]
    """Groups with prices that were written from memory."""

    def __getitem__(self, group: str) -> Mapping[str, float]:
        return self.groups[group]

    def age_days(self, now_ms: int) -> int:
        """Days since ``as_of``."""
        return (datetime.fromtimestamp(now_ms / 1000, UTC).date() - self.as_of).days


@functools.cache
def table() -> Prices:
    """The prices that this release ships."""
    text = (importlib.resources.files("autoir") / "data" / "prices.toml").read_text("utf-8")
    return parsed(tomllib.loads(text))


def parsed(document: Mapping[str, object]) -> Prices:
    """Prices out of the file's tables. Raises KeyError where a group has no date or no source."""
    tables = {name: group for name, group in document.items() if isinstance(group, dict)}
    return Prices(
        region=str(document["region"]),
        groups={name: _numbers(group) for name, group in tables.items()},
        as_of=min(group["as_of"] for group in tables.values()),
        sources={name: str(group["source"]) for name, group in tables.items()},
        recalled=tuple(name for name, group in tables.items() if group.get("recalled")),
    )


def _numbers(group: Mapping[str, object]) -> dict[str, float]:
    return {name: value for name, value in group.items() if isinstance(value, float)}
