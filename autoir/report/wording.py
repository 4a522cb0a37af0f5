"""A log line's own words: what is left of it to put into a title or between quotation marks.

The header goes, for service and time are said elsewhere; ids go, for nobody reads them aloud; an exception comes
first, for its type is what people search for. Values stay: "limit of size 20" says more than "limit of size <*>". The
words are safe to show anywhere: on one line, without control characters, links, mentions or markup.
"""

import re
from collections.abc import Iterator, Mapping

import orjson

from autoir.patterns.keys import MESSAGE_KEYS, Rule, rule_of
from autoir.patterns.trace import is_traceback
from autoir.report.text import clipped, defanged, shown

LIMIT = 160
"""Characters of a line's words."""

_READ = 16_384
_PAIR = re.compile(r"([A-Za-z_@][\w.\-]{0,80})=(\"(?:[^\"\\\n]|\\.){0,2048}\"|\S{0,512})")
_MIN_PAIRS = 3

_TYPE = r"(?:[A-Za-z_$][\w$]{0,80}(?:\.|::|\\)){0,12}[A-Z][\w$]{0,100}"
_RAISED = re.compile(rf"(?:Caused by: |panic: |Uncaught |Unhandled exception\. )?({_TYPE})(?:: ?(.{{0,600}})|\s*$)")
_INLINE = re.compile(
    r"((?:[A-Za-z_$][\w$]{0,80}(?:\.|::)){0,12}[A-Z][\w$]{0,80}(?:Exception|Error|Fault|Timeout))(?:: | - |:$)(?=\S)"
)
_ACCESS = re.compile(r"\"([A-Z]{3,10} [^\s?\"]{1,200})[^\"]{0,2000}\" ([1-5]\d\d)\b")
_PACKAGE = re.compile(r"^(?:[A-Za-z_$][\w$]{0,80}(?:\.|::|\\)){1,12}(?=[A-Z])")

_ID = re.compile(
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"
    r"|\b0x[0-9a-fA-F]{5,64}\b"
    r"|\b(?=[0-9a-fA-F]{0,63}[0-9])(?=[0-9a-fA-F]{0,63}[a-fA-F])[0-9a-fA-F]{10,64}\b"
    r"|(?<![\d.])\d{7,40}\b"
)
_TRACE_PAIR = re.compile(
    r"[\[(]?\b(?:trace|span|request|req|correlation|transaction)[_\-.]?(?:id)?[=:][\w\-.:/]+[\])]?,?", re.IGNORECASE
)
_REQUEST = re.compile(r"\[?\breq-[\w\-]{8,64}(?: [\w\-]+){0,4}\]")
_TIME = re.compile(
    r"^[\[(<\s]*(?:\d{4}[-/.]\d\d[-/.]\d\d[T ]+)?\d\d:\d\d:\d\d(?:[.,:]\d+)?(?:Z|[+-]\d\d:?\d\d)?[\])>,\s|-]*"
)
_LEVEL = re.compile(
    r"^[\[(<]*(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|FATAL|SEVERE|PANIC)[\])>]*[\s:|-]+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z]{3}")
_BLANKS = re.compile(r"\s+")
_GAPS = re.compile(r"…(?:[\s,;]*…)+")


def words_of(message: str, template: str = "", limit: int = LIMIT) -> str:
    """The words of a stored ``message``, at most ``limit`` characters; ``template`` says where its header ends.

    Empty only where message and template are blank.
    """
    found = _said(message[:_READ].strip(), template)
    return _tidy(found, limit) or _tidy(_BLANKS.sub(" ", template.replace("<*>", "…")), limit)


def _said(text: str, template: str) -> str:
    values = _values(text)
    if values and (words := _record_words(values)) and _begins(words, text, template):
        return words
    if "\n" in text and is_traceback(text) and (raised := _raised(text)):
        return raised
    line = _body(text, template).split("\n", 1)[0]
    at = line.find("\t{") if "\t{" in line else line.find(' {"')
    return _exception_first(line[:at] if at >= 8 else line)


def _begins(words: str, text: str, template: str) -> bool:
    """Whether a record's words are what the line says, rather than a record at the end of a line of text."""
    if text[:1] == "{" or _PAIR.match(text):
        return True
    first = _WORD.search(template)
    return first is None or template[first.start() : first.start() + 12].split(" ", 1)[0] in words


def _values(text: str) -> Mapping[str, object]:
    """The record that a line is or ends in; empty where there is none."""
    start = text.find("{", 0, 512)
    if start >= 0 and text[-1:] == "}":
        try:
            document = orjson.loads(text[start:].encode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            return {}
        return document if isinstance(document, dict) else {}
    pairs = _PAIR.findall(text) if _PAIR.match(text) else []
    return {key: value.strip('"').replace('\\"', '"') for key, value in pairs} if len(pairs) >= _MIN_PAIRS else {}


def _record_words(values: Mapping[str, object]) -> str:
    inner = values.get("log")
    if isinstance(inner, str) and len(values) <= 4:
        return _said(inner.strip()[:_READ], "")
    messages = [str(values[key]) for key in MESSAGE_KEYS if isinstance(values.get(key), str) and values[key]]
    errors = list(_errors(values))
    for error in errors:
        raised = _raised(error) if "\n" in error else _exception_first(error)
        if _RAISED.match(raised) and _INLINE.match(raised):
            return raised
    said = [*messages[:1], *(error.split("\n", 1)[0] for error in errors[:1])]
    return ": ".join(dict.fromkeys(part.strip() for part in said if part.strip()))


def _errors(values: Mapping[str, object]) -> Iterator[str]:
    for key, value in list(values.items())[:64]:
        if rule_of(key) is not Rule.ERROR:
            continue
        if isinstance(value, str) and value:
            yield value
        elif isinstance(value, dict):
            parts = [value.get(name) for name in ("type", "name", "class", "message", "msg")]
            yield ": ".join(part for part in parts if isinstance(part, str) and part)


def _raised(text: str) -> str:
    """The exception that a traceback is about: the last cause, where causes are named."""
    lines = [line for line in text.split("\n") if line[:1].strip()]
    caused = [line for line in lines if line.startswith("Caused by: ")]
    behind = [at for at, line in enumerate(lines) if line.startswith("Traceback (most recent")]
    direct = [at for at, line in enumerate(lines) if line.startswith("The above exception was the direct cause")]
    if caused:
        lines = caused[-1:]
    elif direct:
        lines = lines[: direct[0]]
    elif behind:
        lines = lines[behind[-1] + 1 :]
    found = [match for line in lines if (match := _RAISED.match(line))]
    if not found:
        return _exception_first(lines[0]) if lines else ""
    last = found[-1] if behind or caused else found[0]
    return f"{_short(last[1])}: {last[2]}" if last[2] else _short(last[1])


def _exception_first(line: str) -> str:
    access = _ACCESS.match(line)
    if access:
        return f"{access[1]} {access[2]}"
    found = _INLINE.search(line)
    return f"{_short(found[1])}: {line[found.end() :]}" if found else line


def _short(name: str) -> str:
    return _PACKAGE.sub("", name)


def _body(text: str, template: str) -> str:
    """``text`` from where its template begins, which is behind the header."""
    tokens = template.split("\n", 1)[0].split()
    for skipped, token in enumerate(tokens[:8]):
        if "<*>" in token or not _WORD.search(token):
            continue
        following = next((t for t in tokens[skipped + 1 : skipped + 6] if "<*>" not in t), "")
        at = _place(text, token, following)
        if at < 0:
            break
        for _ in range(skipped):
            at = max(text.rfind(" ", 0, max(at - 1, 0)), text.rfind("\t", 0, max(at - 1, 0))) + 1
        return text[at:]
    return _LEVEL.sub("", _TIME.sub("", text))


def _place(text: str, token: str, following: str) -> int:
    """Where ``token`` stands with ``following`` soon after it, best as a word of its own; -1 for nowhere."""
    glued = -1
    at = text.find(token)
    while at >= 0:
        if not following or text.find(following, at + len(token), at + len(token) + 300) >= 0:
            if at == 0 or text[at - 1].isspace():
                return at
            glued = at if glued < 0 else glued
        at = text.find(token, at + 1)
    return glued


def _tidy(words: str, limit: int) -> str:
    words = _TRACE_PAIR.sub("", _REQUEST.sub("", words[: limit * 8]))
    words = _BLANKS.sub(" ", _ID.sub("…", words)).strip(" \t,;:-|")
    return clipped(defanged(shown(_GAPS.sub("…", words).rstrip("."), limit * 4)), limit)
