"""An incident's title, summary, claims and first steps, written by rule from its evidence.

The order is that of the screen: what happened, how it spread, what it is not, what to look at. A claim holds no clock
time, since its reader's zone is not known here: times are shown beside the events that it cites.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from autoir.incidents import Candidate, Claim, Incident, Kind
from autoir.patterns import shape_of
from autoir.report.amounts import counted, lasting, listed, rate, usual
from autoir.report.evidence import Evidence
from autoir.report.steps import first_looks
from autoir.report.text import clipped, defanged, shown
from autoir.report.wording import words_of

TITLE_LIMIT, SUMMARY_LIMIT = 120, 800

_SYMPTOMS, _SYMPTOMS_OF_ANOTHER_GROUP = 6, 2
_CITES, _CITES_OF_OTHERS = 3, 2
_DIGITS = re.compile(r"\d+")
_DECISIVE_SCORE = 5.5
_SERVICE_LIMIT = 40
_NOUNS = ("message", "warning", "error")
_PHRASES: dict[Kind, str] = {
    "new": "new {noun}",
    "recur": "{noun} is back",
    "spike": "spike",
    "errshare": "more errors",
    "silence": "silence",
    "gap": "overdue",
    "heartbeat": "heartbeat missing",
    "deploy": "deploy",
}
_RANK: dict[Kind, int] = {
    "heartbeat": 0,
    "new": 0,
    "recur": 0,
    "errshare": 1,
    "spike": 1,
    "silence": 2,
    "gap": 2,
    "deploy": 9,
}
_NEWS = ("new", "recur")
_KNOWN_PHRASES = tuple(p.format(noun=noun) for p in _PHRASES.values() for noun in _NOUNS)


def service_of(log_group: str) -> str:
    """The short name of a service: the last part of its log group, safe to show."""
    return clipped(defanged(shown(log_group.rstrip("/").rsplit("/", 1)[-1], 200)), _SERVICE_LIMIT) or "unknown"


def phrase_of(incident: Incident) -> str:
    """``new error``, ``spike``, …: what kind of thing the incident is; empty where its first claim does not say."""
    first = incident.claims[0].text.lower() if incident.claims else ""
    return next((phrase for phrase in _KNOWN_PHRASES if first.startswith(f"{phrase} in ")), "")


def is_absence(claim: Claim) -> bool:
    """Whether the claim says that something did not come: what it cites is what came before."""
    return claim.text.lower().startswith(tuple(f"{_PHRASES[kind]} in " for kind in ("silence", "gap", "heartbeat")))


class _Sign(NamedTuple):
    """A piece of evidence with its words; what one traceback said is one piece."""

    evidence: Evidence
    service: str
    words: str
    is_frame: bool

    @property
    def candidate(self) -> Candidate:
        return self.evidence.candidate

    @property
    def cites(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(sample.id for sample in self.evidence.samples))[:_CITES]

    @property
    def began_ms(self) -> int:
        return min((sample.ts_ms for sample in self.evidence.samples), default=self.candidate.first_ms)

    @property
    def per_min(self) -> float:
        """Events a minute over the candidate's window."""
        return self.candidate.observed / max(1, self.candidate.minute - self.candidate.window_from + 1)

    @property
    def total(self) -> int:
        """Events of the subject in the incident; the sweep may not have counted those of this minute yet."""
        return max(self.evidence.total, self.candidate.observed)

    def joined(self, other: "_Sign") -> "_Sign":
        """This sign with the counts of ``other``, which says the same in the same words."""
        mine, theirs = self.candidate, other.candidate
        window = max(1, mine.minute - mine.window_from + 1)
        return self._replace(
            evidence=self.evidence._replace(
                candidate=mine._replace(observed=round((self.per_min + other.per_min) * window)),
                total=self.total + max(other.evidence.total, theirs.observed),
                usual_per_min=self.evidence.usual_per_min + other.evidence.usual_per_min,
            )
        )


def describe(incident: Incident, evidence: Sequence[Evidence]) -> Incident:
    """``incident`` with its title, summary, claims, steps and ``sample_ids`` written from ``evidence``.

    ``evidence`` may be in any order; several candidates of one subject count once. Every cited id is one of its
    samples, and ``sample_ids`` are the cited ids in the order in which the claims cite them.
    """
    signs = _signs(incident, evidence)
    returning = bool(incident.previous_id)
    symptoms = _without_confirmations([sign for sign in signs if sign.candidate.kind != "deploy"])
    deploys = [sign for sign in signs if sign.candidate.kind == "deploy"]
    shown_symptoms = _most_telling(symptoms)
    groups = _groups(symptoms)
    claims = [
        Claim("symptom", _symptom(sign, returning), sign.cites[: _CITES_OF_OTHERS if at else _CITES])
        for at, sign in enumerate(shown_symptoms)
    ]
    claims += _spread(groups, incident)
    claims += [_about_deploy(deploy, groups) for deploy in deploys]
    claims += _followers(groups)
    suspect_deploys = [
        d.service for d in deploys if groups and d.service == groups[0].service and _before(d, groups[0])
    ]
    return replace(
        incident,
        title=_title(incident, shown_symptoms, returning),
        summary=_summary(incident, claims),
        claims=tuple(claims),
        steps=first_looks(
            ((f"{sign.evidence.template} {sign.words}", sign.service) for sign in shown_symptoms),
            ((_told_kind(sign.candidate, returning), sign.service) for sign in shown_symptoms[:1]),
            suspect_deploys[0] if suspect_deploys else "",
        ),
        sample_ids=tuple(dict.fromkeys(cite for claim in claims for cite in claim.cites)) or incident.sample_ids,
    )


_FRAMES = ('File "', "Traceback (", "at ", "... ", "#", "goroutine ", "During handling")


def _signs(incident: Incident, evidence: Iterable[Evidence]) -> list[_Sign]:
    """One sign a subject and fold, most telling first: by group, then what says most about it."""
    order = {group: at for at, group in enumerate(incident.log_groups)}

    def rank(sign: _Sign) -> tuple[object, ...]:
        c = sign.candidate
        return (
            order.get(c.log_group, len(order)),
            c.log_group,
            _RANK[c.kind],
            sign.is_frame,
            -c.severity_class,
            c.score < _DECISIVE_SCORE,
            not sign.cites,
            c.first_ms,
            -c.score,
            c.subject,
            c.minute,
            sign.evidence,
        )

    best: dict[tuple[str, str], _Sign] = {}
    for sign in sorted((_sign(e) for e in evidence), key=rank):
        c = sign.candidate
        best.setdefault((c.log_group, c.kind if c.kind == "deploy" else c.fold or f":{c.subject}"), sign)
    return list(best.values())


def _sign(evidence: Evidence) -> _Sign:
    candidate = evidence.candidate
    service = service_of(candidate.log_group)
    sample = min(evidence.samples, key=attrgetter("ts_ms", "id"), default=None)
    if candidate.kind == "heartbeat":
        words = words_of(candidate.subject.removeprefix(f"{candidate.log_group}: "))
    elif sample:
        words = words_of(sample.message, evidence.template or shape_of(sample.message).template)
    else:
        words = words_of("", evidence.template)
    is_frame = evidence.template.lstrip().startswith(_FRAMES)
    return _Sign(evidence, service, words, is_frame)


def _without_confirmations(symptoms: Sequence[_Sign]) -> list[_Sign]:
    """Without the errors of a group counted together, where the very errors are told."""
    told = {s.candidate.log_group for s in symptoms if s.candidate.kind in _NEWS and s.candidate.severity_class >= 2}
    return [s for s in symptoms if s.candidate.kind != "errshare" or s.candidate.log_group not in told]


def _most_telling(symptoms: Sequence[_Sign]) -> list[_Sign]:
    """The suspect's own signs first, then a few of each other group; what says the same is told as one."""
    alike: dict[tuple[object, ...], _Sign] = {}
    for sign in symptoms:
        c = sign.candidate
        key = (c.log_group, c.kind, sign.evidence.first_ever, _DIGITS.sub("0", sign.words) or c.subject)
        first = alike.get(key)
        alike[key] = first.joined(sign) if first else sign
    kept: list[_Sign] = []
    for sign in alike.values():
        suspect = symptoms[0].candidate.log_group
        of_group = [s for s in kept if s.candidate.log_group == sign.candidate.log_group]
        allowed = _SYMPTOMS // 2 if sign.candidate.log_group == suspect else _SYMPTOMS_OF_ANOTHER_GROUP
        if len(of_group) < allowed:
            kept.append(sign)
    return kept[:_SYMPTOMS]


def _told_kind(candidate: Candidate, returning: bool) -> Kind:
    """``returning``: the incident follows an earlier one; else what recurs does so within this one."""
    return "new" if candidate.kind == "recur" and not returning else candidate.kind


def _phrase(candidate: Candidate, returning: bool) -> str:
    noun = _NOUNS[min(max(candidate.severity_class, 0), 2)]
    return _PHRASES[_told_kind(candidate, returning)].format(noun=noun)


def _symptom(sign: _Sign, returning: bool) -> str:
    e, c = sign.evidence, sign.candidate
    times = counted(sign.total, "time")
    quoted = f" “{sign.words}”" if sign.words else ""
    match c.kind:
        case "new" | "recur" if e.first_ever:
            how = f"{times}, never seen before"
        case "new":
            how = f"{times}, {usual(e.usual_per_min)} a minute"
        case "recur":
            how = f"{times}, seen in an earlier incident" if returning else f"{times}, seldom or never seen before"
        case "heartbeat":
            quoted, how = "", f"“{sign.words}” has not come, {counted(round(c.expected), 'time')} expected"
        case "gap":
            how = "no longer comes when it is due"
        case "silence":
            how = f"{rate(sign.per_min)} lines a minute, {usual(e.usual_per_min)}"
        case _:
            how = f"{rate(sign.per_min)} a minute, {usual(e.usual_per_min)}"
    return f"{_phrase(c, returning).capitalize()} in {sign.service}:{quoted}{',' if quoted else ''} {how}."


class _Group(NamedTuple):
    """What the signs of a log group say together. ``cites`` are of its first sign."""

    service: str
    began_ms: int
    score: float
    cites: tuple[str, ...]


def _groups(symptoms: Sequence[_Sign]) -> list[_Group]:
    """Groups in the order of the signs, so the suspect is first."""
    found: dict[str, list[_Sign]] = {}
    for sign in symptoms:
        found.setdefault(sign.candidate.log_group, []).append(sign)
    groups = []
    for signs in found.values():
        first = min(signs, key=lambda s: (-s.candidate.severity_class, s.began_ms))
        groups.append(_Group(signs[0].service, first.began_ms, max(s.candidate.score for s in signs), first.cites[:1]))
    return groups


def _spread(groups: Sequence[_Group], incident: Incident) -> list[Claim]:
    if len(groups) < 2:
        return []
    suspect, *others = groups
    later = sorted((g for g in others if g.began_ms > suspect.began_ms), key=attrgetter("began_ms", "service"))
    claims = []
    if later:
        steps = listed([f"{g.service} {lasting(g.began_ms - suspect.began_ms)} later" for g in later])
        claims.append(Claim("timeline", f"{suspect.service} came first, {steps}.", _cited([suspect, *later])))
    events = counted(incident.event_count, "event")
    span = lasting(incident.last_ts_ms - incident.first_ts_ms)
    also = listed([service_of(group) for group in incident.log_groups[1:]] or [g.service for g in others])
    claims.append(Claim("impact", f"Also hit: {also}; {events} in {span}.", _cited(others)))
    return claims


def _cited(groups: Sequence[_Group]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cite for group in groups[:4] for cite in group.cites))


def _before(deploy: _Sign, suspect: _Group) -> bool:
    return deploy.candidate.first_ms <= suspect.began_ms


def _about_deploy(deploy: _Sign, groups: Sequence[_Group]) -> Claim:
    words = clipped(defanged(shown(deploy.candidate.fold, 200)), 40)
    what = f"deploy of {deploy.service}" + (f" (“{words}”)" if words else "")
    if not groups:
        return Claim("assumption", f"A {what} was seen.", deploy.cites)
    suspect = groups[0]
    cites = (*deploy.cites[:1], *suspect.cites)
    apart = lasting(abs(suspect.began_ms - deploy.candidate.first_ms))
    if not _before(deploy, suspect):
        return Claim("ruled_out", f"Not the {what}: it came {apart} after {suspect.service} first showed this.", cites)
    if deploy.service == suspect.service:
        return Claim("assumption", f"The {what} came {apart} before: it may have brought this.", cites)
    own = next((g for g in groups[1:] if g.service == deploy.service), None)
    if own is None:
        return Claim("ruled_out", f"Not the {what} {apart} before: nothing in {deploy.service} is unusual.", cites)
    if own.began_ms <= suspect.began_ms:
        return Claim("assumption", f"The {what} came {apart} before, and {deploy.service} showed signs first.", cites)
    after = lasting(own.began_ms - suspect.began_ms)
    return Claim(
        "ruled_out", f"Not the {what}: {deploy.service} was well until {after} after {suspect.service}.", cites
    )


def _followers(groups: Sequence[_Group]) -> list[Claim]:
    if len(groups) < 2:
        return []
    suspect, *others = groups
    follow = [g for g in others if g.began_ms > suspect.began_ms and g.cites]
    weaker = [g for g in others if g.began_ms <= suspect.began_ms and g.score < suspect.score and g.cites]
    claims = []
    if follow:
        names = listed([g.service for g in follow])
        verb = "it follows" if len(follow) == 1 else "they follow"
        claims.append(Claim("ruled_out", f"Not {names}: {verb} {suspect.service}.", _cited(follow)))
    if weaker:
        scores = listed([f"{g.service} ({g.score:.1f})" for g in weaker])
        text = f"Not {scores}: weaker signs than {suspect.service} ({suspect.score:.1f})."
        claims.append(Claim("ruled_out", text, _cited(weaker)))
    return claims


def _title(incident: Incident, symptoms: Sequence[_Sign], returning: bool) -> str:
    if not symptoms:
        return clipped(f"{service_of(incident.affected_group)}: unusual log lines", TITLE_LIMIT)
    sign = symptoms[0]
    match sign.candidate.kind:
        case "heartbeat":
            what = f"heartbeat “{sign.words}” is missing"
        case "silence":
            what = f"silent, {usual(sign.evidence.usual_per_min)} lines a minute"
        case "gap":
            what = f"“{sign.words}” is overdue"
        case _:
            what = sign.words or _phrase(sign.candidate, returning)
    return clipped(f"{sign.service}: {what}", TITLE_LIMIT)


def _summary(incident: Incident, claims: Sequence[Claim]) -> str:
    first = next((claim.text for claim in claims if claim.kind == "symptom"), f"{incident.title}.")
    return clipped(" ".join([first, *(claim.text for claim in claims if claim.kind != "symptom")]), SUMMARY_LIMIT)
