"""Level words and numbers of the common loggers.

Only a header or a level key is ever looked up here. A word of the message such as "error" sets no level: it may
speak of another system, of a retry that worked, or be quoted by an attacker.
"""

from autoir.patterns.shape import ERROR, FATAL, INFO, UNKNOWN, WARN

_WORDS: dict[int, str] = {
    INFO: "TRACE TRC TRCE DEBUG DBG DBUG DEBU FINE FINER FINEST CONFIG VERBOSE INFO INF INFORMATION INFORMATIONAL "
    "NOTICE AUDIT LOG STATEMENT DETAIL HINT CONTEXT SUCCESS SYSTEM",
    WARN: "WARN WARNING WRN",
    ERROR: "ERROR ERR ERRO EROR FAIL SEVERE",
    FATAL: "FATAL FATA FTL CRITICAL CRIT ALERT EMERG EMERGENCY PANIC DPANIC",
}
LEVELS: dict[bytes, int] = {word.encode(): level for level, words in _WORDS.items() for word in words.split()}
"""Upper-case level word to level."""

_IN_BRACKETS_ONLY = (b"SUCCESS", b"SYSTEM", b"CONTEXT", b"CONFIG", b"FAIL", b"AUDIT")
_ALL = sorted(LEVELS, key=lambda word: (-len(word), word))
UPPER = rb"(?P<level>" + b"|".join(word for word in _ALL if word not in _IN_BRACKETS_ONLY) + rb")(?![A-Za-z0-9_])"
"""Expression for a bare level word, which headers write in capitals."""

ANY_CASE = rb"(?P<level>(?i:" + b"|".join(_ALL) + rb"))(?![A-Za-z0-9_])"
"""Expression for a level word where the place itself says that it is one (brackets, a key)."""

_LETTERS = {b"V": INFO, b"D": INFO, b"I": INFO, b"W": WARN, b"E": ERROR, b"F": FATAL, b"C": FATAL, b"T": INFO}
_REDIS_MARKS = {b".": INFO, b"-": INFO, b"*": INFO, b"#": WARN}

_SYSLOG = (FATAL, FATAL, FATAL, ERROR, WARN, INFO, INFO, INFO)
"""RFC 5424 section 6.2.1, severities 0 (emergency) to 7 (debug)."""


def level_of_word(word: bytes) -> int:
    """Level of a word, a letter of klog or Android, or a mark of Redis; UNKNOWN for anything else."""
    upper = word.upper()
    found = LEVELS.get(upper)
    if found is not None:
        return found
    return _LETTERS.get(upper, _REDIS_MARKS.get(word, UNKNOWN))


def level_of_priority(priority: int) -> int:
    """Level of a syslog priority: facility times eight plus severity."""
    return _SYSLOG[priority & 7] if 0 <= priority <= 191 else UNKNOWN


def level_of_number(number: int) -> int:
    """Level of the pino and bunyan scale: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal."""
    if not 10 <= number <= 60:
        return UNKNOWN
    return (INFO, INFO, INFO, WARN, ERROR, FATAL)[number // 10 - 1]
