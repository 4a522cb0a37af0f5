"""Rules from a configuration: anybody's regular expressions, let in only after they have shown that they are harmless.

Redaction runs on every event, so one expression that backtracks would stop ingestion. Each is therefore measured first,
on texts that start at one character and grow slowly, so that an exponential one shows while it is still cheap; in the
main thread, where the engine heeds signals, a timer ends one that explodes at once. A measurement is not a proof.
"""

import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import product
from types import FrameType

from autoir.errors import UsageError
from autoir.redact.rule import MARKER, Rule, marker

BUDGET_MS_PER_KB = 1.0
"""CPU a rule may take for each KB of a message."""

PROBE_CHARS = 64 * 1024

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_MARKER = re.compile(MARKER)
_FLOOR_S = 0.002
"""Below this a measurement is noise; it is also what an exponential expression may take before it is refused."""

_LONGEST_S = 0.25
"""Above what any probe may take (64 ms); the timer's ticks are some milliseconds."""

_MOST_OWN_CHARS, _MOST_OWN_WORDS = 32, 8
_HEAD = re.compile(r"""(?:\(\?[aimsux]+\)|\\[bB]|\^|\(\?:|\()*+((?:[\w =:,;@#%&<>'"/~-](?![?*+{]))++)""")
"""What an expression says literally before anything that it repeats: ``user=`` of ``user=(\\w+)*;``."""
_WORD = re.compile(r"[^\W_]{2,}")

_UNITS = (
    *("a", "A", "0", " ", "-", "_", ".", "/", "=", '"', "\\", "\n", "é", "a1", "1-", "a ", "a@", "a.", "aA0", "0 "),
    *("key=value ", '{"a":"b"},', "10.0.0.1:443 ", "2024-01-02T03:04:05Z ", "GET /api/v1/items?id=1 "),
)


def compile_user_rules(patterns: Mapping[str, str]) -> tuple[Rule, ...]:
    """Rules from name to regular expression (Python's ``re``); a match becomes ``[REDACTED:name]``.

    Raises UsageError for a name that cannot stand in a marker, an expression that does not compile, one that matches
    nothing at all, and one that takes more than ``BUDGET_MS_PER_KB`` on a probe.
    """
    return tuple(_rule(name, pattern) for name, pattern in patterns.items())


def _rule(name: str, pattern: str) -> Rule:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"Redaction rule {name!r} has a name that cannot stand in a marker.",
            "Use 1 to 32 lower-case letters, digits and dashes.",
        )
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"Redaction rule {name!r} is not a regular expression: {pattern!r}: {error}.",
            "Mend it, and mind that a backslash is written twice in JSON and in a double-quoted TOML string.",
        ) from error
    _refuse_slow(name, compiled)
    _refuse_empty(name, compiled)

    text = marker(name)

    def replace(match: re.Match[str]) -> str:
        return match[0] if _is_redacted(match) else text

    return Rule(name, lambda message: compiled.sub(replace, message))


def _is_redacted(match: re.Match[str]) -> bool:
    """Whether the match lies in a marker, or has nothing but markers and punctuation."""
    message = match.string
    opened = message.rfind("[REDACTED:", max(0, match.start() - 43), match.start() + len("[REDACTED:"))
    found = _MARKER.match(message, opened) if opened >= 0 else None
    if found and found.start() <= match.start() and match.end() <= found.end():
        return True
    rest = _MARKER.sub("", match[0])
    return rest != match[0] and not any(map(str.isalnum, rest))


def _refuse_empty(name: str, compiled: re.Pattern[str]) -> None:
    for text in ("", *(unit * 4 for unit in _UNITS)):
        if any(match.start() == match.end() for match in compiled.finditer(text)):
            raise UsageError(
                f"Redaction rule {name!r} matches the empty string: {compiled.pattern!r}.",
                "Write what the secret must contain, for example + in place of *.",
            )


def _refuse_slow(name: str, compiled: re.Pattern[str]) -> None:
    head = _HEAD.match(compiled.pattern)
    heads = dict.fromkeys(("", head[1] if head else ""))
    for before, unit in product(heads, dict.fromkeys((*_UNITS, *_own_units(compiled.pattern)))):
        for size in _sizes():
            probe = before + (unit * (size // len(unit) + 1))[:size] + "\0"
            allowed_s = max(_FLOOR_S, BUDGET_MS_PER_KB / 1000 * size / 1024)
            taken_s = _cpu_s(compiled, probe)
            if taken_s > allowed_s and (taken_s := min(taken_s, _cpu_s(compiled, probe))) > allowed_s:
                raise UsageError(
                    f"Redaction rule {name!r} is too slow: {compiled.pattern!r} takes {taken_s * 1000:.0f} ms on "
                    f"{size:,} characters of {before + unit!r}; the limit is {BUDGET_MS_PER_KB:g} ms/KB.",
                    "Avoid a repetition inside a repetition, bound it as in {1,64}, or make it possessive as in ++.",
                )


def _own_units(pattern: str) -> Iterator[str]:
    """What an expression repeats is mostly made of its own characters."""
    yield from sorted(set(pattern))[:_MOST_OWN_CHARS]
    yield from _WORD.findall(pattern)[:_MOST_OWN_WORDS]
    letters = "".join(char for char in pattern if char.isalnum())
    yield from (unit for unit in (letters, letters[:-1], letters + " ") if unit)


def _sizes() -> Iterator[int]:
    yield from range(1, 32)
    yield from range(32, 256, 4)
    size = 256
    while size <= PROBE_CHARS:
        yield size
        size *= 2


class _Interrupted(Exception):
    pass


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise _Interrupted


def _cpu_s(compiled: re.Pattern[str], probe: str) -> float:
    # Of this thread alone: while the timer runs, a process's own is counted by ticks of 4 ms where others want the CPU.
    start = time.thread_time()
    if threading.current_thread() is not threading.main_thread():
        compiled.sub("", probe)
        return time.thread_time() - start
    before = signal.signal(signal.SIGVTALRM, _interrupt)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, _LONGEST_S)
        compiled.sub("", probe)
    except _Interrupted:
        pass  # what it took until now is too long already
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.thread_time() - start
