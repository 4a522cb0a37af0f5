"""A message as people get it: the subject, a text for a phone's lock screen, a page for e-mail.

The order is what someone just woken asks: what, since when, how bad, how sure, where, the lines, what to do first, how
to see more, why me. All of it is plain text of one message, so two renderings of it never differ.
"""

import textwrap
from datetime import UTC, tzinfo
from urllib.parse import quote

from autoir.clock import MINUTE_MS
from autoir.notify.messages import Message
from autoir.report.amounts import counted, lasting
from autoir.report.describe import service_of
from autoir.report.text import ascii_subject
from autoir.report.times import clock, day_and_clock, zone_name

SUBJECT_LIMIT = 99
"""SNS takes subjects of fewer than 100 ASCII characters."""

SMS_LIMIT = 139
"""One SMS holds 140 bytes; in ASCII that is under 140 characters with room for none to be lost."""

COLUMNS = 72
_EVIDENCE_LINES = 3
_HEAD, _TAIL = 120, 80

_STATES = {
    "worse": "worse",
    "findings": "findings",
    "ack": "acknowledged",
    "resolve": "resolved",
    "dismiss": "dismissed",
    "auto_resolve": "resolved by itself",
    "cut": "goes on as a new incident",
}


def subject(message: Message) -> str:
    """``[HIGH] checkout: QueuePool limit … reached (new error, 312 events)``: ASCII, at most 99 characters."""
    head = f"[{message['severity'].upper()}] "
    tail = ", ".join(filter(None, [_state(message), _events(message)]))
    tail = f" ({tail})" if tail else ""
    return head + ascii_subject(message["title"], SUBJECT_LIMIT - len(head) - len(tail)) + tail


def sms(message: Message, zone: tzinfo = UTC) -> str:
    """Severity, service, what, since, id: ASCII, under 140 characters."""
    since = f"since {clock(message['first_ts_ms'], zone)[:5]} {zone_name(message['first_ts_ms'], zone)}"
    state = _STATES.get(message["transition"], "")
    tail = ", ".join(filter(None, [state, since, message["incident_id"]]))
    head = f"{message['severity'].upper()} "
    title = ascii_subject(message["title"], max(20, SMS_LIMIT - len(head) - len(tail) - 2))
    return ascii_subject(f"{head}{title}, {tail}", SMS_LIMIT)


def email(message: Message, zone: tzinfo = UTC, region: str = "") -> str:
    """The page as text, 72 columns. ``region`` adds the link to the log stream in CloudWatch's console."""
    first = message["first_ts_ms"]
    parts = [
        _wrapped(f"{message['title']}."),
        _since(message, zone),
        _wrapped(f"How bad, how sure: {message['severity']}, confidence {message['detection_confidence']} of 100."),
        *(_wrapped(line, "  ") for line in message["basis"]),
        _where(message),
    ]
    if message["evidence"]:
        parts += ["", f"Lines (times in {zone_name(first, zone)}):"]
        for line in message["evidence"][:_EVIDENCE_LINES]:
            parts.append(_wrapped(f"{clock(line['ts_ms'], zone)} {service_of(line['log_group'])}", "  "))
            parts.append(_wrapped(_both_ends(line["message"]), "    "))
    if message["steps"]:
        parts += ["", "Look first:"]
        parts += [_wrapped(step["action"], "  ") for step in message["steps"][:2]]
    parts += ["", f"Incident {message['incident_id']}:", f"  {message['command']}"]
    if message["previous_id"]:
        parts.append(f"  it was here before: {message['previous_id']}")
    if region and message["log_groups"]:
        parts += ["In CloudWatch:", f"  {console_link(message, region)}"]
    parts += ["", _why(message)]
    return "\n".join(parts) + "\n"


def _events(message: Message) -> str:
    return counted(message["event_count"], "event") if message["event_count"] else ""


def _state(message: Message) -> str:
    state = _STATES.get(message["transition"], message["kind"])
    return state + (f" by {ascii_subject(message['by'], 20)}" if message["transition"] in ("ack", "resolve") else "")


def _both_ends(line: str) -> str:
    """Beginning and end of a line: where a traceback says what happened."""
    return line if len(line) <= _HEAD + _TAIL + 5 else f"{line[:_HEAD]} ... {line[-_TAIL:]}"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, COLUMNS, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
    )


def _since(message: Message, zone: tzinfo) -> str:
    first = message["first_ts_ms"]
    what = " ".join(filter(None, [message["kind"].capitalize() or "Unusual lines", "since"]))
    span = lasting(message["last_ts_ms"] - first)
    count = f": {_events(message)} in {span}" if message["event_count"] else ""
    text = f"{what} {day_and_clock(first, zone)} {zone_name(first, zone)}{count}."
    state = _STATES.get(message["transition"])
    if state:
        note = f": {message['note']}" if message["note"] else ""
        text += f" Now {state} (by {message['by']}){note}."
    return _wrapped(text)


def _where(message: Message) -> str:
    groups = message["log_groups"]
    if not groups:
        return "Where: not known."
    also = f"; also hit: {', '.join(groups[1:6])}" if len(groups) > 1 else ""
    more = f" and {len(groups) - 6} more" if len(groups) > 6 else ""
    return _wrapped(f"Where: {groups[0]}{also}{more}.")


def _why(message: Message) -> str:
    environment = f", environment {message['environment']}" if message["environment"] else ""
    reason = {"worse": "it got worse", "findings": "the investigation has findings"}.get(
        message["transition"], "it is severe and sure enough to page (min_severity, min_confidence)"
    )
    return _wrapped(f"You get this because you are on the pages of stage {message['stage']}{environment}: {reason}.")


_DOMAINS = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))


def console_link(message: Message, region: str) -> str:
    """The most suspect stream (or group) in CloudWatch's console, from a minute before the first event on.

    The console decodes the part behind ``#`` twice, with ``$`` for ``%``. Everything is encoded, so no log group's name
    leads elsewhere.
    """
    safe_region = quote(region, safe="")
    own = f"{safe_region}.console.aws.amazon.com"
    host = next((f"{safe_region}.{domain}" for prefix, domain in _DOMAINS if region.startswith(prefix)), own)
    start, end = message["first_ts_ms"] - MINUTE_MS, message["last_ts_ms"] + MINUTE_MS
    link = f"https://{host}/cloudwatch/home?region={safe_region}#logsV2:log-groups/log-group/"
    link += _twice(message["log_groups"][0])
    if message["log_stream"]:
        link += f"/log-events/{_twice(message['log_stream'])}{_twice_query(start, end)}"
    return link


def _twice(text: str) -> str:
    return quote(quote(text, safe=""), safe="").replace("%", "$")


def _twice_query(start_ms: int, end_ms: int) -> str:
    return quote(f"?start={start_ms}&end={end_ms}", safe="").replace("%", "$")
