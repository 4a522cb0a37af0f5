"""An incident on a screen: a card that fits one screen, and the page behind it.

Everything is a Rich renderable without markup, so log text cannot style itself; on a terminal Rich colours it, anywhere
else the same text comes out plain. Nothing is said by colour alone, and width 80 is enough.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from io import StringIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from autoir.clock import minute_of
from autoir.incidents import Claim, ClaimKind, Incident, Severity
from autoir.report.amounts import counted, lasting, listed, rate, usual
from autoir.report.describe import is_absence, service_of
from autoir.report.sparkline import Series, span_of, sparkline
from autoir.report.text import clipped, excerpt, shown
from autoir.report.times import clock, day_and_clock, zone_name
from autoir.store.rows import StoredEvent

_COLOURS: dict[Severity, str] = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "bold yellow",
    "low": "bold cyan",
    "info": "bold",
}
_HEADINGS: dict[ClaimKind, str] = {
    "symptom": "what is new",
    "cause": "cause",
    "timeline": "how it went",
    "impact": "impact",
    "ruled_out": "ruled out",
    "assumption": "not proved",
}
_ORDER: tuple[ClaimKind, ...] = ("cause", "symptom", "timeline", "impact", "ruled_out", "assumption")
_ON_CARD: tuple[ClaimKind, ...] = ("cause", "symptom", "ruled_out", "assumption")
_LINE_LIMIT = 300
_SPARKS, _SPARK_COLUMNS, _SPARK_LABEL = 4, 44, 16
SHORT_ID = 10
"""Characters of an event id that are shown and that commands accept as a prefix."""

_ON_CARD_OF_A_KIND = 3
_COMMAND_LIMIT = 80
_SAFE_GROUP = re.compile(r"[\w./\-#]{1,512}\Z", re.ASCII)
_QUERY_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]{2,30}")


def headline(incident: Incident, limit: int = 120) -> Text:
    """Severity and title; the title within ``limit`` characters."""
    text = Text(f"{incident.severity.upper()}", _COLOURS[incident.severity])
    return text.append(f"  {clipped(shown(incident.title, 400), limit)}", "bold")


def _how_much(incident: Incident, zone: tzinfo, since: str) -> Text:
    return Text(
        f"since {since} {zone_name(incident.first_ts_ms, zone)} · {counted(incident.event_count, 'event')}"
        f" · confidence {incident.detection_confidence}"
        + ("" if incident.status == "open" else f" · {incident.status}")
        + (" · paged" if incident.paged else "")
    )


class _Proof:
    """The stored events that an incident cites, numbered in order of first citation."""

    def __init__(self, incident: Incident, events: Iterable[StoredEvent], zone: tzinfo) -> None:
        stored = {event.id: event for event in events}
        cited = dict.fromkeys([cite for claim in incident.claims for cite in claim.cites] + [*incident.sample_ids])
        self.events = [stored[event_id] for event_id in cited if event_id in stored]
        self._numbers = {event.id: n for n, event in enumerate(self.events, start=1)}
        self._stored = stored
        self._zone = zone

    def marks(self, claim: Claim) -> str:
        """``[1][2]``: the numbers of what the claim cites."""
        return "".join(f"[{self._numbers[cite]}]" for cite in claim.cites if cite in self._numbers)

    def when(self, claim: Claim) -> str:
        """When the first of what the claim cites came, or the last before it failed to come; empty where nothing of it
        is stored."""
        times = [self._stored[cite].ts_ms for cite in claim.cites if cite in self._stored]
        if not times:
            return ""
        return (
            f"Last {clock(max(times), self._zone)}." if is_absence(claim) else f"First {clock(min(times), self._zone)}."
        )

    def lines(self) -> Iterator[RenderableType]:
        """Number, time, group, short id and stream of each event, then its line."""
        for number, event in enumerate(self.events, start=1):
            text = Text(f"[{number}]", "cyan").append(f" {clock(event.ts_ms, self._zone)}  ")
            text.append(_middle_cut(event.log_group, 32)).append(f"  {event.id[:SHORT_ID]}  ")
            yield text.append(_middle_cut(event.log_stream, 18), "dim")
            yield Padding(Text(excerpt(event.message, _LINE_LIMIT)), (0, 0, 0, 4))


def _middle_cut(text: str, limit: int) -> str:
    text = shown(text, 512)
    return text if len(text) <= limit else f"{text[: limit // 2 - 1]}…{text[-(limit - limit // 2) :]}"


def _claims(incident: Incident, proof: _Proof, kinds: Iterable[ClaimKind], most: int) -> Iterator[RenderableType]:
    for kind in kinds:
        claims = [claim for claim in incident.claims if claim.kind == kind][:most]
        if not claims:
            continue
        yield Text(_HEADINGS[kind], "bold")
        for claim in claims:
            text = Text(shown(claim.text, 400))
            when = proof.when(claim) if kind == "symptom" else ""
            if when:
                text.append(f" {when}")
            yield Padding(text.append(f" {proof.marks(claim)}".rstrip(), "cyan"), (0, 0, 0, 2))


def _sparks(incident: Incident, series: Sequence[Series], zone: tzinfo) -> Iterator[Text]:
    opened = minute_of(incident.opened_ms)
    span = span_of(opened, minute_of(incident.last_ts_ms), _SPARK_COLUMNS)
    for one in series[:_SPARKS]:
        most = max((n for minute, n in one.counts.items() if span.first <= minute <= span.last), default=0)
        label = service_of(one.log_group)[:_SPARK_LABEL]
        yield Text.assemble(
            f"{label:<{_SPARK_LABEL}} ",
            (sparkline(one.counts, span), "red"),
            f" {rate(most)} a minute, {usual(one.usual_per_min)}",
        )
    if series:
        mark = " " * (_SPARK_LABEL + 1 + span.column(opened))
        step = "" if span.step == 1 else f", {span.step} min a column"
        yield Text(f"{mark}▲ opened {clock(incident.opened_ms, zone)}{step}", "dim")


def card(
    incident: Incident,
    events: Iterable[StoredEvent] = (),
    *,
    series: Sequence[Series] = (),
    zone: tzinfo = UTC,
    width: int | None = None,
) -> Panel:
    """What happened, how sure, what is new, what it is not, what to do: at most some 25 lines of 80 columns."""
    proof = _Proof(incident, events, zone)
    parts: list[RenderableType] = [_how_much(incident, zone, clock(incident.first_ts_ms, zone))]
    others = [service_of(group) for group in incident.log_groups[1:]]
    if others:
        parts.append(Text(f"also hit: {listed(others)}"))
    parts += [Text(""), *_sparks(incident, series, zone)] if series else []
    parts += [Text(""), *_claims(incident, proof, _ON_CARD, _ON_CARD_OF_A_KIND)]
    if incident.steps:
        parts.append(Text("look first", "bold"))
        parts += [Padding(Text(shown(step.action, 300)), (0, 0, 0, 2)) for step in incident.steps[:2]]
    return Panel(
        Group(*parts),
        title=headline(incident, min(width or 80, 120) - 14),
        title_align="left",
        subtitle=Text(incident.id),
        subtitle_align="right",
        box=box.ROUNDED,
        width=width,
    )


def page(
    incident: Incident,
    events: Iterable[StoredEvent] = (),
    *,
    series: Sequence[Series] = (),
    zone: tzinfo = UTC,
    store: str = "",
) -> Group:
    """Everything that is known of an incident: ``incidents show``.

    ``events`` are the stored events that it cites (others are ignored), ``store`` the value of ``--store`` that the
    commands at the end repeat.
    """
    proof = _Proof(incident, events, zone)
    parts: list[RenderableType] = [
        headline(incident),
        _how_much(incident, zone, day_and_clock(incident.first_ts_ms, zone)),
        Text(f"in {listed([shown(group, 80) for group in incident.log_groups], 6) or 'no log group'}"),
    ]
    if incident.previous_id:
        parts.append(Text(f"seen before: {incident.previous_id}"))
    if series:
        parts += [Text(""), *_sparks(incident, series, zone)]
    parts += [Text(""), *_claims(incident, proof, _ORDER, 20)]
    if proof.events:
        parts += [Text("\nevidence", "bold"), *proof.lines()]
    if incident.steps:
        parts.append(Text("\nlook first", "bold"))
        parts += [Padding(_step(step.action, step.risk, step.rollback), (0, 0, 0, 2)) for step in incident.steps]
    parts += [Text("\nhow this was judged", "bold"), *_judged(incident)]
    parts += [Text("\nhistory", "bold"), *_history(incident, zone)]
    parts += [
        Rule(style="dim"),
        *(Text(line, no_wrap=True, overflow="ignore") for line in next_commands(incident, store)),
    ]
    return Group(*parts)


def _step(action: str, risk: str, rollback: str) -> Text:
    text = Text(shown(action, 300))
    if risk:
        text.append(f"\n  risk: {shown(risk, 200)}", "dim")
    if rollback:
        text.append(f"\n  back: {shown(rollback, 200)}", "dim")
    return text


def _judged(incident: Incident) -> Iterator[RenderableType]:
    for line in incident.basis:
        yield Padding(Text(shown(line, 300)), (0, 0, 0, 2))
    state = "no model was asked" if incident.investigation == "none" else f"investigation {incident.investigation}"
    note = f": {shown(incident.investigation_note, 300)}" if incident.investigation_note else ""
    yield Padding(
        Text(f"explanation {incident.outcome}, confidence {incident.explanation_confidence}; {state}{note}"),
        (0, 0, 0, 2),
    )


def _history(incident: Incident, zone: tzinfo) -> Iterator[RenderableType]:
    for change in incident.history:
        note = f": {shown(change.note, 200)}" if change.note else ""
        words = change.transition.replace("_", "-")
        yield Padding(
            Text(f"{day_and_clock(change.at_ms, zone)}  {words} by {shown(change.by, 60)}{note}"), (0, 0, 0, 2)
        )
    if not incident.active:
        yield Padding(Text(f"lasted {lasting(incident.last_ts_ms - incident.first_ts_ms)}"), (0, 0, 0, 2))


def next_commands(incident: Incident, store: str = "") -> list[str]:
    """The three commands one would type next. Only letters and digits of log text get into them: they are pasted."""
    autoir = f"autoir --store {store}" if store else "autoir"
    words = " ".join(list(dict.fromkeys(_QUERY_WORD.findall(incident.title.partition(": ")[2])))[:5]) or "error"
    group = incident.affected_group
    query = f'{autoir} logs query "{words}"'
    where = f" --group {group}"
    if _SAFE_GROUP.match(group) and len(query + where) < _COMMAND_LIMIT:
        query += where
    if not incident.active:
        return [query, f"{autoir} incidents list"]
    first = "ack" if incident.status == "open" else "resolve"
    return [f"{autoir} incidents {first} {incident.id}", query, f"{autoir} incidents dismiss {incident.id}"]


def plain(renderable: RenderableType, width: int = 80) -> str:
    """``renderable`` as plain text: no colours, ``width`` columns; commands, which are copied, stay whole."""
    console = Console(file=StringIO(), width=width, no_color=True, force_terminal=False, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(renderable, crop=False)
    return "\n".join(line.rstrip() for line in capture.get().split("\n"))
