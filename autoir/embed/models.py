"""The models whose weights AutoIR knows how to read: one table, for every engine that runs or asks one of them.

What is here is what a vector depends on. How a model's texts are pooled and what precedes a query is no option of an
engine, for an engine that guesses it gives vectors that compare without an error and rank at random: bge takes the
first token, MiniLM the mean of all, and a mix-up of the two costs a sixth of the ranking.
"""

from collections.abc import Mapping

from autoir.embed.interface import EmbedderSpec
from autoir.embed.recipe import RECIPE
from autoir.errors import UsageError

DEFAULT = "bge-small-en-v1.5"

KNOWN: Mapping[str, EmbedderSpec] = {
    spec.model: spec
    for spec in (
        # BAAI/bge-small-en-v1.5: pooling and prefix as FlagOpen/FlagEmbedding gives them.
        EmbedderSpec(
            DEFAULT,
            "5c38ec7c",
            pooling="cls",
            query_prefix="Represent this sentence for searching relevant passages: ",
            recipe=RECIPE,
        ),
        # sentence-transformers/all-MiniLM-L6-v2: its 1_Pooling/config.json.
        EmbedderSpec("all-MiniLM-L6-v2", "1110a243", pooling="mean", recipe=RECIPE),
    )
}
"""Specs by model name. The revision is the start of the commit of the weights' repository."""

HASHED = EmbedderSpec("hashed-ngram-384", "1", max_tokens=0, recipe=RECIPE)
"""The engine that needs no weights."""


def known_spec(model: str = DEFAULT) -> EmbedderSpec:
    """The spec of a model by its name. Raises UsageError for one that is not in the table."""
    if model not in KNOWN:
        raise UsageError(f"There is no embedding model {model!r}.", f"One of {', '.join(KNOWN)}.")
    return KNOWN[model]
