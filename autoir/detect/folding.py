"""The lines of one traceback are one piece of evidence, though they arrive as events of their own.

Ingestion keeps their patterns apart, since the order of delivery must not decide a pattern. Here, where all of them
are at hand, candidates whose samples share stream and millisecond are given the same name: the exception's type, and
the frame where only one is known (lines of one millisecond have no order to tell the last of several).
"""

import re
from collections.abc import Mapping, Sequence

from autoir.incidents import Candidate
from autoir.store.rows import StoredEvent

_EXCEPTION = re.compile(
    r"(?:^|\s)((?:[A-Za-z_]\w{0,80}\.){0,12}[A-Z]\w{0,100}(?:Error|Exception|Exit|Fault))(?=:|\s*$)"
)
_PYTHON_FRAME = re.compile(r'File "(?:[^"]{0,300}/)?([^"/]{1,100})", line \d+, in (\S{1,100})')
_OTHER_FRAME = re.compile(r"^\s*at ([\w.$<>/]{1,200})\(")
_HEAD = "Traceback (most recent call last)"
_READ = 2_000

Samples = Mapping[str, Sequence[StoredEvent]]
"""Sample events by a candidate's subject."""


def exception_of(message: str) -> str:
    """The exception that a line of a traceback names, empty where it names none."""
    if is_frame(message):
        return ""
    found = _EXCEPTION.search(message, 0, _READ)
    return found[1].rpartition(".")[2] if found else ""


def frame_of(message: str) -> str:
    """``file:function`` or the method of a frame, empty for any other line."""
    found = _PYTHON_FRAME.search(message, 0, _READ)
    if found:
        return f"{found[1]}:{found[2]}"
    other = _OTHER_FRAME.search(message[:_READ])
    return other[1] if other else ""


def is_frame(message: str) -> bool:
    """Whether a line is a frame or the head of a traceback, which say little by themselves."""
    return _HEAD in message[:_READ] or bool(frame_of(message))


def _find(parent: list[int], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


def _name(events: Sequence[StoredEvent]) -> str:
    exceptions = sorted({name for e in events if (name := exception_of(e.message))})
    frames = sorted({name for e in events if (name := frame_of(e.message))})
    parts = [*exceptions[:1], *(frames if len(frames) == 1 else [])]
    return " in ".join(parts) or min(e.id for e in events)


def folded(candidates: Sequence[Candidate], samples: Samples) -> list[Candidate]:
    """``candidates`` with ``fold`` set where several of severity class 1 and 2 share a stream and a millisecond."""
    parent = list(range(len(candidates)))
    places: dict[tuple[str, str, int], int] = {}
    for at, candidate in enumerate(candidates):
        if candidate.severity_class >= 1 and candidate.kind in ("new", "recur"):
            for event in samples.get(candidate.subject, ()):
                place = (event.log_group, event.log_stream, event.ts_ms)
                parent[_find(parent, at)] = _find(parent, places.setdefault(place, at))
    members: dict[int, list[int]] = {}
    for at in range(len(candidates)):
        members.setdefault(_find(parent, at), []).append(at)
    result = list(candidates)
    for own in members.values():
        if len(own) > 1:
            fold = (
                f"{candidates[own[0]].log_group}: {_name([e for at in own for e in samples[candidates[at].subject]])}"
            )
            for at in own:
                result[at] = candidates[at]._replace(fold=fold[:255])
    return result


def telling(candidate: Candidate, messages: Sequence[str]) -> tuple[int, float, str]:
    """Sorts the candidates of one fold: the line that names the exception first, frames last."""
    first = messages[0] if messages else ""
    return (0 if exception_of(first) else 2 if is_frame(first) else 1, -candidate.score, candidate.subject)
