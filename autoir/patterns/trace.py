"""Tracebacks: what is left of one inside an event, and which single lines belong to one.

A whole traceback in one event becomes its first line, the chain of exceptions and the last three frames of the
application, without line numbers: the same failure keeps its pattern when a library underneath is upgraded. A
traceback whose lines arrive as events of their own is not folded here, since the order of delivery must not decide a
pattern; its lines are marked ``FRAME`` by their looks alone.
"""

import re
from typing import NamedTuple

_LIMIT = 65_536
"""Characters of a traceback that are read."""

_HEAD_LIMIT, _MESSAGE_LIMIT, _FRAME_LIMIT = 400, 250, 120
"""Characters of a line of each sort; together they fit a template, so that its cut never takes the frames."""

_CHAIN, _FRAMES = 4, 3

_HINT = re.compile(
    r"^Traceback \(most recent|\n(?:Traceback \(most recent|[^\S\n]*at [^\n(]{1,300}\(|[^\S\n]*at [\w/.:<>]|"
    r"Caused by: |[^\S\n]*File \"[^\"\n]{1,300}\", line \d|[^\S\n]*from [^\n:]{1,200}:\d+:in |goroutine \d+ \[|"
    r"#\d+ [^\n]{1,200}\(\d+\))"
)
"""Blanks of one line each: those of all the blank lines that follow, tried from each of them, would be quadratic."""
_PYTHON_FRAME = re.compile(r"\s*File \"([^\"\n]{1,300})\", line \d+(?:, in ([^\n]{1,120}))?")
_JAVA_FRAME = re.compile(r"\s*at (?:[\w.\-@]{0,80}/{1,2})?([\w.$<>\[\]/ ]{1,200})\(([^()\n]{0,200})\)")
_NODE_FRAME = re.compile(
    r"\s*at (?:async )?(?:([\w.$<>\[\] ]{1,160}) )?\(?((?:file://|node:)?[^\s():]{1,300}):\d+:\d+\)?"
)
_RUBY_FRAME = re.compile(r"\s*(?:from )?([^\s:]{1,200}\.rb):\d+:in [`']([^'\n]{1,120})'")
_GO_FRAME = re.compile(r"\t([^\s:]{1,300}\.go):\d+(?: \+0x[0-9a-f]+)?")
_DOTNET_FRAME = re.compile(r"\s*at ([\w.`<>+\[\],]{1,200})\([^()\n]{0,200}\)(?: in ([^\n:]{1,300}):line \d+)?")
_NOISE = re.compile(
    r"\s*(?:\.\.\. \d+ (?:more|common frames omitted|lines)|[\^~]+\s*$|During handling of the above|"
    r"The above exception was|Traceback \(most recent|Suppressed: |goroutine \d+ \[|\[previous line repeated)",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(
    r"(?:Caused by: |Exception in thread \"[^\"\n]{0,100}\" |Unhandled exception\. |Uncaught )?"
    r"((?:[A-Za-z_$][\w$]{0,80}[.:]{1,2}){0,12}[A-Z][\w$]{0,100})(?:: ([^\n]{0,500}))?\s*$"
)
_TYPE_NAME = re.compile(
    r"(?:Exception|Error|Exit|Interrupt|Warning|Fault|Failure|Timeout|Throwable|Panic|Abort)\w{0,20}$"
)
_LIBRARY = re.compile(
    r"site-packages|dist-packages|/lib/python|^python\d|<frozen|node_modules|^node:|^internal/|/usr/lib/|/gems/|"
    r"/opt/python|/var/runtime/|/var/lang/|^(?:java|javax|jdk|sun|com\.sun|jakarta|kotlin|kotlinx|scala|groovy|"
    r"org\.springframework|org\.apache|org\.hibernate|org\.eclipse|org\.jboss|io\.netty|io\.undertow|io\.grpc|"
    r"io\.micrometer|reactor|com\.zaxxer|com\.mysql|org\.postgresql|com\.fasterxml|org\.slf4j|ch\.qos|okhttp3|feign|oracle\.jdbc|"
    r"com\.netflix|com\.google\.common|brave|akka|System|Microsoft|rx)[.$/]|/go/pkg/mod/|/usr/local/go/|^lambda\.runtime"
)


class _Frame(NamedTuple):
    shown: str
    is_library: bool


class _Section(NamedTuple):
    """An exception and its frames, innermost first."""

    exception: str
    frames: list[_Frame]


def _file_name(path: str) -> str:
    return path.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]


def _frame(line: str, before: str) -> _Frame | None:
    """``file:function`` of a frame; None where ``line`` is none. Go names the function on the line before."""
    place = file = function = ""
    if found := _PYTHON_FRAME.match(line):
        place, file, function = found[1], found[1], found[2] or "?"
    elif found := _NODE_FRAME.match(line):
        place, file, function = found[2], found[2], found[1] or "?"
    elif found := _JAVA_FRAME.match(line):
        place, file, function = found[1], found[2].split(":", 1)[0], found[1]
    elif found := _DOTNET_FRAME.match(line):
        place, file, function = found[1], found[2] or "", found[1]
    elif found := _RUBY_FRAME.match(line):
        place, file, function = found[1], found[1], found[2]
    elif found := _GO_FRAME.match(line):
        place, file, function = found[1], found[1], before.split("(", 1)[0]
    else:
        return None
    return _Frame(f"{_file_name(file)}:{function}"[:_FRAME_LIMIT], _LIBRARY.search(place) is not None)


def is_traceback(message: str) -> bool:
    """Whether an event of several lines holds a traceback."""
    return _HINT.search(message, 0, _LIMIT) is not None


def _exception(line: str, behind_frames: bool) -> str | None:
    """The line that names an exception, or None. Python names it after the frames, where any name will do."""
    if line[:1].isspace() and "Caused by: " not in line:
        return None
    stripped = line.strip()[:_MESSAGE_LIMIT]
    if stripped.startswith(("panic: ", "fatal error: ")):
        return stripped
    found = _EXCEPTION.match(stripped)
    if found is None:
        return None
    return stripped if stripped.startswith("Caused by: ") or behind_frames or _TYPE_NAME.search(found[1]) else None


def _read(message: str) -> tuple[list[str], list[_Section]]:
    """Lines before the traceback (two at most), and its sections, the outermost exception first."""
    head: list[str] = []
    sections: list[_Section] = []
    frames: list[_Frame] = []
    innermost_last = False
    before = ""
    for line in message[:_LIMIT].splitlines():
        if not line.strip() or _NOISE.match(line):
            innermost_last = innermost_last or line.lstrip().startswith("Traceback (most")
            continue
        frame = _frame(line, before)
        before = line
        if frame:
            frames.append(frame)
        elif name := _exception(line, innermost_last and bool(frames)):
            if innermost_last:
                sections.append(_Section(name, frames[::-1]))
            else:
                if sections:
                    sections[-1].frames.extend(frames)
                sections.append(_Section(name, []))
            frames = []
        elif not sections and not frames and len(head) < 2 and (not head or not line[:1].isspace()):
            head.append(line.strip()[:_HEAD_LIMIT])
    if sections and not innermost_last:
        sections[-1].frames.extend(frames)
    elif frames:
        sections.append(_Section("", frames[::-1] if innermost_last else frames))
    return head, sections


def _last_frames(sections: list[_Section]) -> list[str]:
    """The three innermost application frames of the innermost section that has any, else three of any code."""
    for section in reversed(sections):
        own = [frame.shown for frame in section.frames if not frame.is_library]
        if own:
            return own[:_FRAMES]
    return [frame.shown for section in reversed(sections) for frame in section.frames][:_FRAMES]


def reduce_traceback(message: str) -> str:
    """First line, exceptions and last application frames of ``message``, one a line, innermost first, unmasked."""
    head, sections = _read(message)
    chain = list(dict.fromkeys(section.exception for section in sections if section.exception))
    if len(chain) > _CHAIN:
        chain = [*chain[: _CHAIN // 2], *chain[-_CHAIN // 2 :]]
    return "\n".join([*head, *chain, *_last_frames(sections)])


_FRAME_LINE = re.compile(
    rb"(?:\[instance: <\*>\] )?(?:"
    rb"\s*File \"[^\"\n]{1,300}\", line 0+|\s*at [^\n(]{1,200}\(|\s*at [\w/.:<>$]{1,200}:0+|\s*Caused by: |"
    rb"\s*\.\.\. 0+ (?:more|common frames)|\s*Suppressed: |Traceback \(most recent call last\):|"
    rb"\s*from [^\s:]{1,200}:0+:in |\s+[\^~]+\s*$|#0+ [^\n]{1,200}\(0+\)|\t[^\s:]{1,200}\.go:0+|goroutine 0+ \[)"
)
_CODE_LINE = re.compile(rb"(?:\[instance: <\*>\] )?(?:    +|\t)\S")


def is_frame(rest: bytes, has_header: bool) -> bool:
    """Whether a flattened message (after its header) is one line of a traceback.

    Indented code counts only behind a header that names a component: elsewhere indentation may be anything.
    """
    return _FRAME_LINE.match(rest) is not None or (has_header and _CODE_LINE.match(rest) is not None)


def exception_names(text: str) -> list[str]:
    """Names of exception and error classes in ``text``, in order, each once, at most eight."""
    if "Exception" not in text and "Error" not in text:
        return []
    names: dict[str, None] = {}
    for word in re.findall(r"[A-Za-z_$][\w$]{4,100}", text):
        if word.endswith(("Exception", "Error")):
            names[word] = None
            if len(names) == 8:
                break
    return list(names)
