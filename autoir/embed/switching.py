"""Another model for a store that has one: deliberate, whole, and never a mix of both.

Vectors of two models compare without an error and rank at random, so there is no moment in which both are of use:

1. One transaction gives the store over: the new fingerprint stands in it, marked as ``clearing`` the old model. From
   then on nobody of either model writes a vector, and search goes by words alone.
2. The old vectors are taken away, some at a time, each in a transaction that finds the mark still there; the one that
   finds no more takes the mark away.
3. Every pattern waits for its vector as if it were new. Whoever has the new model may fill them in; search goes by
   words for those that wait, and says so.

All of it is in the store, so whoever comes after a kill goes on where the dead one was, several may do so at once, and
what it ends with is what a fresh store of the new model would hold. Nothing here embeds a pattern, and nothing that
holds a vector of the new model is ever cleared by this.
"""

from collections.abc import Callable
from typing import Literal, Protocol

from autoir.embed.fingerprint import META_KEY, Fingerprint, MetaStore, difference, measured, read, written
from autoir.embed.interface import Embedder, ModelMismatchError

BATCH = 1_000
"""Patterns cleared in one transaction: about a megabyte of them."""

Stand = Literal["none", "same", "clearing", "other"]
"""Of a store towards an engine: it has no model, it has the engine's, it is on its way to that, it has another."""


class SwitchStore(MetaStore, Protocol):
    """What is asked of a store."""

    def clear_vectors(self, limit: int) -> int:
        """Let up to ``limit`` patterns with a vector, or refused one, wait as if they were new; 0: there are none."""


class Switch:
    """A store on its way to ``embedder``'s model. Raises AutoirError where the engine embeds no canaries."""

    def __init__(self, store: SwitchStore, embedder: Embedder) -> None:
        self._store = store
        self._found = measured(embedder)

    def stand(self) -> Stand:
        """How the store stands towards the engine's model now."""
        kept = self._store.meta(META_KEY)
        if kept is None:
            return "none"
        before = read(kept)
        if difference(before, self._found):
            return "other"
        return "clearing" if before.clearing else "same"

    def run(self, told: Callable[[int], None] = lambda cleared: None) -> int:
        """Make the store the engine's: steps 1 and 2, as far as they are not done. How many vectors went; ``told`` so
        after each batch.

        Raises ModelMismatchError where the store is given over to yet another model meanwhile.
        """
        begun = self._store.atomically(self._begin)
        cleared = 0
        while some := self._store.atomically(lambda: self._clear(begun)):
            cleared += some
            told(cleared)
        return cleared

    def _begin(self) -> Fingerprint:
        kept = self._store.held_meta(META_KEY)
        before = None if kept is None else read(kept)
        if before and not difference(before, self._found):
            return before
        found = self._found._replace(clearing=before.model if before else "")
        self._store.set_meta(META_KEY, written(found))
        return found

    def _clear(self, begun: Fingerprint) -> int:
        kept = self._store.held_meta(META_KEY)
        done = written(begun._replace(clearing=""))
        if kept == done:
            return 0
        if kept != written(begun):
            raise ModelMismatchError(
                f"Somebody has given the store over to another model than {begun.model}.",
                "autoir embed status shows which. Run the same again to have this one after all.",
            )
        some = self._store.clear_vectors(BATCH)
        if not some:
            self._store.set_meta(META_KEY, done)
        return some
