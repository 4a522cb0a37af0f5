"""The text that is embedded for a pattern.

What a mask removed says nothing, and identifiers say more in words: ``getUserById`` is about a user. Each pattern has
two views, its text and its component with the text; their normalised sum is its vector. The recipe is part of a
model's identity: any change here is a new recipe id, and every vector is made anew.
"""

import re
from hashlib import blake2b

RECIPE = "r1"
"""Identity of this recipe."""

TEXT_LIMIT = 1_500
"""Characters of a template that are used."""

_PLACEHOLDER = re.compile(r"<\*>|<(?:info|ok|redir)>")
_BORDERS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_SEPARATORS = re.compile(r"[\s_./\\:;,=\-\[\](){}\"'|<>#@&?!*+~^$%`]+")


def split_words(text: str) -> str:
    """``text`` with its identifiers in words: borders of case, of digits and separators become one space."""
    return _SEPARATORS.sub(" ", _BORDERS.sub(" ", text)).strip()


def views(template: str, component: str) -> tuple[str, ...]:
    """The texts to embed for a pattern: its words, and its component's words in front of them."""
    text = split_words(_PLACEHOLDER.sub(" ", template[:TEXT_LIMIT])) or template.strip()[:TEXT_LIMIT] or "empty"
    name = split_words(_PLACEHOLDER.sub(" ", component))
    return (text, f"{name} : {text}") if name else (text,)


def recipe_hash(template: str, component: str) -> str:
    """24 hex characters: equal where the texts to embed are equal."""
    digest = blake2b(digest_size=12)
    for text in (RECIPE, *views(template, component)):
        digest.update(text.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.hexdigest()
