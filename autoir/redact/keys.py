"""Secrets that only their key gives away: ``password=…``, ``"apiKey": "…"``, ``?access_token=…``, ``--token …``.

Works on the text, not on parsed JSON: the message stays byte for byte what it was around the secret, a key counts at
any depth and inside JSON within JSON, and half an object cut off by a size limit is redacted like a whole one. A key
is found by a plain substring search, then one anchored match decides what follows it, so a line without keys costs
next to nothing. Each word passes over a value only once, so time is linear in the message.

Talk about secrets stays readable: a word without a separator, a count (``tokens=512``), a masked value, and the words
that name a failure (``token: expired``).
"""

import re

from autoir.redact.rule import MARKER, Rule, Span, fold, marker, replace_spans

SECRET = marker("secret")
COOKIE = marker("cookie")
SIGNATURE = marker("signature")

_COLOUR = r"(?:\x1b\[[0-9;]{0,8}m)?"
_TAIL = (
    r"(?:[_.-]?(?:value|string|binary|hash|digest|confirm(?:ation)?|plain(?:text)?|raw|text|base(?:64)?|b64|data|old"
    r"|new|pem))?[0-9]{0,3}"
)
_CLOSE = rf"""(?P<close>\\*+["']|%2[27])?(?:\]|%5d)?{_COLOUR}"""
_SEPARATOR = r"[ \t]*+(?P<separator>=>|:=|={1,3}|:|%3d|%3a|,)[ \t]*+"
_WRAPPER = (
    r"""(?:(?:some|just|optional|secret(?:str|bytes)?|string|str|bytes)[(\[](?=\\*+["'])"""
    r"""|string\([0-9]{1,6}\) |[bru]{1,2}(?=\\*+["']))?"""
)
_OPEN = r"""(?P<open>\\*+["']|%2[27])?"""


def _key(word: str, separator: str = _SEPARATOR) -> re.Pattern[str]:
    return re.compile(f"{word}{_TAIL}{_CLOSE}{separator}{_COLOUR}{_WRAPPER}{_OPEN}")


_OR_QUOTED = rf"(?:{_SEPARATOR}|[ \t]++(?='))"
"""SQL says ``WITH PASSWORD 'x'``."""

_KEYS = {
    "pass": _key(r"pass(?:(?:word|wd|phrase|code|wort)(?P<plural>s)?|(?P<bare>))", _OR_QUOTED),
    "identified by": _key(r"identified by(?P<plural>(?!))?", _OR_QUOTED),
    "pwd": _key(r"pwd(?P<plural>s)?"),
    "secret": _key(r"secret(?P<plural>s)?"),
    "token": _key(r"token(?P<plural>s)?"),
    "key": _key(r"key(?P<plural>s)?"),
    "credential": _key(r"credential(?P<plural>s)?"),
    "authorization": _key(r"authorization(?P<plural>(?!))?"),
    "cookie": _key(r"cookie(?P<plural>s)?"),
    "_auth": _key(r"_auth(?P<plural>(?!))?"),
}
_KEY_KINDS = (
    *("access", "account", "admin", "aes", "api", "app", "application", "auth", "cipher", "credential", "crypto"),
    *("deploy", "encryption", "functions", "hmac", "ingest", "ingestion", "instrumentation", "jwt", "license"),
    *("master", "private", "rsa", "secret", "service", "session", "shared", "signing", "ssh", "storage"),
    *("subscription", "webhook", "write"),
)
"""A key alone is anything; after one of these words it opens something."""
_PASS_KINDS = ("db", "user", "smtp", "mail", "ftp", "root", "admin", "pg", "mysql", "sql", "redis", "ldap", "proxy")

_PROSE_WORDS = (
    "a an and any are argument at authenticated bad be been by can cannot could created deleted denied did disabled "
    "does empty enabled error expired failed failure false field filtered flag for forbidden from generated had has "
    "hidden if in incorrect insufficient invalid is it length malformed masked mismatch missing must n/a na needs nil "
    "no none not null of off ok omitted on option optional or parameter passed protected provided redacted refreshed "
    "rejected removed required revoked rotated sanitized should signature str string such the that this to too true "
    "unauthorized undefined unexpected unknown unset unsupported unused updated user valid value verification "
    "verified was were will with wrong yes your basic bearer digest negotiate ntlm"
)
_PROSE = frozenset(_PROSE_WORDS.split())
"""What stands after ``token:`` in a sentence, or where a secret has been left out; too weak to be a secret itself."""
_NOT_SECRET = re.compile(
    r"[*•.#x_-]{2,}|\w{0,4}\*{3,}\w{0,4}|\$\{[\w.:-]+\}?|%s|[{\[(<]{0,2}[}\])>]{0,2}|[01]", re.ASCII
)
_COUNT = re.compile(r"[~<>]?[0-9][0-9.,_]*[kmb%]?(?:/[0-9.,kmb]+)?(?:/s|ms|s)?")
_MARKER = re.compile(MARKER)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")

_BARE_VALUE = re.compile(
    rf"""(?: {MARKER}
           | [^\s"'`,;&|)\]}}>\\<\[]++
           | [\[]
           | [,;&|](?![\s"'\\]|\Z|[\w.%\[\]-]{{1,64}}[=:])        # a list goes on with the next key
           | [)\]}}>](?![\s,;:.)\]}}>\[({{<"'\\]|\Z)              # what was opened before the key closes
           | ["'`](?=\w)
           | <(?!/)
           | \\++(?!["']|[nrt](?:[\s\\"']|\Z|[\w.-]{{1,40}}[ ]?[=:(]))  # the end of a string in a string, of its line
        )++""",
    re.VERBOSE,
)
_ENCODED_VALUE = re.compile(r"""(?:[^\s"'&%]++|%(?!2[267]))++""")
_COOKIES = re.compile(r"""[^\s=;,"'\\]++=[^\s;"'\\]*+(?:;[ ]?[^\s=;"'\\]++=[^\s;"'\\]*+)*+""")
_SCHEME = re.compile(
    r"(?:bearer|basic|digest|token|api-?key|negotiate|ntlm|hmac[\w-]{0,20}|aws4-hmac-sha256|oauth|jwt|key"
    r"|sharedkey(?:lite)?|signature|splunk)[ \t]++"
)
_STRING_STOP = {quote: re.compile(rf"\\++{quote}?|{quote}|\n") for quote in "\"'"}


def _string_end(message: str, start: int, opening: str) -> int:
    """Where the string ends that ``opening``, a quote after n backslashes, began before ``start``.

    Each level of JSON in JSON doubles the backslashes and adds one, so a quote after r backslashes closes level n if
    r = n modulo 2(n + 1), and an outer string if r < n. A string cut off ends with its line.
    """
    level = len(opening) - 1
    for stop in _STRING_STOP[opening[-1]].finditer(message, start):
        text = stop[0]
        if text == "\n":
            return stop.start()
        backslashes = len(text) - 1
        if text[-1] != opening[-1]:
            continue
        if backslashes < level or (backslashes - level) % (2 * level + 2) == 0:
            return stop.end() - 1 - min(level, backslashes)
    return len(message)


_STRUCTURE = re.compile(r"""[\[{]\s{0,64}+(?:[\[{]\s{0,64}+){0,8}\\*+["']""")
_STRUCTURE_TOKEN = re.compile(r"""\\++["']?|["'\[\]{}]""")
_THEN_COLON = re.compile(r"\s{0,64}+:")


def _structure(message: str, start: int) -> tuple[list[Span], int]:
    """The strings that are values in the array or object at ``start``, and where it ends. Its keys and numbers stay."""
    spans: list[Span] = []
    depth, level, at = 0, -1, start
    while token := _STRUCTURE_TOKEN.search(message, at):
        text, at = token[0], token.end()
        if text in "[{":
            depth += 1
        elif text in "]}":
            depth -= 1
            if depth == 0:
                break
        elif text[-1] != "\\":
            if len(text) <= level:
                return spans, token.start()  # the string around all this ended: it was cut off
            level = len(text) - 1
            end = _string_end(message, at, text)
            if not _THEN_COLON.match(message, end + len(text)) and _is_secret(message[at:end], counted=False):
                spans.append(Span(at, end, SECRET))
            at = end + len(text)
    return spans, min(at, len(message))


def _is_secret(value: str, counted: bool) -> bool:
    """``counted``: a number after this key is a count. Expects a value as it stands in the message."""
    if not value or value.isspace() or _MARKER.fullmatch(value):
        return False
    word = fold(value).strip("<>[](){}.,:;!?")
    if word in _PROSE or _NOT_SECRET.fullmatch(value):
        return False
    return not (counted and _COUNT.fullmatch(word))


def _is_secret_key(word: str, message: str, folded: str, at: int, key: re.Match[str]) -> bool:
    """Whether what precedes and surrounds the ``word`` at ``at`` makes it the key of a secret."""
    opened = folded.rfind("[redacted:", max(0, at - 43), at)
    if opened >= 0 and "]" not in folded[opened:at]:
        return False  # the word is part of a marker
    before = folded[at - 1 : at]
    if word == "key":
        return folded.endswith(_KEY_KINDS, 0, at - (before in " _-." and before != ""))
    if word == "pass" and key["bare"] is not None and before.isalpha():
        camel = message[at] == "P" and message[at - 1].islower()
        return camel or folded.endswith(_PASS_KINDS, 0, at)
    if word == "secret" and before == ":":
        return not folded[max(0, at - 13) : at - 1].isdigit()  # arn:aws:secretsmanager:region:account:secret:name
    if word == "pwd" and message.startswith(("PWD=/", "PWD: /"), at):
        return before == "_" or (before.isalnum() and not message.endswith("OLD", 0, at))  # the working directory
    return not (word == "token" and folded.endswith("unexpected ", 0, at))


def _value(word: str, message: str, folded: str, key: re.Match[str]) -> tuple[list[Span], int]:
    """What to replace after a key, and where to look on for the same word."""
    start, opening, closing, separator = key.end(), key["open"], key["close"], key["separator"]
    counted = (word == "pass" and key["bare"] is not None) or key["plural"] is not None
    if opening and opening[0] != "%":
        end = _string_end(message, start, opening)
        value = message[start:end]
        listed = separator == "," and not (closing and _closes_pair(message, end + len(opening)))
        quoted_prose = separator is None and any(char.isspace() for char in value)
        if listed or quoted_prose or not _is_secret(value, counted):
            return [], start
        return [Span(start, end, SECRET)], end
    if separator == ",":
        return [], start
    if _STRUCTURE.match(message, start):
        return _structure(message, start)
    if word == "authorization" and (scheme := _SCHEME.match(folded, start)):
        start = scheme.end()
    encoded = opening or (separator or "").startswith("%")
    pattern = _COOKIES if word == "cookie" else _ENCODED_VALUE if encoded else _BARE_VALUE
    found = pattern.match(message, start)
    if found is None:
        return [], start
    value, end = found[0], found.end()
    if not _is_secret(value, counted):
        return [], start
    text = COOKIE if word == "cookie" else SECRET
    if closing and closing[0] != "%" and separator == ":" and _NUMBER.fullmatch(value):
        text = f"{closing}{text}{closing}"  # a bare JSON number: the line must still parse
    # "token: token: x": the value may itself be the key of what follows.
    again = folded.rfind(word, start, end) if value[-1] in ":=" else -1
    return [Span(start, end, text)], again if again >= 0 else end


_PAIR_END = re.compile(r"\s{0,8}[)\]]")


def _closes_pair(message: str, at: int) -> bool:
    """``('password', 'x')``: a pair ends here, so the comma stood between key and value."""
    return _PAIR_END.match(message, at) is not None


_WORDS = r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|(?:api|access|secret|private|auth)[_-]?key|credential)s?"
_FLAG = re.compile(
    rf"""(?<![\w-])--[a-z0-9_-]{{0,30}}?{_WORDS}(?:\\*+["'],?[ \t]*+(?P<next>\\*+["'])|[ \t]++(?P<open>\\*+["'])?)"""
)
_ELEMENT = re.compile(
    rf"<[a-z0-9_:.-]{{0,40}}?{_WORDS}[a-z0-9_.-]{{0,20}}(?:\s[^<>]{{0,200}})?>(?:<!\[cdata\[)?([^<>\]]+)(?=\]\]>|</)"
)


def _flags(message: str, folded: str) -> list[Span]:
    """``--password x``, also in a printed argument list."""
    spans = []
    for flag in _FLAG.finditer(folded):
        opening = flag["next"] or flag["open"]
        if opening:
            end = _string_end(message, flag.end(), opening)
        else:
            found = _BARE_VALUE.match(message, flag.end())
            end = found.end() if found else flag.end()
        value = message[flag.end() : end]
        if not value.startswith("--") and _is_secret(value, counted=True):
            spans.append(Span(flag.end(), end, SECRET))
    return spans


def _elements(message: str, folded: str) -> list[Span]:
    """``<wsse:Password Type="…">x</wsse:Password>``."""
    return [
        Span(*element.span(1), SECRET)
        for element in _ELEMENT.finditer(folded)
        if _is_secret(message[element.start(1) : element.end(1)], counted=True)
    ]


def _by_key(message: str) -> str:
    folded = fold(message)
    spans: list[Span] = []
    for word, pattern in _KEYS.items():
        at = folded.find(word)
        while at >= 0:
            key = pattern.match(folded, at)
            after = at + len(word)
            if key and _is_secret_key(word, message, folded, at, key):
                found, after = _value(word, message, folded, key)
                spans += found
            at = folded.find(word, after)
    if "--" in folded:
        spans += _flags(message, folded)
    if "</" in folded:
        spans += _elements(message, folded)
    return replace_spans(message, spans) if spans else message


_SIGNED = re.compile(r"(?i:(sig(?:nature)?=))[\w%+/=~.-]{16,}+", re.ASCII)


def _signatures(message: str) -> str:
    """A presigned URL opens its object to whoever reads it."""
    return _SIGNED.sub(lambda m: m[1] + SIGNATURE, message)


KEY_RULES = (
    Rule("secret", _by_key, folded_gates=tuple(_KEYS)),
    Rule("signature", _signatures, folded_gates=("sig=", "signature=")),
)
