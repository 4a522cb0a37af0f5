"""Search over patterns: what a store's lines say, by meaning and by words.

Two scores over every pattern in scope, each stretched to 0..1 per query, then blended: the cosine to the pattern's
vector, and BM25 over its words. Words find identifiers, vectors find what is said otherwise, and a pattern without a
vector is still found. Answers are patterns, not lines: ten lines would show three distinct messages. There is no
cut-off, since a score means nothing across queries; what is degraded is said in the answer.
"""

from autoir.search.results import Hit, Results
from autoir.search.searcher import Searcher

__all__ = ["Hit", "Results", "Searcher"]
