"""What on-call may look at first: a table from the words of a failure to a first look.

A row says what has paid off for that kind of failure anywhere, so it names what to look at and never a cause. First
the words of the incident are asked, then the kind of its strongest sign. All of it only looks, unless a risk is named.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from autoir.incidents import Kind, Step

MOST = 4
"""Steps that are shown: more are a runbook, and that is the owner's."""


class _Row(NamedTuple):
    words: re.Pattern[str]
    step: Step


def _row(words: str, action: str, risk: str = "", impact: str = "", rollback: str = "") -> _Row:
    return _Row(re.compile(words, re.IGNORECASE), Step(action, risk, impact, rollback))


_BY_WORDS: tuple[_Row, ...] = (
    _row(
        r"(?<!s)pool(?!ing)|no free connection|too many connections|connections? in use|connection is not available",
        "Connections held by {service} and their age; long transactions and lock waits on its database.",
    ),
    _row(
        r"out ?of ?memory|\boom\b|oomkilled|heap space|cannot allocate|memory ?error|exit code 137",
        "Memory of {service} over the last hours and its restarts: a leak climbs, a single large input jumps.",
        "restarting frees memory and loses what is in flight",
        "raising the limit buys time, not a cure",
        "set the limit back",
    ),
    _row(
        r"no space left|disk (?:is )?full|enospc|read-only file ?system|quota exceeded",
        "Free space and inodes where {service} writes; what grew there today.",
        "deleting files may remove what an inquiry needs: move them first",
    ),
    _row(
        r"certificate|x509|\bssl\b|\btls\b|handshake|not ?after",
        "The certificate's dates and chain as {service} sees them, and the clock of its host.",
    ),
    _row(
        r"throttl|too ?many ?requests|rate.?limit|rate exceeded|slow ?down|\b429\b|limit ?exceeded",
        "Calls a minute from {service} against the limit of what refuses them; retries that pile up.",
        "raising the rate before retries back off makes it worse",
    ),
    _row(
        r"access ?denied|unauthori[sz]ed|forbidden|permission|expired ?token|invalid ?token|\b40[13]\b|credential",
        "What credentials {service} uses, when they expire, and the last change of its role or secret.",
    ),
    _row(
        r"name or service not known|getaddrinfo|unknown ?host|nxdomain|temporary failure in name|no such host",
        "Name resolution from {service}'s network: resolver, search path, the record and its last change.",
    ),
    _row(
        r"connection refused|econnrefused|connection reset|econnreset|broken pipe|no route|unreachable",
        "Whether what {service} calls is up and listens: its restarts, health checks and network rules.",
    ),
    _row(
        r"deadlock|lock wait|could not serialize|lock timeout",
        "Which transactions hold the locks {service} waits for, and since when.",
        "killing a transaction rolls its work back",
    ),
    _row(
        r"time-?out|timed out|did not answer|deadline exceeded|none came free",
        "Latency and load of what {service} waits for, from just before the first event.",
    ),
    _row(
        r"\b50[0234]\b|bad gateway|service unavailable|upstream|no other instance",
        "The service behind {service} that answers 5xx: its own errors come first, these follow.",
    ),
    _row(
        r"type ?error|attribute ?error|key ?error|null ?pointer|undefined|nil pointer|no such method|class ?not ?found",
        "The last change of the code at the top of the trace in {service}, and the input that reached it.",
    ),
    _row(
        r"missing|not set|no such (?:file|key|table|column)|unknown (?:column|setting|option)|invalid config",
        "Configuration and schema of {service} against its release: what came in with the last change.",
    ),
)

_BY_KIND: dict[Kind, str] = {
    "new": "What changed in {service} in the hour before the first event: release, configuration, traffic.",
    "recur": "How it ended last time: the earlier incident and what was done.",
    "spike": "Traffic of {service} over the same minutes: more of everything, or more of this alone?",
    "errshare": "Which requests of {service} fail: one route, one caller, one instance, or all?",
    "silence": "Whether {service} still runs and whether its logs still arrive.",
    "gap": "The scheduler and the last run of the job in {service} that is overdue.",
    "heartbeat": "Whether {service} runs, and its last lines before it fell silent; then what waits behind it.",
    "deploy": "What came with that release.",
}
_AFTER_DEPLOY = Step(
    "Compare {service} before and after its deploy; roll back if the first event follows it.",
    "a roll-back takes everything of that release back",
    "{service} restarts",
    "deploy the same release again",
)


def _named(step: Step, service: str) -> Step:
    return Step(*(part.replace("{service}", service) for part in (step.action, step.risk, step.impact, step.rollback)))


def first_looks(words: Iterable[tuple[str, str]], kinds: Iterable[tuple[Kind, str]], deployed: str) -> tuple[Step, ...]:
    """At most ``MOST`` steps, in order of ``words``: pairs of (words, service), as ``kinds`` is of (kind, service).

    ``deployed`` is the service that was deployed shortly before and is the suspect too, empty if there was none.
    """
    steps = {_AFTER_DEPLOY: deployed} if deployed else {}
    for said, service in words:
        found = next((row.step for row in _BY_WORDS if row.words.search(said)), None)
        if found:
            steps.setdefault(found, service)
    for kind, service in kinds:
        steps.setdefault(Step(_BY_KIND[kind]), service)
    return tuple(_named(step, service) for step, service in steps.items())[:MOST]
