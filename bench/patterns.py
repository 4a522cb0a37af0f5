"""What masking makes of real logs: patterns per 100 lines, speed, and whether lines of different meaning were merged.

The check has its own, independent eyes: it reads level, exception class, HTTP status, exit code and errno off the raw
lines with expressions of its own and looks for a pattern whose lines differ in one of them. Nothing here imports the
keep list or the header table, or a mistake there would hide itself.

    python bench/patterns.py [--examples N] [--data FOLDER]
"""

import argparse
import gzip
import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from autoir.patterns import Masker

ROOT = Path(__file__).resolve().parent.parent
SETS = ("openstack/cinder", "openstack/neutron", "trainticket")
ANCHORS = {
    "openstack/cinder": "167,421 lines, 1,656 patterns",
    "openstack/neutron": "132,184 lines, 1,565 patterns",
    "trainticket": "175,211 lines, 738 patterns (without the noise minutes)",
}
"""An earlier mask of the same rules, without records and tracebacks."""

_LEVEL = re.compile(r"^(?:\{\"log\":\")?[\d\-:., T]{8,30}(?:\d+ )?([A-Z]{3,8})\b")
_EXCEPTION = re.compile(
    r"\b(?:[a-z_]\w*\.)*[A-Za-z]\w*(?:Exception|Error|Failure|NotFound|Timeout|Conflict|Unavailable|InUse|Fault)\b"
)
_STATUS = re.compile(
    r"(?:HTTP/\d\.\d\"(?: status:)? |status: ?|\(HTTP |[Ss]tatus(?:_code|Code| code)[=:]? ?|returned |<(?=\d{3},))"
    r"(\d{3})\b"
)
_EXIT = re.compile(r"(?:[Ee]xit(?:ed)?(?: with)?(?: code| status)?|return code|rc)[=: ]+(-?\d{1,3})\b")
_ERRNO = re.compile(r"[Ee]rrno[\] :=]+(\d+)|\bos error (\d+)")
_READ = 16_384
"""Characters of a raw line that the check reads: all of the longest line of the data."""


def _class_of_status(status: str) -> str:
    return status if status[0] in "45" else status[0] + "xx"


def facts(line: str) -> dict[str, tuple[str, ...]]:
    """What must not differ within a pattern, by kind."""
    line = line[:_READ]
    level = _LEVEL.match(line)
    return {
        "level": (level[1],) if level else (),
        "exception class": tuple(sorted(set(_EXCEPTION.findall(line)))),
        "HTTP status": tuple(sorted({_class_of_status(s) for s in _STATUS.findall(line)})),
        "exit code": tuple(_EXIT.findall(line)),
        "errno": tuple(a or b for a, b in _ERRNO.findall(line)),
    }


def events(folder: Path) -> Iterator[tuple[str, str]]:
    """Log group and raw line of every event under ``folder``."""
    for path in sorted(folder.rglob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                yield event["g"], event["m"]


class Measured(NamedTuple):
    lines: int
    patterns: int
    characters: int
    cpu_s: float
    mixed_patterns: Counter[str]
    mixed_families: Counter[str]
    """A control: families are coarser on purpose, so a check that sees anything finds some here."""
    facts: Counter[str]
    """Lines that state a fact of a kind."""


def measure(name: str, folder: Path, examples: int) -> Measured:
    """One set: prints its table."""
    stream = list(events(folder))
    masker = Masker()
    began = time.process_time()
    patterns = [masker.pattern(group, line) for group, line in stream]
    cpu_s = time.process_time() - began

    lines: Counter[str] = Counter()
    ids: dict[str, set[int]] = defaultdict(set)
    families: dict[str, set[int]] = defaultdict(set)
    seen: dict[tuple[int, str], dict[tuple[str, ...], str]] = defaultdict(dict)
    by_family: dict[tuple[int, str], set[tuple[str, ...]]] = defaultdict(set)
    stated: Counter[str] = Counter()
    for (group, line), pattern in zip(stream, patterns, strict=True):
        lines[group] += 1
        ids[group].add(pattern.pattern_id)
        families[group].add(pattern.family_id)
        for kind, fact in facts(line).items():
            seen[pattern.pattern_id, kind].setdefault(fact, line)
            by_family[pattern.family_id, kind].add(fact)
            stated[kind] += bool(fact)

    print(f"\n{name} (anchor: {ANCHORS[name]})")
    print(f"{'log group':45} {'lines':>8} {'patterns':>8} {'per 100':>8} {'families':>8}")
    for group in sorted(lines):
        share = 100 * len(ids[group]) / lines[group]
        print(f"{group:45} {lines[group]:8,} {len(ids[group]):8,} {share:8.2f} {len(families[group]):8,}")
    violations: Counter[str] = Counter()
    for (_, kind), variants in seen.items():
        if len(variants) > 1:
            violations[kind] += 1
            if violations[kind] <= examples:
                print(f"  {kind}:")
                for fact, line in list(variants.items())[:3]:
                    print(f"    {fact} {line[:400]!r}")
    total, distinct = sum(lines.values()), sum(len(found) for found in ids.values())
    family_count = sum(len(found) for found in families.values())
    print(f"{'all':45} {total:8,} {distinct:8,} {100 * distinct / total:8.2f} {family_count:8,}")
    mixed_families = Counter(kind for (_, kind), variants in by_family.items() if len(variants) > 1)
    return Measured(total, distinct, sum(len(line) for _, line in stream), cpu_s, violations, mixed_families, stated)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--examples", type=int, default=0, help="violations to print of each kind")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"The shared logs are not at {options.data}; give their folder with --data.", file=sys.stderr)
        return 2
    results = [measure(name, options.data / name, options.examples) for name in SETS]
    lines, distinct = sum(r.lines for r in results), sum(r.patterns for r in results)
    characters, cpu_s = sum(r.characters for r in results), sum(r.cpu_s for r in results)
    print(f"\n{lines:,} lines, {distinct:,} patterns: {100 * distinct / lines:.2f} per 100 lines")
    print(
        f"{lines / cpu_s:,.0f} lines and {characters / cpu_s / 1e6:.1f} MB per CPU second, "
        f"{1e6 * cpu_s / lines:.1f} us a line of {characters / lines:.0f} characters, memo cold at the start"
    )
    print(f"\n{'kind':16} {'lines with it':>13} {'patterns that mix (goal 0)':>27} {'families that mix (control)':>28}")
    mixed = 0
    for kind in ("level", "exception class", "HTTP status", "exit code", "errno"):
        patterns = sum(r.mixed_patterns[kind] for r in results)
        families = sum(r.mixed_families[kind] for r in results)
        print(f"{kind:16} {sum(r.facts[kind] for r in results):13,} {patterns:27} {families:28}")
        mixed += patterns
    return 1 if mixed else 0


if __name__ == "__main__":
    raise SystemExit(main())
