"""Vectors beside storing: made when there is time for them, told of, and never a reason to fail."""

from collections.abc import Callable
from typing import Any

import pytest

from autoir import metric_names as m
from autoir.embed.hashed import HashedEmbedder
from autoir.embed.remote.endpoint import Traffic
from autoir.errors import UnreachableError
from autoir.store import Store
from tests.lambdas.conftest import Heard, Invocation, Make
from tests.payloads import a_payload, an_event

Read = Callable[[str], Store]


class Endpoint:
    """An embedder that counts, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self.error = error
        self._inner = HashedEmbedder()
        self.spec = self._inner.spec

    @property
    def traffic(self) -> Traffic:
        failures = self.asked if self.error else 0
        return Traffic(texts=9 * self.asked, requests=self.asked, failures=failures, latency_sum_s=0.5 * self.asked)

    def embed_documents(self, texts: Any) -> Any:
        self.asked += 1
        if self.error:
            raise self.error
        return self._inner.embed_documents(texts)

    def embed_query(self, text: str) -> Any:
        return self._inner.embed_query(text)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("error", "left_s", "embedded", "because"),
    [
        (None, 120.0, 2, ""),
        (None, 29.0, 0, ""),  # no time: the sweep embeds
        (UnreachableError("the canary is cold"), 120.0, 0, "UnreachableError"),
        (ValueError("canary"), 120.0, 0, "ValueError"),
    ],
)
def test_vectors_are_made_when_there_is_time_and_are_no_reason_to_fail(
    error: Exception | None, left_s: float, embedded: int, because: str, sqlite_url: str, embed_logs: Make,
    heard: Heard, reader: Read, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    engine = Endpoint(error)
    monkeypatch.setattr("autoir.embed.remote.options.sagemaker", lambda told: engine)
    function = embed_logs(sqlite_url, endpoint="autoir-test-embedding")
    payload = a_payload([an_event(1), an_event(2, "ERROR cannot reach the database")])
    answer = function(payload, Invocation(left_s))
    assert (answer["stored"], answer["embedded"]) == (2, embedded)
    assert reader(sqlite_url).embed_progress().pending == 2 - embedded
    [(level, _, facts)] = heard.lines
    assert (level, facts["waits_because"]) == ("INFO", because)
    published = [metrics for metrics in heard.metrics if m.EMBED_REQUESTS in metrics]
    latency = {} if error else {m.EMBED_LATENCY_MS: 500.0}
    expected = {m.EMBED_REQUESTS: engine.asked, m.EMBED_TEXTS: 9 * engine.asked, m.EMBED_BREAKER_OPEN: 0, **latency}
    assert published == ([expected] if engine.asked else [])
    asked = engine.asked
    function(payload, Invocation(left_s))
    assert engine.asked == asked, "a delivery without a new pattern has nothing to embed"
    assert [metrics for metrics in heard.metrics if m.EMBED_REQUESTS in metrics] == published
