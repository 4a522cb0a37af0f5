"""Secrets that only their key gives away: ``password=…``, ``"apiKey": "…"``, ``?access_token=…``, ``--token …``.

Works on the text, not on parsed JSON: the message stays byte for byte what it was around the secret, a key counts at
any depth and inside JSON within JSON, and half an object cut off by a size limit is redacted like a whole one. A key
is found by a plain substring search, then one anchored match decides what follows it, so a line without keys costs
next to nothing. Each word passes over a value only once, so time is linear in the message.

Talk about secrets stays readable: a word without a separator, a count (``tokens=512``), a masked value, and the words
that name a failure (``token: expired``).
"""

import re

from autoir.redact.rule import Rule, Span, fold, marker, replace_spans
from autoir.redact.values import (
    BARE_VALUE,
    COOKIES,
    ENCODED_VALUE,
    SECRET,
    STRUCTURE,
    is_secret,
    spelled_end,
    string_end,
    structure_values,
)

COOKIE = marker("cookie")
SIGNATURE = marker("signature")

_COLOUR = r"(?:\x1b\[[0-9;]{0,8}m)?"
_TAIL = (
    r"(?:[_.-]?(?:value|string|binary|hash|digest|confirm(?:ation)?|plain(?:text)?|raw|text|base(?:64)?|b64|data|old"
    r"|new|pem))?[0-9]{0,3}"
)
_QUOTE = r"""\\*+["']|\\++u002[27]|\\++x2[27]|%2[27]|&quot;|&\#3[49];"""
_CLOSE = rf"""(?P<close>{_QUOTE})?(?:\]|%5d)?{_COLOUR}"""
_NAME_AND_VALUE = (
    r""",\s{0,64}+\\*+["'](?:parameter)?value\\*+["'][ \t]*+:"""
    r"""|\s{0,64}+(?:(?!value)[a-z_-]{1,20}=\\*+["'][^"'<>]{0,99}+["']\s{1,64}+){0,3}value=(?=\\*+["'])"""
    r"""|(?:\r?\n|(?:\\++r)?\\++n)[ \t]{1,64}+value:(?=[ \t])"""
    r"""|;s:[0-9]{1,7}:(?=\\*+")"""
)
"""How lists of names and values are written: the environment of a container in JSON and YAML, parameters of a stack,
settings in XML, a form in HTML, an array by PHP's ``serialize``."""
_SPELLED = r"\\++(?:u00|x)3[ad]"
"""``=`` and ``:`` in JSON by Gson, which escapes what HTML might read, and in nginx's log."""
_NEXT_LINE = r"""(?:\r?\n[ \t]*+(?=string\(|\\*+["']))?"""
"""A text in quotes may stand on the line after its key; a word there is a line of its own."""
_BLANK = r"[ \t\xa0]*+"
_SEPARATOR = (
    rf"{_BLANK}(?P<separator>=>|:=|={{1,3}}|:|[：＝]|%3d|%3a|{_SPELLED}|{_NAME_AND_VALUE}|,){_BLANK}{_NEXT_LINE}"
)
_WRAPPER = (
    r"""(?:(?:some|just|optional|secret(?:str|bytes)?|string|str|bytes)[(\[](?=\\*+["'])"""
    r"""|string\([0-9]{1,6}\) |[bru]{1,2}(?=\\*+["']))?"""
)
_OPEN = rf"(?P<open>{_QUOTE})?"


def _key(word: str, separator: str = _SEPARATOR) -> re.Pattern[str]:
    return re.compile(f"{word}(?P<plural>s)?{_TAIL}{_CLOSE}{separator}{_COLOUR}{_WRAPPER}{_OPEN}")


_OR_QUOTED = rf"(?:{_SEPARATOR}|[ \t]++(?='))"
"""SQL says ``WITH PASSWORD 'x'``."""

_KEYS = {
    "pass": _key(r"pass(?:word|wd|phrase|code|wort|(?P<bare>))", _OR_QUOTED),
    "password for": _key(r"password for [^\s=]{1,130}", _OR_QUOTED),
    "identified ": _key(r"identified (?:by|with [\w'\"`]{1,64} (?:by|as))", _OR_QUOTED),
    **{
        word: _key(word)
        for word in (
            *("pwd", "secret", "token", "key", "credential", "authorization", "cookie", "_auth"),
            *("phpsessid", "jsessionid", "cvv", "cvc"),
        )
    },
}
_KEY_KINDS = (
    *("access", "account", "admin", "aes", "api", "app", "application", "auth", "cipher", "credential", "crypto"),
    *("deploy", "encryption", "functions", "hmac", "ingest", "ingestion", "instrumentation", "jwt", "license"),
    *("master", "private", "rsa", "secret", "service", "session", "shared", "signing", "ssh", "storage"),
    *("subscription", "webhook", "write"),
)
"""A key alone is anything; after one of these words it opens something."""
_PASS_KINDS = ("db", "user", "smtp", "mail", "ftp", "root", "admin", "pg", "mysql", "sql", "redis", "ldap", "proxy")

_SCHEME = re.compile(
    r"(?:bearer|basic|digest|token|api-?key|negotiate|ntlm|hmac[\w-]{0,20}|aws4-hmac-sha256|oauth|jwt|key"
    r"|sharedkey(?:lite)?|signature|splunk)[ \t]++"
)


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
    if opening and opening[-1] in "\"'":
        end = string_end(message, start, opening)
        value = message[start:end]
        listed = separator == "," and not (closing and _closes_pair(message, end + len(opening)))
        quoted_prose = separator is None and any(char.isspace() for char in value)
        if listed or quoted_prose or not is_secret(value, counted):
            return [], start
        return [Span(start, end, SECRET)], end
    if separator == ",":
        return [], start
    if STRUCTURE.match(message, start):
        return structure_values(message, start)
    if word == "authorization" and (scheme := _SCHEME.match(folded, start)):
        start = scheme.end()
    if opening and opening[0] != "%":
        end = spelled_end(folded, start, opening)
    else:
        encoded = opening or (separator or "").startswith("%")
        pattern = COOKIES if word == "cookie" else ENCODED_VALUE if encoded else BARE_VALUE
        found = pattern.match(message, start)
        end = found.end() if found else start
    value = message[start:end]
    if not is_secret(value, counted):
        return [], start
    text = COOKIE if word == "cookie" else SECRET
    if closing and closing[0] != "%" and separator == ":" and _NUMBER.fullmatch(value):
        text = f"{closing}{text}{closing}"  # a bare JSON number: the line must still parse
    # "token: token: x": the value may itself be the key of what follows.
    again = folded.rfind(word, start, end) if value[-1] in ":=" else -1
    return [Span(start, end, text)], again if again >= 0 else end


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
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


_FIELD = re.compile(
    rf"""name=\\*+"[a-z0-9_.\[\]-]{{0,40}}?{_WORDS}[a-z0-9_.\[\]-]{{0,20}}\\*+"
         (?:(?:\r?\n|\\r\\n)[a-z-]{{1,40}}:[ ][^\r\n\\]{{0,100}}){{0,3}} (?:\r?\n|\\r\\n){{2}} ([^\r\n\\]++)""",
    re.VERBOSE,
)
_LOGIN = re.compile(r"""[ ](?:-u[ ]?|--user[ =])["']?[^\s:"'/]{1,64}:([^\s"']++)""")


def _fields(message: str, folded: str) -> list[Span]:
    """A form's field in a body of several parts: its name, and its value behind an empty line."""
    return [Span(*field.span(1), SECRET) for field in _FIELD.finditer(folded)]


def _logins(message: str, folded: str) -> list[Span]:
    """``curl -u name:password``."""
    return [Span(*login.span(1), SECRET) for login in _LOGIN.finditer(message) if is_secret(login[1], counted=True)]


def _flags(message: str, folded: str) -> list[Span]:
    """``--password x``, also in a printed argument list."""
    spans = []
    for flag in _FLAG.finditer(folded):
        opening = flag["next"] or flag["open"]
        if opening:
            end = string_end(message, flag.end(), opening)
        else:
            found = BARE_VALUE.match(message, flag.end())
            end = found.end() if found else flag.end()
        value = message[flag.end() : end]
        if not value.startswith("--") and is_secret(value, counted=True):
            spans.append(Span(flag.end(), end, SECRET))
    return spans


def _elements(message: str, folded: str) -> list[Span]:
    """``<wsse:Password Type="…">x</wsse:Password>``."""
    return [
        Span(*element.span(1), SECRET)
        for element in _ELEMENT.finditer(folded)
        if is_secret(message[element.start(1) : element.end(1)], counted=True)
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
    if "form-data" in folded:
        spans += _fields(message, folded)
    if "curl " in folded:
        spans += _logins(message, folded)
    return replace_spans(message, spans) if spans else message


_SIGNED = re.compile(r"(?i:(sig(?:nature)?=))[\w%+/=~.-]{16,}+", re.ASCII)


def _signatures(message: str) -> str:
    """A presigned URL opens its object to whoever reads it."""
    return _SIGNED.sub(lambda m: m[1] + SIGNATURE, message)


KEY_RULES = (
    Rule("secret", _by_key, folded_gates=(*_KEYS, "curl ")),
    Rule("signature", _signatures, folded_gates=("sig=", "signature=")),
)
