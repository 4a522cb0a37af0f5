"""One endpoint, asked with patience: what is tried again, for how long, and when it is left alone.

Clients of cloud services retry what their authors thought of; botocore tries the 429 of a cold endpoint, the most
common answer of all, exactly once. So transports send each request once, and this decides: full jitter between 0.5
and 20 seconds, until an answer comes or patience ends. All time is a parameter.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from autoir.embed.interface import EmbedderSpec, ModelMismatchError
from autoir.embed.remote.breaker import OPEN_S, Breaker, State
from autoir.embed.remote.replies import Reply, read_reply
from autoir.embed.remote.transport import NoAnswerError, RequestRefusedError, Transport
from autoir.errors import UnreachableError

READ_S = 70.0
"""How long a server may stay silent: a SageMaker model has 60 seconds, and AWS advises 70 for the socket."""

PROBE_READ_S = 30.0
"""The same for the probe of a breaker: one that hangs must not hide a recovery for a minute."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 20.0
"""Bounds of the pause before the next try: it doubles from the first to the longest, and of it a random part is taken
("full jitter", Marc Brooker, AWS Architecture Blog, 2015)."""

CRASHES = 3
"""Tries of a request that the model itself fails at: then its texts are looked at one by one."""


@dataclass(slots=True)
class Traffic:
    """What an endpoint was asked for and how it did, since the start of the process.

    ``texts`` got a vector; ``refused`` requests, and ``failures`` without an answer, are among ``requests``. Latency is
    of answered requests, in seconds.
    """

    texts: int = 0
    requests: int = 0
    refused: int = 0
    failures: int = 0
    retries: int = 0
    latency_sum_s: float = 0.0
    latency_max_s: float = 0.0
    breaker: State = "closed"


class Endpoint:
    """A transport with patience, a breaker and a count of what happens. Not shared between threads."""

    def __init__(
        self,
        transport: Transport,
        spec: EmbedderSpec,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        jitter: Random | None = None,
    ) -> None:
        self.name = transport.name
        self.hint = transport.hint
        self._transport = transport
        self._spec = spec
        self._clock = clock
        self._pause = pause
        self._jitter = jitter or Random()
        self._breaker = Breaker()
        self._traffic = Traffic()

    def traffic(self) -> Traffic:
        """The counts as they are now."""
        return replace(self._traffic, breaker=self._breaker.state(self._clock()))

    def close(self) -> None:
        """Release connections."""
        self._transport.close()

    def ask(self, texts: Sequence[str], patience_s: float) -> Reply:
        """The vectors of one request's texts, within about ``patience_s`` seconds and one wait for a reply.

        Who is less patient than an open breaker does not wait for it. Raises RequestRefusedError when the endpoint will
        not have this request, ModelMismatchError, and UnreachableError when there is no answer: no text is judged then.
        """
        deadline_s = self._clock() + patience_s
        tries = crashes = 0
        while True:
            self._wait(tries, patience_s, deadline_s)
            tries += 1
            try:
                return self._try(texts, patience_s)
            except NoAnswerError as failure:
                crashes += failure.crashed
                if crashes == CRASHES:
                    raise RequestRefusedError(failure.reason) from failure

    def blame(self, reason: str, width: int) -> UnreachableError | ModelMismatchError:
        """The error to raise when it is the endpoint that is at fault, not a text; it is left alone for a while.

        ``width`` is how many numbers its vectors have, 0 where there are none.
        """
        self._breaker.trip(reason, self._clock())
        if width not in (0, self._spec.dim):
            return ModelMismatchError(
                f"The {self.name} answers {width} numbers a text; {self._spec.id} has {self._spec.dim}.",
                "Deploy the model that filled the store, or name the one that is deployed.",
            )
        return UnreachableError(
            f"The {self.name} embeds no text, not even one of two plain words: {reason}.", self.hint
        )

    def _wait(self, tries: int, patience_s: float, deadline_s: float) -> None:
        """Until the next try may go. Raises UnreachableError when that would be too late."""
        now_s = self._clock()
        wait_s = self._breaker.wait_s(now_s)
        if wait_s and patience_s < OPEN_S:
            raise self._no_answer(f"is left alone for {wait_s:.0f} s more")
        if tries:
            longest = min(FIRST_PAUSE_S * 2.0**tries, LONGEST_PAUSE_S)
            wait_s = max(wait_s, FIRST_PAUSE_S, self._jitter.random() * longest)
        if now_s + wait_s > deadline_s:
            raise self._no_answer(f"gave no answer in {patience_s:g} s, {tries} tries")
        if wait_s:
            self._pause(wait_s)
        self._traffic.retries += bool(tries)

    def _no_answer(self, what: str) -> UnreachableError:
        return UnreachableError(f"The {self.name} {what}: {self._breaker.reason}.", self.hint)

    def _try(self, texts: Sequence[str], patience_s: float) -> Reply:
        """Send one request and read its reply."""
        traffic, sent_s = self._traffic, self._clock()
        traffic.requests += 1
        silence_s = READ_S if self._breaker.state(sent_s) == "closed" else PROBE_READ_S
        try:
            body = self._transport.send(texts, self._spec.max_tokens, min(silence_s, patience_s))
            reply = read_reply(body, len(texts), self._spec)
        except NoAnswerError as failure:
            traffic.failures += 1
            self._breaker.failed(failure.reason, sent_s)  # what a timeout took is part of the pause
            raise
        except (UnreachableError, ModelMismatchError) as error:
            traffic.failures += 1
            self._breaker.trip(str(error).rstrip("."), self._clock())
            raise
        except RequestRefusedError:
            traffic.refused += 1
            self._breaker.succeeded()  # a verdict is an answer
            raise
        took_s = self._clock() - sent_s
        traffic.latency_sum_s += took_s
        traffic.latency_max_s = max(traffic.latency_max_s, took_s)
        traffic.texts += sum(isinstance(vector, bytes) for vector in reply.vectors)
        self._breaker.succeeded()
        return reply
