"""Vectors for new patterns, as far as an invocation has time for them.

Never a reason to fail: what is stored is stored, and what got no vector waits for the next sweep. The endpoint's own
breaker outlives an invocation, so one that is down costs a warm process nothing.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from autoir.clock import Clock
from autoir.delivery import RESERVE_S
from autoir.embed import fill_pending
from autoir.functions.context import TimeLeft
from autoir.metrics import embedding_metrics
from autoir.store import Store

if TYPE_CHECKING:
    from autoir.embed.remote.embedder import RemoteEmbedder
    from autoir.embed.remote.endpoint import Traffic

_AT_ONCE = 32


class Filling:
    """Asks ``endpoint``, none where that is empty: each request for up to ``patience_s`` seconds, all of them in one
    invocation for about ``budget_s``. ``seconds`` is a clock that only goes forward."""

    def __init__(
        self, endpoint: str, *, patience_s: float, budget_s: float, clock: Clock, seconds: Callable[[], float]
    ) -> None:
        self.reason = ""
        """Why patterns were left without a vector lately: the kind of the failure, for its words may quote a line."""
        self._endpoint = endpoint
        self._patience_s = patience_s
        self._budget_s = budget_s
        self._clock = clock
        self._seconds = seconds
        self._embedder: RemoteEmbedder | None = None
        self._traffic: Traffic | None = None

    def fill(self, store: Store, region: str, left_s: TimeLeft) -> int:
        """Embed what waits in ``store``; how many patterns got a vector."""
        done, begun = 0, self._seconds()
        self.reason = ""
        try:
            while self._endpoint and self._has_time(begun, left_s()):
                filled = fill_pending(store, self._opened(region), self._clock(), _AT_ONCE)
                done += filled.done
                if filled.done + filled.failed < _AT_ONCE:
                    break
        except Exception as error:  # noqa: BLE001 whatever it is: the events are stored
            self.reason = type(error).__name__
        return done

    def _has_time(self, begun: float, left_s: float) -> bool:
        """For one more request: it may be tried to the end of its patience, and then wait for an answer as long."""
        return self._seconds() - begun < self._budget_s and left_s > 2 * self._patience_s + RESERVE_S

    def metrics(self) -> Mapping[str, float]:
        """What the endpoint was asked for since the last time this was asked."""
        if self._embedder is None:
            return {}
        before, self._traffic = self._traffic, self._embedder.traffic
        return embedding_metrics(before, self._traffic)

    def _opened(self, region: str) -> "RemoteEmbedder":
        if self._embedder is None:
            from autoir.embed.remote.options import sagemaker

            told = {"endpoint": self._endpoint, "region": region, "patience_s": str(self._patience_s)}
            self._embedder = sagemaker(told)
        return self._embedder
