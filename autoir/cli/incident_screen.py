"""One incident on a screen: what is known, how it is known, and what to do next.

The order is a reader's at night: what, how bad and since when; what was seen, each sentence with the numbers of the
lines that prove it; these lines; how often that is usual; how it was judged; what to try; what happened so far.
"""

import textwrap
from collections.abc import Iterator, Sequence

from autoir.cli.output import Block, Heading, Lines, Panel, body, local_time, zone_name
from autoir.clock import MINUTE_MS, minute_of
from autoir.incidents import Candidate, Incident
from autoir.report.text import shown
from autoir.store import Store
from autoir.store.rows import StoredEvent

_WIDTH = 76
_LINES = 2
_LONGEST = 240
_RATES = 8
_BEFORE_MIN = 30
_SPARK = 40
_LEVELS = ".▁▂▃▄▅▆▇█"
_CLAIMS = {
    "symptom": "seen",
    "cause": "cause",
    "impact": "impact",
    "timeline": "when",
    "ruled_out": "ruled out",
    "assumption": "assumed",
}
_KINDS = {
    "new": "never seen before",
    "recur": "back after a pause",
    "spike": "far more than usual",
    "errshare": "larger share of errors",
    "silence": "log group fell silent",
    "gap": "regular line stopped",
    "heartbeat": "heartbeat stopped",
    "deploy": "deploy",
}


def headline(incident: Incident) -> Panel:
    """The incident in a few lines."""
    confidence = f"confidence {incident.detection_confidence}"
    paged = f"paged {local_time(incident.paged_ms)}" if incident.paged else "paged nobody"
    lines = [
        f"{incident.status} · since {local_time(incident.first_ts_ms)} {zone_name()}"
        f" · {incident.event_count:,} events · {confidence} · {paged}",
    ]
    first, *others = [shown(group, 100) for group in incident.log_groups] or ["-"]
    lines.append(f"most suspect: {first}" + (f"   also hit: {', '.join(others)}" if others else ""))
    if incident.summary:
        lines += ["", shown(incident.summary, 1_200)]
    if incident.previous_id:
        lines += ["", f"It came back: see {incident.previous_id}"]
    return Panel(
        f"{incident.severity.upper()}  {shown(incident.title, 200)}  ({incident.id})",
        [part for line in lines for part in wrapped(line)],
    )


def screen(store: Store, incident: Incident, flag: str) -> Iterator[Block]:
    """The incident whole; ``flag`` is what the next commands need to find the same store."""
    events = evidence(store, incident)
    numbers = {event.id: number for number, event in enumerate(events, 1)}
    candidates = store.candidates(incident_id=incident.id)
    yield headline(incident)
    yield from _part("What was seen", claim_lines(incident, numbers))
    yield from _part("Evidence", evidence_lines(events))
    yield from _part(_rates_title(incident), _rates(store, incident, candidates))
    yield from _part("How it was judged", [f"  {shown(line, 300)}" for line in incident.basis])
    yield from _part("Look first", step_lines(incident))
    yield from _part("Investigation", [f"  {_investigation(incident)}"])
    yield from _part("History", _history(incident))
    yield from _part("Next", _next(incident, flag))


def _part(title: str, lines: Sequence[str]) -> Iterator[Block]:
    if lines:
        yield Lines(("",))
        yield Heading(title)
        yield Lines(lines)


def wrapped(text: str, indent: str = "", hanging: str = "") -> list[str]:
    """``text`` over lines of the width that every terminal has."""
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=hanging or indent, break_on_hyphens=False
    ) or [""]


def evidence(store: Store, incident: Incident) -> list[StoredEvent]:
    """The stored lines that the incident shows or cites, in the order of their numbers."""
    ids = list(dict.fromkeys([*incident.sample_ids, *(cite for claim in incident.claims for cite in claim.cites)]))
    stored = {event.id: event for event in store.events(ids)}
    return [stored[event_id] for event_id in ids if event_id in stored]


def claim_lines(incident: Incident, numbers: dict[str, int]) -> list[str]:
    """Each claim with the numbers of its evidence."""
    lines = []
    for claim in incident.claims:
        cites = "".join(f" [{numbers[cite]}]" for cite in claim.cites if cite in numbers)
        label = f"  {_CLAIMS[claim.kind]:<10}"
        lines += wrapped(f"{shown(claim.text, 600)}{cites}", label, " " * len(label))
    return lines


def evidence_lines(events: Sequence[StoredEvent]) -> list[str]:
    """Each line with its number, time, place and id."""
    lines = []
    for number, event in enumerate(events, 1):
        place = f"{shown(event.log_group, 100)}  {shown(event.log_stream, 60)}"
        lines.append(f"  [{number}] {local_time(event.ts_ms)}  {place}  {event.id}")
        lines += [f"      {line}" for line in body(event.message, _LINES, _LONGEST)]
    return lines


def step_lines(incident: Incident) -> list[str]:
    """What to do first, with its risk and the way back."""
    lines = []
    for number, step in enumerate(incident.steps, 1):
        lines += wrapped(shown(step.action, 400), f"  {number}. ", "     ")
        for name, text in (("risk", step.risk), ("impact", step.impact), ("undo", step.rollback)):
            if text:
                lines += wrapped(f"{name}: {shown(text, 300)}", "     ")
    return lines


def _rates(store: Store, incident: Incident, candidates: Sequence[Candidate]) -> list[str]:
    """The suspects against what is usual, the opening marked."""
    words = {
        family: body(template, 1, 100)[0]
        for family, template in store.family_templates([c.family_id for c in candidates])
    }
    chosen: dict[tuple[str, str], Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: (-c.score, c.minute)):
        chosen.setdefault((candidate.log_group, words.get(candidate.family_id, candidate.kind)), candidate)
    rows = list(chosen.values())[:_RATES]
    first = minute_of(incident.first_ts_ms) - _BEFORE_MIN
    last = max(minute_of(incident.last_ts_ms), minute_of(incident.opened_ms))
    series = store.family_series([c.family_id for c in rows if c.family_id], first, last)
    lines = []
    for c in rows:
        span = c.minute - c.window_from + 1
        usual = f"{c.expected / span:,.1f}" if c.expected else "0"
        said = f": {words[c.family_id]}" if c.family_id in words else ""
        drawn = (
            sparkline(series[c.family_id], first, last, minute_of(incident.opened_ms)) if c.family_id in series else ""
        )
        lines.append(f"  {shown(c.log_group, 60)}  {_KINDS[c.kind]}{said}")
        lines.append(f"      {c.observed / span:,.1f} a minute, usually {usual:<8} {drawn}".rstrip())
    return lines


def _rates_title(incident: Incident) -> str:
    first = incident.first_ts_ms - _BEFORE_MIN * MINUTE_MS
    last = max(incident.last_ts_ms, incident.opened_ms) + 1
    return f"Unusual ({local_time(first)[11:16]} to {local_time(last)[11:16]}, | is the opening)"


def sparkline(counts: dict[int, int], first: int, last: int, mark: int) -> str:
    """Events a minute from ``first`` to ``last`` as a row of bars, with a stroke where minute ``mark`` begins."""
    step = max(-(-(last - first + 1) // _SPARK), 1)
    starts = range(first, last + 1, step)
    values = [sum(counts.get(minute, 0) for minute in range(start, start + step)) for start in starts]
    top = max(values, default=0)
    drawn = ""
    for start, value in zip(starts, values, strict=True):
        if start <= mark < start + step:
            drawn += "|"
        drawn += _LEVELS[-(-value * (len(_LEVELS) - 1) // top)] if top else _LEVELS[0]
    return drawn


def _investigation(incident: Incident) -> str:
    if incident.investigation == "none":
        return "none: the words above are made by rule, no model took part"
    return f"{incident.investigation} {shown(incident.investigation_note, 300)}".rstrip()


def _history(incident: Incident) -> list[str]:
    return [
        f"  {local_time(change.at_ms)}  {change.transition:<12} by {shown(change.by, 60)}"
        + (f": {shown(change.note, 300)}" if change.note else "")
        for change in incident.history
    ]


def _next(incident: Incident, flag: str) -> list[str]:
    base = f"  autoir{flag}"
    lines = {
        "open": [f'{base} incidents ack {incident.id} --note "on it"'],
        "ack": [f'{base} incidents resolve {incident.id} --note "what it was"'],
    }.get(incident.status, [])
    if incident.active:
        lines.append(f'{base} incidents dismiss {incident.id} --note "why it is none"')
    if incident.affected_group:
        lines.append(f"{base} logs latest {shown(incident.affected_group, 200)} --limit 50")
    return lines
