"""Where the value of a secret's key ends, and whether it is a secret at all.

A value ends where the text that holds it says: at the quote of its own level, before the next key of a list, with the
bracket opened before the key. In doubt it goes on, for a word too much is a blemish and a character too few a leak.
"""

import re

from autoir.redact.rule import MARKER, Span, fold, marker

SECRET = marker("secret")

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

BARE_VALUE = re.compile(
    rf"""(?: {MARKER}
           | [^\s"'`,;&|)\]}}>\\<\[]++
           | [\[]
           | [,;&|](?![\s"'\\]|\Z|[\w.%\[\]-]{{1,64}}[=:])        # a list goes on with the next key
           | [)\]}}>](?![\s,;:.)\]}}>\[({{<"'\\]|\Z)              # what was opened before the key closes
           | ["'`](?=\w)
           | <(?!/)
           | \\++(?!["']|u002[267]|[nrt](?:[\s\\"']|\Z|[\w.-]{{1,40}}[ ]?[=:(]))  # a string or line in a string ends
        )++""",
    re.VERBOSE,
)
ENCODED_VALUE = re.compile(r"""(?:[^\s"'&%]++|%(?!2[267]))++""")
COOKIES = re.compile(r"""[^\s=;,"'\\]++=[^\s;"'\\]*+(?:;[ ]?[^\s=;"'\\]++=[^\s;"'\\]*+)*+""")
_STRING_STOP = {quote: re.compile(rf"\\++{quote}?|{quote}|\n") for quote in "\"'"}


def string_end(message: str, start: int, opening: str) -> int:
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


_ESCAPES = ("\\", "\\x5c")


def spelled_end(folded: str, start: int, opening: str) -> int:
    """The end of a string whose quotes are spelled out, by .NET, by nginx, in HTML. Escaped ones belong to it."""
    end = folded.find(opening, start)
    while end > start and folded.endswith(_ESCAPES, start, end):
        end = folded.find(opening, end + len(opening))
    return end if end >= 0 else len(folded)


STRUCTURE = re.compile(r"""[\[{]\s{0,64}+(?:[\[{]\s{0,64}+){0,8}\\*+["']""")
_STRUCTURE_TOKEN = re.compile(r"""\\++["']?|["'\[\]{}]""")
_THEN_COLON = re.compile(r"\s{0,64}+:")


def structure_values(message: str, start: int) -> tuple[list[Span], int]:
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
            end = string_end(message, at, text)
            if not _THEN_COLON.match(message, end + len(text)) and is_secret(message[at:end], counted=False):
                spans.append(Span(at, end, SECRET))
            at = end + len(text)
    return spans, min(at, len(message))


def is_secret(value: str, counted: bool) -> bool:
    """``counted``: a number after this key is a count. Expects a value as it stands in the message."""
    if not value or value.isspace() or _MARKER.fullmatch(value):
        return False
    word = fold(value).strip("<>[](){}.,:;!?")
    if word in _PROSE or _NOT_SECRET.fullmatch(value):
        return False
    return not (counted and _COUNT.fullmatch(word))
