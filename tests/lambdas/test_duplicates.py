"""CloudWatch and Lambda may deliver a payload more than once, at the same moment too: one set of rows, exact counts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from autoir.functions.embed_logs import EmbedLogs
from autoir.lambda_env import EmbedLogsEnv
from autoir.store import Store
from tests.lambdas.conftest import SHARED, Heard, Invocation, a_secret, whole
from tests.payloads import GROUP, NOW_MS, a_payload, an_event

EVENTS = 1_500


def messages() -> list[str]:
    return [f"ERROR cannot reach 10.0.0.{n % 250}:5432 after {n} ms" if n % 3 else f"INFO order {n} placed"
            for n in range(EVENTS)]  # fmt: skip


@pytest.mark.parametrize("times", [2, 3, 5, 8])
def test_the_same_delivery_at_the_same_moment_is_stored_once(
    times: int, url: str, aws: None, reader: Callable[[str], Store]
) -> None:
    whole_payload = a_payload([an_event(n, text) for n, text in enumerate(messages())])
    overlapping = a_payload([an_event(n, messages()[n]) for n in range(EVENTS // 2, EVENTS)])
    env = EmbedLogsEnv(**SHARED, store_secret_arn=a_secret(url), sagemaker_endpoint="")
    together = Barrier(times)

    def deliver(number: int) -> tuple[dict[str, Any], dict[str, float]]:
        heard = Heard()
        function = EmbedLogs(env, telemetry=heard, clock=lambda: NOW_MS)  # in a process of its own, in AWS
        try:
            together.wait()
            answer = function(overlapping if number % 2 else whole_payload, Invocation())
        finally:
            function.close()
        return answer, heard.metrics[-1]

    with ThreadPoolExecutor(times) as pool:
        answers = list(pool.map(deliver, range(times)))
    assert sum(answer["stored"] for answer, _ in answers) == EVENTS
    assert all(a["stored"] + a["duplicate"] == a["received"] for a, _ in answers)
    assert all(whole(metrics) for _, metrics in answers)
    store = reader(url)
    assert store.query("SELECT COUNT(*), COUNT(DISTINCT id) FROM autoir_events") == [(EVENTS, EVENTS)]
    by_pattern = "SELECT pattern_id, COUNT(*) FROM autoir_events GROUP BY pattern_id ORDER BY pattern_id"
    counted = "SELECT pattern_id, SUM(n) FROM autoir_counts GROUP BY pattern_id ORDER BY pattern_id"
    assert store.query(by_pattern) == store.query(counted)
    assert {p.log_group for p in store.patterns()} == {GROUP}
    assert store.quarantined() == []
