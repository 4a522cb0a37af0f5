"""Headers of common log formats: time, level, component and request id, taken off before masking.

One table, one row a format, tried in order. A header states the level; the message never does. Rows see the flattened
line (every digit ``0``, ids already the placeholder), so a header depends on digit classes alone.
"""

import re
from typing import NamedTuple

from autoir.patterns.keep import restore
from autoir.patterns.levels import level_of_priority, level_of_word
from autoir.patterns.notation import expression
from autoir.patterns.shape import INFO, UNKNOWN


class Header(NamedTuple):
    """What a header said; ``rest`` is where the message begins (bytes). ``by_status`` marks an access log."""

    level: int
    component: bytes
    rest: int
    by_status: bool = False


_TIME = expression(
    rb"[\[(]?(?:"
    rb"0000[-/.]00[-/.]00[T ]+00:00:00(?:[.,:]0{1,9})?%ZONE"
    rb"|00/00/00(?:00)?,? 00:00:00(?:[.,]0+)?"
    rb"|00-00 00:00:00\.0+"
    rb"|00:00:00(?:[.,]0+)?"
    rb"|00?[/-]%MONTH[/-]0000[: ]00:00:00(?:[.,]0+)?(?: [+-]0000)?"
    rb"|(?:%DAY,? )?%MONTH {1,2}00?(?:,? 0000)?,? 00:00:00(?:[.,]0+)?%ZONE(?: 0000)?"
    rb"|(?:%DAY,? )?00? %MONTH(?: 0000)? 00:00:00(?:[.,]0+)?%ZONE"
    rb"|0{10}(?:\.0+)?(?=[\s\]])|0{13}(?=[\s\]])"
    rb"|(?<=\[) *0+\.0{6}(?=\])"
    rb"|0{6} 0{6}(?= )"
    rb")[\])]?"
)
_GAP = re.compile(rb"[ \t|,]*(?:-+[ \t]+)?")

_AFTER_TIME = tuple(
    expression(row)
    for row in (
        # OpenStack: pid LEVEL logger [request]; one blank, so that indented code keeps its indentation
        rb"0+ %LEVEL (?P<component>[\w.$\-]{1,150})(?: (?:\[(?:req-[^\]\n]{0,300}|-)\] ?)?|$)",
        # LEVEL logger#line TraceID: … SpanID: …
        rb"%LEVEL +(?P<component>[^\s#]{1,200})#0+(?: Trace_?I[Dd]: ?\S{0,64})?(?: Span_?I[Dd]: ?\S{0,64})? ?",
        # Spring Boot: LEVEL [service,trace,span] pid --- [thread] logger : msg
        rb"%LEVEL +(?:\[[^\]\n]{0,200}\] +)?0+ +--- +(?:\[[^\]\n]{0,200}\] *){0,3}%NAME%LINE *: ?",
        # AWS Lambda: request id, LEVEL, msg
        rb"(?:<\*>|[\w-]{1,40})\t%LEVEL\t",
        # zap: LEVEL, logger, caller, msg
        rb"%LEVEL\t(?:(?P<component>[\w.\-]{1,100})\t)?(?:[\w./\-@]{1,150}\.go:0+\t)?",
        # logback: [thread] LEVEL logger - msg
        rb"\[[^\]\n]{0,150}\] +\[?%LEVEL\]? +%NAME(?: ?\[[^\]\n]{0,100}\])?%LINE *(?:-+|:) ",
        # log4j: LEVEL [thread] logger - msg; ZooKeeper: LEVEL [thread@line] - msg
        rb"\[?%LEVEL\]? +\[[^\]\n]{0,150}\] *(?:%NAME%LINE *)?(?:-+|:) ",
        rb"\[?%LEVEL\]? +\[[^\]\n]{0,150}\] +%DOTTED%LINE ",
        # Python: name - LEVEL - msg, name LEVEL msg
        rb"%NAME%LINE +-? ?\[?%LEVEL\]? *(?:-+|:) ?",
        # nginx: [level] pid#tid: *connection
        rb"\[%ANYLEVEL\] 0+#0+: (?:\*0+ )?",
        # MySQL: thread [LEVEL] [code] [subsystem]
        rb"0+ \[%ANYLEVEL\] ",
        # PostgreSQL: [pid] user@database LEVEL:  msg
        rb"(?:\[0+(?:-0+)?\]:? ?)?(?:\[?[\w\-]{1,63}@[\w\-\[\]]{1,63}\]? )?%LEVEL: +",
        # Apache: [module:level] [pid …]
        rb"\[(?:(?P<component>[\w\-]{1,60}):)?%ANYLEVEL\] (?:\[pid [^\]\n]{1,60}\] )?",
        # gunicorn and kin: [pid] [LEVEL]
        rb"\[0+\] \[%ANYLEVEL\] ",
        # Android: pid tid L tag: msg
        rb"0+ +0+ (?P<level>[VDIWEF]) %NAME *: ",
        # Redis: mark
        rb"(?P<level>[.\-*#]) (?=\S)",
        # Rust tracing, Spark, HDFS and the rest: [pid] LEVEL target: msg, LEVEL dotted.logger msg
        rb"(?:0+ +)?[\[<(]?%LEVEL[\])>]?:? +(?:%DOTTED|%TARGET)(?:\{[^}\n]{0,200}\})?%LINE *(?::|-+) ",
        rb"(?:0+ +)?[\[<(]?%LEVEL[\])>]?:? +%DOTTED%LINE(?:\[[^\]\n]{0,60}\])?[:,]? +",
        rb"(?:0+ +)?\[?%LEVEL[\]:|,]*(?:[ \t]+-*[ \t]*|$)",
        rb"[\[<(]%ANYLEVEL *[\])>]:?[ \t]*",
        rb"(?P<level>debug|info|warn|warning|error|fatal|panic|notice|crit|critical)(?::[ \t]*|\t)",
    )
)
_BARE = tuple(
    expression(row)
    for row in (
        # AWS Lambda for Python: [LEVEL] time id msg
        rb"\[%LEVEL\]\t[\dTZ:.\-]{10,40}\t(?:<\*>|[\w-]{1,40})\t",
        # klog: Lmmdd time tid file:line] msg
        rb"(?P<level>[IWEF])0000 00:00:00\.0+ +0+ (?P<component>[\w.\-/]{1,120}):0+\] ",
        # Redis: pid:role time mark
        rb"0+:[A-Z] 00? %MONTH(?: 0000)? 00:00:00\.0+ (?P<level>[.\-*#]) ",
        # logrus on a terminal
        rb"(?P<level>DEBU|INFO|WARN|ERRO|FATA|PANI|TRAC)\[0+\] ",
        # .NET console
        rb"(?P<level>trce|dbug|info|warn|fail|crit): %NAME\[0+\](?:\s+|$)",
        # Python basicConfig
        rb"%LEVEL:(?P<component>[A-Za-z_][\w.\-]{0,100}):(?=\S)",
        rb"\[?%LEVEL\]?:? +\[[^\]\n]{0,150}\] +%DOTTED%LINE *(?::|-+) ",
        rb"\[?%LEVEL\]?:? +(?:%DOTTED|%TARGET)%LINE *(?::|-+) ",
        rb"\[%ANYLEVEL *\]:? *",
        rb"%LEVEL(?::[ \t]*|\]?[ \t]+(?:[|-]+[ \t]+)?)",
        rb"(?P<level>debug|info|warn|warning|error|fatal)(?::[ \t]+|\t)",
        # Go's own last words, which are the message too
        rb"(?=(?P<level>panic): )",
    )
)
_SYSLOG_HOST = re.compile(rb"[\w.\-<>*]{1,255} (?P<component>[\w./\-()]{1,100})(?:\[[\d\-]+\])?: ")
_LAMBDA = re.compile(
    rb"(?:START|END|REPORT|INIT_START|INIT_REPORT|EXTENSION|TELEMETRY|XRAY)\b(?: RequestId: | TraceId: | |\t)"
)
_ACCESS = re.compile(
    rb"(?:[\w.\-]{1,255}(?::0+)? )?[\w.:\-<>*]{1,64}(?:, ?[\w.:<>*]{1,64}){0,5} \S{1,64} \S{1,128} "
    rb"\[[^\]\n]{10,40}\] (?=\")"
)
_PRIORITY = re.compile(rb"<((?:\xee\x80[\x80-\x89]){1,3})>(?:0 )?")
_RFC5424 = re.compile(
    rb"\S{1,255} (?P<component>\S{1,64}) \S{1,128} \S{1,64} (?:-|(?:\[[^\]\n]{0,1000}\])+)(?: |$)(?:\xef\xbb\xbf)?"
)
_STREAM = re.compile(rb"(?:stdout|stderr) [FP] ")
_DOCKER = re.compile(rb"\{\"log\":\"")
_FAILING = re.compile(rb"(?i:error|exception|fail|panic|fatal)")


def _row(found: re.Match[bytes]) -> tuple[int, bytes]:
    groups = found.groupdict()
    level = level_of_word(groups.get("level") or b"")
    return level, groups.get("component") or groups.get("target") or b""


def parse(flat: bytes) -> Header:
    """The header of a flattened line with its kept values put in; an empty one where none is recognised."""
    at, level, component = 0, UNKNOWN, b""
    docker = _DOCKER.match(flat)
    if docker:
        at = docker.end()
    priority = _PRIORITY.match(flat, at)
    if priority:
        level, at = level_of_priority(int(restore(priority.group(1)))), priority.end()
    access = _ACCESS.match(flat, at)
    if access:
        return Header(INFO, b"", access.end(), True)
    for _ in range(3):
        time = _TIME.match(flat, at)
        if time is None:
            break
        after = time.end()
        gap = _GAP.match(flat, after)
        at = gap.end() if gap else after
        stream = _STREAM.match(flat, at)
        if stream:
            at = stream.end()
            continue
        if priority and flat[after - 1 : after + 1] != b"":
            rfc = _RFC5424.match(flat, at)
            if rfc:
                component, at = rfc.group("component"), rfc.end()
                break
        for row in _AFTER_TIME:
            found = row.match(flat, at)
            if found:
                stated, name = _row(found)
                if name and _FAILING.search(name) and found.re.pattern.find(b"target") >= 0:
                    continue
                return Header(stated or level, name or component, found.end())
        host = _SYSLOG_HOST.match(flat, at)
        if host:
            component, at = host.group("component"), host.end()
    if _LAMBDA.match(flat, at):
        return Header(INFO, component or b"lambda", at)
    for row in _BARE:
        found = row.match(flat, at)
        if found:
            stated, name = _row(found)
            if name and _FAILING.search(name):
                continue
            return Header(stated or level, name or component, found.end())
    return Header(level, component, at)
