"""How well each pattern in scope answers: cosine and BM25, each stretched to 0..1, then blended.

The stretch is per wording and over the scope, since neither score means anything across queries. Several wordings of
one need are averaged (CombSUM of Fox and Shaw, TREC-2, 1994), so that a score stays the sum of its two parts.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DENSE_WEIGHT = 0.7
"""Share of the vector score in the blend with a model that knows meaning (bench/retrieval.py)."""

HASHED_WEIGHT = 0.5
"""Share of the vector score for hashed vectors, which see the same words as BM25 does (bench/retrieval.py)."""


class Scores(NamedTuple):
    """Scores of the documents in scope, in their order. ``total``, ``dense`` and ``bm25`` are 0 to 1; ``cosine`` and
    ``raw`` are what the latter two were stretched from. ``embedded`` tells which have a vector, ``answers`` which can
    answer at all; ``weight`` is the share of ``dense`` in the embedded ones."""

    answers: "NDArray[np.bool_]"
    embedded: "NDArray[np.bool_]"
    total: "NDArray[np.float64]"
    dense: "NDArray[np.float64]"
    bm25: "NDArray[np.float64]"
    cosine: "NDArray[np.float64]"
    raw: "NDArray[np.float64]"
    weight: float


def stretched(scores: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Scores from 0 to 1; all 0 where they do not differ."""
    low, high = (float(scores.min()), float(scores.max())) if len(scores) else (0.0, 0.0)
    return (scores - low) / (high - low) if high > low else scores * 0.0


def mean(columns: "Sequence[NDArray[np.float64]]") -> "NDArray[np.float64]":
    """Column by column, the mean of several wordings."""
    return sum(columns[1:], columns[0]) / len(columns)


def blended(
    raws: "Sequence[NDArray[np.float64]]",
    cosines: "Sequence[NDArray[np.float64]]",
    embedded: "NDArray[np.bool_]",
    weight: float,
) -> Scores:
    """Scores of n documents from BM25 (n for each wording) and cosines (of the embedded ones, for each wording).

    A document without a vector is judged by its words alone, not as one that means something else. Without cosines all
    are.
    """
    import numpy as np

    bm25, raw = mean([stretched(column) for column in raws]), mean(raws)
    dense, cosine = np.zeros(len(raw)), np.zeros(len(raw))
    if cosines:
        dense[embedded] = mean([stretched(column) for column in cosines])
        cosine[embedded] = mean(cosines)
    total = np.where(embedded, weight * dense + (1 - weight) * bm25, bm25)
    return Scores(embedded | (raw > 0), embedded, total, dense, bm25, cosine, raw, weight)


def best_first(
    total: "NDArray[np.float64]", ties: "NDArray[np.int64]", able: "NDArray[np.bool_]", few: int
) -> "Iterator[NDArray[np.int64]]":
    """Places of ``total`` that are ``able``, best first, equal ones by ``ties``: the ``few`` best with those that
    equal the last of them, then all others. Who stops after the first part does not pay for sorting the second."""
    import numpy as np

    places = np.flatnonzero(able)
    values = -total[places]
    last = np.partition(values, few - 1)[few - 1] if len(places) > few else np.inf
    for part in (places[values <= last], places[values > last]):
        yield part[np.lexsort((ties[part], -total[part]))]
