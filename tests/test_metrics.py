"""What an endpoint was asked for, as metrics; and counts that can be added up."""

import pytest

from autoir import metric_names as m
from autoir.embed.remote.endpoint import Traffic
from autoir.metrics import EmbedWork, SearchWork, embedding_metrics

SILENT = Traffic(texts=5, requests=4, refused=1, failures=1, latency_sum_s=2.0)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        # texts, requests, breaker open, latency in ms; None: it is not published
        (None, Traffic(), None),
        (None, Traffic(texts=6, requests=3, latency_sum_s=0.6), (6, 3, 0, 200)),
        (None, Traffic(texts=6, requests=5, refused=1, failures=1, latency_sum_s=0.6), (6, 5, 0, 200)),
        (None, Traffic(requests=2, failures=2), (0, 2, 0, None)),
        (None, Traffic(requests=5, failures=5, breaker="open"), (0, 5, 1, None)),
        # since the last time
        (SILENT, SILENT, None),
        (SILENT, Traffic(texts=9, requests=6, refused=1, failures=2, latency_sum_s=2.5), (4, 2, 0, 500)),
        (
            SILENT,
            Traffic(texts=5, requests=4, refused=1, failures=1, latency_sum_s=2.0, breaker="open"),
            (0, 0, 1, None),
        ),
        # a new client
        (SILENT, Traffic(texts=2, requests=1, latency_sum_s=0.1), (2, 1, 0, 100)),
    ],
)
def test_what_an_endpoint_was_asked_for(
    before: Traffic | None, now: Traffic, expected: tuple[float | None, ...] | None
) -> None:
    names = (m.EMBED_TEXTS, m.EMBED_REQUESTS, m.EMBED_BREAKER_OPEN, m.EMBED_LATENCY_MS)
    values = dict(zip(names, expected, strict=True)) if expected else {}
    found = embedding_metrics(before, now)
    assert found == pytest.approx({name: value for name, value in values.items() if value is not None})


def test_every_service_that_embeds_says_the_same_of_it() -> None:
    published = set(embedding_metrics(None, Traffic(texts=1, requests=1, latency_sum_s=1.0)))
    for service in (m.EMBED_LOGS, m.SWEEP_INCIDENTS, m.TAIL):
        assert published < set(m.EMITTED_BY[service])
    assert [m.unit(name) for name in (m.EMBED_LATENCY_MS, m.OUTBOX_AGE_S, m.EMBED_TEXTS)] == [
        "Milliseconds",
        "Seconds",
        "Count",
    ]


def test_work_adds_up_and_the_slowest_stays() -> None:
    work = EmbedWork(4, 7, 1, 1, 1.5, 0.9)
    work.add(EmbedWork(1, 2, 0, 0, 0.5, 0.5))
    assert work == EmbedWork(5, 9, 1, 1, 2.0, 0.9)
    assert work.mean_s == 0.5
    searches = SearchWork()
    assert (searches.mean_s, searches.mean_score, EmbedWork().mean_s) == (0, 0, 0)
    searches.add(SearchWork(2, 1, 10, 4.0, 0.2, 0.15))
    assert (searches.mean_s, searches.mean_score) == (0.1, 0.4)
