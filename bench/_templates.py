"""Templates to measure with: those of the demo's logs, mined by the mask, and as many others of their words."""

import random
from functools import cache
from itertools import islice
from typing import NamedTuple

from autoir.demo import DEFAULT_SEED, SCENARIOS, generate
from autoir.patterns import Masker

_EVENTS = 5_000
"""Of each scenario: a few minutes of the shop hold nearly all of its templates."""


class Template(NamedTuple):
    """What a pattern is made of."""

    log_group: str
    level: int
    component: str
    template: str


@cache
def mined() -> tuple[Template, ...]:
    """The demo's templates, in the order in which they are first said."""
    masker, found = Masker(), {}
    for name in SCENARIOS:
        for event in islice(generate(name, DEFAULT_SEED), _EVENTS):
            pattern = masker.pattern(event.log_group, event.message)
            row = Template(event.log_group, pattern.level, pattern.component, pattern.template)
            found.setdefault(pattern.pattern_id, row)
    return tuple(found.values())


def varied(count: int) -> list[Template]:
    """That many templates over three times as many groups: mined ones, every other word changed for another of them."""
    rng = random.Random(count)
    words = sorted({word for template in mined() for word in template.template.split()})
    made: dict[Template, None] = {}
    while len(made) < count:
        group, level, component, text = rng.choice(mined())
        changed = " ".join(word if rng.random() < 0.5 else rng.choice(words) for word in text.split())
        made[Template(f"{group}-{rng.randrange(3)}", level, component, f"{changed} {rng.choice(words)}")] = None
    return list(made)
