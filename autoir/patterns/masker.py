"""From a message to its pattern.

Which of four ways a message goes (record, whole traceback, pairs, text) depends on the message alone. Every way is
bounded: a line of a megabyte costs what its first 4,096 characters cost.
"""

import re
from collections.abc import Mapping

import orjson

from autoir.events import stable_number
from autoir.patterns import keep
from autoir.patterns.document import Masked, mask_document
from autoir.patterns.escalation import token_mask
from autoir.patterns.family import family_text, severity_class
from autoir.patterns.header import Header, parse
from autoir.patterns.masks import mask
from autoir.patterns.memo import Memo
from autoir.patterns.pairs import is_logfmt, mask_logfmt, mask_pairs
from autoir.patterns.shape import (
    ERROR,
    FRAME,
    JSON,
    MASK_VERSION,
    TEXT,
    TOKEN_MASK_VERSION,
    TRACE,
    UNKNOWN,
    Pattern,
    Shape,
)
from autoir.patterns.trace import exception_names, is_frame, is_traceback, reduce_traceback

LINE_LIMIT = 4_096
"""Characters of a line that are masked. Twice the template, so that long values do not move its end."""

TEMPLATE_LIMIT = 2_048
"""Characters of a template."""

_COMPONENT_LIMIT = 200
_TAIL_LIMIT = 65_536
_JSON_LIMIT = 1_048_576
_JSON_START = 512
"""Characters in which a JSON object must begin."""

_JSON_SECOND = ('"', " ", "\n", "\r", "\t")
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}m")
_MEMO_BYTES = 8 * 1024 * 1024


def _cut(text: str, limit: int) -> str:
    """The first ``limit`` characters, back to white space where the last eighth has any."""
    if len(text) <= limit:
        return text
    at = max(text.rfind(" ", limit - limit // 8, limit), text.rfind("\n", limit - limit // 8, limit))
    return text[:at] if at > 0 else text[:limit]


def _encode(message: str) -> bytes:
    """A line within ``LINE_LIMIT``, without colours; exception names from further on follow behind a mark."""
    if "\x1b" in message:
        message = _COLOURS.sub("", message)
    if len(message) <= LINE_LIMIT:
        return keep.neutralise(message.encode("utf-8", "surrogatepass"))
    head = _cut(message, LINE_LIMIT)
    names = exception_names(message[len(head) : len(head) + _TAIL_LIMIT])
    tail = f"{keep.TAIL}{' '.join(names)}" if names else ""
    return keep.neutralise(head.encode("utf-8", "surrogatepass")) + tail.encode()


def _decode(masked: bytes) -> str:
    return keep.restore(masked).decode("utf-8", "replace").replace("\x1a", "\ufffd")


def _template(masked: bytes) -> str:
    """A masked line within ``TEMPLATE_LIMIT``, of which the names behind the mark keep their part."""
    body, mark, names = _decode(masked).partition(keep.TAIL)
    if not mark:
        return _cut(body.strip(), TEMPLATE_LIMIT)
    return f"{_cut(body.strip(), TEMPLATE_LIMIT - len(names) - 3)} … {names}"


def _build_text(flat: bytes, server_error: bool) -> Masked:
    masked = mask(mask_pairs(flat))
    return Masked(_template(masked), server_error)


def _component(name: bytes) -> str:
    return _decode(mask(name))[:_COMPONENT_LIMIT]


def _build_header(flat: bytes, server_error: bool) -> tuple[Header, str, bool]:
    """Header of what stands before a JSON object, and whether it is nothing but a header."""
    header = parse(flat)
    return header, _component(header.component), not flat[header.rest :].strip()


def _build_line(flat: bytes, server_error: bool) -> Shape:
    header = parse(flat)
    level, component = header.level, _component(header.component)
    if header.by_status and server_error:
        level = ERROR
    rest = flat[header.rest :]
    if is_logfmt(rest.strip()):
        pairs = mask_logfmt(rest.strip())
        template = _template(pairs.template)
        level = level or pairs.level
        component = component or _decode(pairs.component)[:_COMPONENT_LIMIT]
        return Shape(level, JSON, component, template, severity_class(level, template, server_error))
    kind = FRAME if is_frame(rest, level != UNKNOWN and bool(component)) else TEXT
    template = _template(mask(mask_pairs(rest)))
    return Shape(level, kind, component, template, severity_class(level, template, server_error))


def _build_trace(flat: bytes, server_error: bool) -> Shape:
    return _build_line(flat, server_error)._replace(kind=TRACE)


class _Reader:
    """Shapes of messages."""

    def __init__(self, memo_bytes: int) -> None:
        self._lines: Memo[Shape] = Memo(_build_line, memo_bytes // 2)
        self._traces: Memo[Shape] = Memo(_build_trace, memo_bytes // 8)
        self._texts: Memo[Masked] = Memo(_build_text, memo_bytes // 4)
        self._headers: Memo[tuple[Header, str, bool]] = Memo(_build_header, memo_bytes // 8)

    def shape(self, message: str) -> Shape:
        message = message.rstrip()
        if message[-1:] == "}":
            record = self._json(message)
            if record is not None:
                return record
        if "\n" in message and is_traceback(message):
            return self._traces.get(_encode(reduce_traceback(message)))
        return self._lines.get(_encode(message))

    @property
    def held_bytes(self) -> int:
        return sum(memo.held_bytes for memo in (self._lines, self._traces, self._texts, self._headers))

    def text(self, value: str) -> Masked:
        """A value of a record, masked as text."""
        if "\n" in value and is_traceback(value):
            value = reduce_traceback(value)
        return self._texts.get(_encode(value))

    def _json(self, message: str) -> Shape | None:
        """The shape of a JSON object: bare, behind a header, or behind a tab and a line of text (zap); else None."""
        start = message.find("{", 0, _JSON_START)
        if start < 0 or len(message) > _JSON_LIMIT or message[start + 1 : start + 2] not in _JSON_SECOND:
            return None
        front, text = Shape(UNKNOWN, JSON, "", "", 0), ""
        if message[:start].strip():
            header, component, bare = self._headers.get(_encode(message[:start]))
            front = front._replace(level=header.level, component=component)
            if not bare:
                if message[start - 1] != "\t":
                    return None
                front = self._lines.get(_encode(message[:start]))
                text = front.template
        document = _loaded(message[start:])
        if not document:
            return None
        log = document.get("log")
        if isinstance(log, str) and document.keys() <= {"log", "stream", "time", "attrs"}:
            return self.shape(log)
        record = mask_document(document, self.text)
        level = front.level or record.level
        component = (front.component or record.component)[:_COMPONENT_LIMIT]
        template = _cut(f"{text} {record.template}" if text else record.template, TEMPLATE_LIMIT)
        severity = max(front.severity_class, severity_class(level, template, record.server_error))
        return Shape(level, JSON, component, template, severity)


def _loaded(text: str) -> dict[str, object]:
    """A JSON object; an empty one for whatever else it may be."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def shape_of(message: str) -> Shape:
    """The shape of a redacted message. Pure; ``Masker`` gives the same answers faster."""
    return _Reader(0).shape(message)


def mask_text(text: str) -> str:
    """``text`` without values, no header taken off. Idempotent."""
    return _Reader(0).text(text).template


def pattern_of(log_group: str, shape: Shape, mask_version: str = MASK_VERSION) -> Pattern:
    """The pattern that ``shape`` is in ``log_group``, under a mask version."""
    level, kind, component, template, severity = shape
    if mask_version == TOKEN_MASK_VERSION:
        template = token_mask(template)
        shape = shape._replace(template=template)
    pattern_id = stable_number(mask_version, log_group, str(level), component, template)
    family_id = stable_number(log_group, str(level), component, str(severity), family_text(shape))
    return Pattern(pattern_id, family_id, mask_version, log_group, level, kind, component, template, severity)


class Masker:
    """Patterns of messages, with bounded memos in front of the pure functions.

    ``escalated`` maps a log group to its mask version where that is not the default one. Not thread-safe.
    """

    _MAX_PATTERNS = 32_768

    def __init__(self, escalated: Mapping[str, str] | None = None, memo_bytes: int = _MEMO_BYTES * 4) -> None:
        self._escalated = dict(escalated or {})
        self._reader = _Reader(memo_bytes)
        self._patterns: dict[tuple[str, Shape], Pattern] = {}

    def escalate(self, log_group: str, mask_version: str = TOKEN_MASK_VERSION) -> None:
        """From now on give patterns of ``log_group`` under ``mask_version``."""
        self._escalated[log_group] = mask_version
        self._patterns.clear()

    @property
    def held_bytes(self) -> int:
        """About what the memos of lines hold."""
        return self._reader.held_bytes

    def shape(self, message: str) -> Shape:
        """The shape of a redacted message."""
        return self._reader.shape(message)

    def pattern(self, log_group: str, message: str) -> Pattern:
        """The pattern of a redacted message in a log group (qualified by the caller for foreign accounts)."""
        key = (log_group, self._reader.shape(message))
        pattern = self._patterns.get(key)
        if pattern is None:
            if len(self._patterns) >= self._MAX_PATTERNS:
                self._patterns.clear()
            pattern = pattern_of(*key, self._escalated.get(log_group, MASK_VERSION))
            self._patterns[key] = pattern
        return pattern
