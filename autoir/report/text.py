"""Log text made fit to be shown: on a terminal, in a title, in a page.

A log line is whatever somebody could make a program write: escape codes that repaint a terminal, direction marks that
turn a line around, links and mentions that a mail client or a chat would bring to life. Everything here is pure and
bounded by its limit, and nothing shows a log line without it.
"""

import re
import unicodedata

_MAX_MARKS = 2
"""Combining marks on one letter that are shown; real scripts need no more, piles of them hide other lines."""

_PLAIN = re.compile(r"[ -~]*\Z")
_LOOSE = re.compile(r"\s+")


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")


def _escaped(character: str) -> str:
    code = ord(character)
    match character:
        case "\n":
            return "\\n"
        case "\r":
            return "\\r"
        case "\t":
            return " "
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _read(text: str, limit: int) -> tuple[str, int]:
    """``text`` escaped within ``limit`` characters, and how many characters of ``text`` that took."""
    if len(text) <= limit and _PLAIN.match(text):
        return text, len(text)
    pieces: list[str] = []
    length = marks = 0
    for at, character in enumerate(text):
        if " " <= character <= "~":
            piece, marks = character, 0
        else:
            marks = marks + 1 if unicodedata.combining(character) else 0
            piece = _escaped(character) if marks > _MAX_MARKS or _is_hidden(character) else character
        length += len(piece)
        if length > limit:
            return "".join(pieces), at
        pieces.append(piece)
    return "".join(pieces), len(text)


def shown(text: str, limit: int = 600) -> str:
    """``text`` on one line, without a character that a terminal or a reader could be misled by.

    Control characters, direction and other invisible marks become their escapes, a tab a blank. What exceeds
    ``limit`` characters (of the result) is cut, and the count of hidden characters of ``text`` said: the whole is at
    most ``limit`` and some 20 characters long.
    """
    head, taken = _read(text, limit)
    return head if taken == len(text) else f"{head}… (+{len(text) - taken:,} chars)"


def excerpt(text: str, limit: int = 240) -> str:
    """``shown`` for a whole event: beginning and end, where a traceback says what happened; what lies between is
    hidden and counted. At most ``limit`` and some 20 characters, or an eighth more where that shows the whole."""
    head, taken = _read(text, limit + limit // 8)
    if taken == len(text):
        return head
    head, taken = _read(text, limit * 2 // 3)
    room = limit - limit * 2 // 3
    end = text[max(taken, len(text) - room) :]
    tail, read = _read(end, room)
    while read < len(end):
        end = end[len(end) // 4 + 1 :]
        tail, read = _read(end, room)
    return f"{head}… (+{len(text) - taken - len(end):,} chars) …{tail}"


def markup_safe(text: str, limit: int = 600) -> str:
    """``shown`` for a place where Rich reads markup."""
    from rich.markup import escape  # rich costs a Lambda's cold start, which shows nothing

    return escape(shown(text, limit))


def clipped(text: str, limit: int) -> str:
    """``text`` within ``limit`` characters, cut at a word where one ends near, with an ellipsis."""
    return text if len(text) <= limit else _cut_at_word(text, limit - 1) + "…"


def _cut_at_word(text: str, limit: int) -> str:
    """The first ``limit`` characters, back to a blank in the last quarter if there is one."""
    at = text.rfind(" ", limit * 3 // 4, limit + 1)
    return text[: at if at > 0 else limit].rstrip(" ,;:.-")


_HOST = re.compile(r"(?<=\[:\]//)[^\s/?#]{1,300}")
_DOT = re.compile(r"(?<!\[)\.(?!\])")
_SCHEME = re.compile(r"\b(mailto|tel|sms|javascript|skype|facetime):(?=\S)", re.IGNORECASE)
_WWW = re.compile(r"\bwww\.(?=\S)", re.IGNORECASE)
_LINK_END = re.compile(r"\](?=[(\[])")
_SWAPS = str.maketrans({"<": "‹", ">": "›", "＜": "‹", "＞": "›", "@": "(at)", "＠": "(at)", "`": "'"})


def _without_dots(found: re.Match[str]) -> str:
    return _DOT.sub("[.]", found[0])


def defanged(text: str) -> str:
    """``text`` with no link, mention or markup that a mail client, a chat or a browser would bring to life.

    ``http://a.b/c`` becomes ``http[:]//a[.]b/c``, ``@here`` ``(at)here``, ``<b>`` ``‹b›``. Applied twice it gives the
    same. The stored line stays as it was.
    """
    text = _HOST.sub(_without_dots, text.translate(_SWAPS).replace("://", "[:]//"))
    text = _WWW.sub("www[.]", _SCHEME.sub(r"\1[:]", text))
    return _LINK_END.sub("] ", text)


_ASCII = {"“": '"', "”": '"', "‘": "'", "’": "'", "…": "...", "–": "-", "—": "-", "‹": "(", "›": ")", "×": "x"}


def ascii_subject(text: str, limit: int = 99) -> str:
    """``text`` in printable ASCII on one line, at most ``limit`` characters: what SNS takes as a subject (under 100
    characters, no control characters; docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""
    plain = "".join(_ASCII.get(character, character) for character in text)
    decomposed = unicodedata.normalize("NFKD", plain)
    kept = "".join(c if " " <= c <= "~" else "" if unicodedata.combining(c) else "?" for c in decomposed)
    kept = _LOOSE.sub(" ", re.sub(r"\?{3,}", "??", kept)).strip()
    return kept if len(kept) <= limit else _cut_at_word(kept, limit - 3) + "..."
