"""How long an endpoint is asked, when it is left alone, and what is counted. Nothing here waits."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from random import Random

import pytest

from autoir.embed import ModelMismatchError
from autoir.embed.models import KNOWN
from autoir.embed.remote.breaker import FAILURES, OPEN_S, Breaker
from autoir.embed.remote.endpoint import (
    CRASHES,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    PROBE_READ_S,
    READ_S,
    Endpoint,
    Traffic,
)
from autoir.embed.remote.transport import NoAnswerError, RequestRefusedError
from autoir.errors import UnreachableError
from tests.embed.remote.server import compact, pooled
from tests.embed.remote.virtual import VirtualTime

SPEC = KNOWN["bge-small-en-v1.5"]
Step = Exception | float
"""What happens at a request: an error, or the seconds until the answer."""
Until = Callable[[float], Step | None]
"""What happens at a request that many seconds after the start; None: as it goes."""


class Wire:
    """A transport whose requests go as ``steps`` say, and well after them."""

    name, hint = "test endpoint", "Look at it."

    def __init__(self, time: VirtualTime, steps: Iterable[Step] = (), until: Until | None = None) -> None:
        self._time, self._steps, self._until = time, iter(steps), until or (lambda _: None)
        self.timeouts: list[float] = []
        self.at: list[float] = []
        self.closed = False

    def send(self, texts: Sequence[str], max_tokens: int, timeout_s: float) -> bytes:
        self.timeouts.append(timeout_s)
        self.at.append(self._time.now_s - 1_000)
        step = self._until(self.at[-1]) or next(self._steps, 0.0)
        if isinstance(step, Exception):
            raise step
        self._time.now_s += step
        return pooled(texts).body

    def close(self) -> None:
        self.closed = True


def busy() -> NoAnswerError:
    return NoAnswerError("429 ModelNotReadyException")


def crashed() -> NoAnswerError:
    return NoAnswerError("424 ModelError: 500 worker died", crashed=True)


def until(seconds: float, step: Step) -> Until:
    """``step`` happens until ``seconds`` have gone by."""
    return lambda at: step if at < seconds else None


def endpoint(time: VirtualTime, wire: Wire) -> Endpoint:
    return Endpoint(wire, SPEC, clock=time.clock, pause=time.pause, jitter=Random(5))


def test_a_cold_endpoint_is_waited_for() -> None:
    time = VirtualTime()
    wire = Wire(time, until=until(60, busy()))
    assert len(endpoint(time, wire).ask(["pool closed"], 180).vectors) == 1
    assert 60 <= wire.at[-1] <= 60 + OPEN_S
    assert len(wire.at) <= 10


@pytest.mark.parametrize("seed", range(20))
def test_pauses_are_within_their_bounds_and_differ(seed: int) -> None:
    time = VirtualTime()
    with pytest.raises(UnreachableError):
        Endpoint(
            Wire(time, until=until(999, busy())), SPEC, clock=time.clock, pause=time.pause, jitter=Random(seed)
        ).ask(["x"], 180)
    first, rest = time.pauses[: FAILURES - 1], time.pauses[FAILURES - 1 :]
    for tries, pause in enumerate(first, 1):
        assert FIRST_PAUSE_S <= pause <= min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**tries)
    assert rest == pytest.approx([OPEN_S] * len(rest))  # the breaker
    assert len(rest) >= 4


def test_patience_ends_and_says_what_to_do() -> None:
    time = VirtualTime()
    wire = Wire(time, until=until(9_999, busy()))
    with pytest.raises(UnreachableError) as gone:
        endpoint(time, wire).ask(["x"], 180)
    assert str(gone.value).startswith("The test endpoint gave no answer in 180 s, ")
    assert str(gone.value).endswith("tries: 429 ModelNotReadyException.")
    assert gone.value.hint == "Look at it."
    assert 180 - OPEN_S <= time.now_s - 1_000 <= 180


@pytest.mark.parametrize("patience_s, timeout_s", [(180, READ_S), (70, 70), (10, 10), (2.5, 2.5)])
def test_a_silent_server_is_not_waited_for_longer_than_patience(patience_s: float, timeout_s: float) -> None:
    time = VirtualTime()
    wire = Wire(time)
    endpoint(time, wire).ask(["x"], patience_s)
    assert wire.timeouts == [timeout_s]


@pytest.mark.parametrize("well_s", range(600, 700, 10))
def test_a_server_that_hangs_is_found_well_again_within_a_probe_and_a_pause(well_s: int) -> None:
    class Hanging(Wire):
        """Requests sent before a time take their whole timeout; none comes back."""

        def send(self, texts: Sequence[str], max_tokens: int, timeout_s: float) -> bytes:
            hangs = self._time.now_s < 1_000 + well_s
            self.timeouts.append(timeout_s)
            self._time.now_s += timeout_s if hangs else 0
            if hangs:
                raise NoAnswerError("no answer (ReadTimeoutError)")
            return super().send(texts, max_tokens, timeout_s)

    time = VirtualTime()
    wire = Hanging(time)
    asked = endpoint(time, wire)
    while not asked.traffic().texts:
        with suppress(UnreachableError):
            asked.ask(["x"], 180)
    assert well_s <= wire.at[-1] <= well_s + PROBE_READ_S + LONGEST_PAUSE_S
    assert wire.timeouts[:FAILURES] == [READ_S] * FAILURES
    assert {*wire.timeouts[FAILURES:-2]} == {PROBE_READ_S}


def test_the_breaker_opens_after_five_failures_lets_a_probe_through_and_closes() -> None:
    time = VirtualTime()
    wire = Wire(time, [busy()] * (FAILURES + 1))
    asked = endpoint(time, wire)
    assert asked.traffic().breaker == "closed"
    for _ in range(FAILURES):
        with pytest.raises(UnreachableError):
            asked.ask(["x"], 0.1)
    assert asked.traffic().breaker == "open"
    # While it is open, who is impatient is told at once, and nothing is sent.
    with pytest.raises(UnreachableError, match=r"is left alone for 30 s more: 429 ModelNotReadyException\."):
        asked.ask(["x"], 10)
    assert len(wire.at) == FAILURES
    time.now_s += OPEN_S
    assert asked.traffic().breaker == "half-open"
    with pytest.raises(UnreachableError):  # the probe fails
        asked.ask(["x"], 0.1)
    assert (len(wire.at), asked.traffic().breaker) == (FAILURES + 1, "open")
    time.now_s += OPEN_S
    asked.ask(["x"], 0.1)
    assert asked.traffic().breaker == "closed"


def test_who_is_patient_waits_for_the_breaker() -> None:
    time = VirtualTime()
    wire = Wire(time, [busy()] * FAILURES)
    asked = endpoint(time, wire)
    for _ in range(FAILURES):
        with pytest.raises(UnreachableError):
            asked.ask(["x"], 0.1)
    asked.ask(["x"], 180)
    assert time.pauses == [OPEN_S]


def test_failures_that_are_not_in_a_row_open_nothing() -> None:
    time = VirtualTime()
    asked = endpoint(time, Wire(time, [step for _ in range(9) for step in (busy(), busy(), 0.1)]))
    for _ in range(9):
        asked.ask(["x"], 180)
    assert asked.traffic().breaker == "closed"
    assert OPEN_S not in time.pauses


def test_a_request_that_the_model_fails_at_is_looked_at_after_three_tries() -> None:
    time = VirtualTime()
    wire = Wire(time, [busy(), *[crashed()] * CRASHES])
    with pytest.raises(RequestRefusedError, match="worker died"):
        endpoint(time, wire).ask(["x"], 180)
    assert len(wire.at) == 1 + CRASHES


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (UnreachableError("403 AccessDeniedException."), UnreachableError),
        (ModelMismatchError("other"), ModelMismatchError),
    ],
)
def test_what_no_try_will_mend_is_tried_once_and_opens_the_breaker(step: Exception, kind: type[Exception]) -> None:
    time = VirtualTime()
    asked = endpoint(time, Wire(time, [step]))
    with pytest.raises(kind):
        asked.ask(["x"], 180)
    assert (time.pauses, asked.traffic().breaker) == ([], "open")


def test_a_refusal_is_an_answer() -> None:
    time = VirtualTime()
    asked = endpoint(time, Wire(time, [*[busy()] * 4, RequestRefusedError("too long"), busy()]))
    for _ in range(4):
        with pytest.raises(UnreachableError):
            asked.ask(["x"], 0.1)
    with pytest.raises(RequestRefusedError):
        asked.ask(["x"], 0.1)
    with pytest.raises(UnreachableError):
        asked.ask(["x"], 0.1)
    assert asked.traffic().breaker == "closed"


def test_traffic_is_counted() -> None:
    time = VirtualTime()
    wire = Wire(time, [0.5, busy(), busy(), 2.0, RequestRefusedError("too long")])
    asked = endpoint(time, wire)
    asked.ask(["a", "b", "c"], 180)
    asked.ask(["d"], 180)
    with pytest.raises(RequestRefusedError):
        asked.ask(["e"], 180)
    assert asked.traffic() == Traffic(
        texts=4, requests=5, refused=1, failures=2, retries=2, latency_sum_s=2.5, latency_max_s=2.0, breaker="closed"
    )
    asked.close()
    assert wire.closed


def test_a_reply_that_names_another_model_is_no_failure_of_a_text() -> None:
    time = VirtualTime()
    wire = Wire(time)
    wire.send = lambda texts, *_: compact(texts, "all-MiniLM-L6-v2/mean/r1").body  # type: ignore[method-assign]
    with pytest.raises(ModelMismatchError, match="all-MiniLM-L6-v2/mean/r1"):
        endpoint(time, wire).ask(["x"], 180)
    assert json.loads(compact(["x"], SPEC.id).body)["spec"] == SPEC.id


@pytest.mark.parametrize(
    ("events", "state", "wait_s"),
    [
        ("", "closed", 0),
        ("ffff", "closed", 0),
        ("fffff", "open", 30),
        ("ffff.ffff", "closed", 0),
        ("t", "open", 30),
        ("t.", "closed", 0),
        ("fffff1", "open", 29),
        ("fffff" + "1" * 30, "half-open", 0),
        ("fffff" + "1" * 30 + "f", "open", 30),
        ("fffff" + "1" * 30 + ".", "closed", 0),
        ("fffff" + "1" * 30 + ".ffff", "closed", 0),
    ],
)
def test_states_of_a_breaker(events: str, state: str, wait_s: float) -> None:
    """f fails, t trips, . succeeds, 1 lets a second pass."""
    breaker, now_s = Breaker(), 50.0
    for event in events:
        match event:
            case "f":
                breaker.failed("no answer", now_s)
            case "t":
                breaker.trip("no answer", now_s)
            case ".":
                breaker.succeeded()
            case _:
                now_s += 1
    assert (breaker.state(now_s), breaker.wait_s(now_s)) == (state, wait_s)
