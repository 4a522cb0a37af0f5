"""The text that is embedded for a pattern: recipe ``r1``.

A model reads words, not placeholders and glued identifiers, so both go: ``QueuePool limit of size <*>`` becomes
``Queue Pool limit of size``. A pattern has two views, its text alone and its text behind the component that wrote it,
and the stored vector is the sum of both: people ask now for what happened and now for where.

Any change of what comes out of here, and any change of ``autoir.embed.words``, needs a new recipe id: old and new
vectors do not compare. This module is imported wherever events are stored, so it loads nothing.
"""

import re
from functools import lru_cache

from autoir.events import stable_id

RECIPE = "r1"

LIMIT = 1_500
"""Characters of a template, or of a query, that are read. Models cut at 128 tokens, about a third of that."""

_LONGEST = 64
"""Characters of a word that is remembered: longer ones are made up of values."""

# Wildcards and the marks of redaction say that something was there, not what; <ok> and its like say what.
_REDACTED = "[REDACTED:"
_PLACEHOLDER = re.compile(r"<\*>|\[REDACTED:[^\]\s]{1,64}\]")
_CLASSES = (("<ok>", "ok"), ("<redir>", "redirect"), ("<info>", "informational"))
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_JOINTS = re.compile(
    r"[_./\\\-]+"
    r"|(?<=[a-z\d])(?=[A-Z])"  # camelCase
    r"|(?<=[A-Z])(?=[A-Z][a-z])"  # HTTPServer
    r"|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])"  # md5, 404s
)


def split(text: str) -> str:
    """``text`` with identifiers split at their joints and white space collapsed."""
    # Word by word: templates share their words, so all but the first of a word is one look-up.
    return " ".join(filter(None, [_split_known(w) if len(w) <= _LONGEST else _split_word(w) for w in text.split()]))


def _split_word(word: str) -> str:
    return " ".join(_JOINTS.sub(" ", _INVISIBLE.sub(" ", word)).split())


_split_known = lru_cache(maxsize=65_536)(_split_word)


def bare(text: str) -> str:
    """``text`` with a blank for each placeholder, its identifiers as they are."""
    text = text[:LIMIT]
    return _PLACEHOLDER.sub(" ", text) if _REDACTED in text else text.replace("<*>", " ")


def bare_template(template: str) -> tuple[str, bool]:
    """The words of a template, identifiers as they are; the template itself, and False, where it has none."""
    text = bare(template)
    for mark, word in _CLASSES:
        text = text.replace(mark, word)
    if any(c.isalnum() for c in text):
        return text, True
    return template[:LIMIT].strip() or "empty", False


def template_text(template: str) -> str:
    """The words of a template; the template itself where it has none, for every pattern has a text."""
    text, found = bare_template(template)
    return split(text) if found else text


def component_text(template: str, component: str) -> str:
    """The view that knows where a pattern comes from; the text alone without a component."""
    text = template_text(template)
    name = split(bare(component))
    return f"{name} : {text}" if name else text


def views(template: str, component: str) -> tuple[str, ...]:
    """The one or two texts whose vectors make the pattern's."""
    return tuple(dict.fromkeys((template_text(template), component_text(template, component))))


def query_text(query: str) -> str:
    """A query as the engine gets it: its identifiers are split as those of the patterns were."""
    return split(query[:LIMIT])


def recipe_hash(template: str, component: str) -> str:
    """24 characters that are equal exactly where the texts to embed are."""
    return stable_id(RECIPE, *views(template, component))
