"""A SageMaker endpoint after its deployment: until it serves, and whether it is the model that it should be.

CloudFormation says that an endpoint is there, not that it answers. So it is asked once for real: eight texts, by either
path, whose vectors have to be those of the same weights on this machine. What would search at random is found out here
and not in a store full of vectors.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from autoir.aws.session import Access, RefusedError
from autoir.embed.fingerprint import difference, measured
from autoir.embed.interface import Embedder, ModelMismatchError
from autoir.embed.remote.embedder import RemoteEmbedder
from autoir.embed.remote.endpoint import Endpoint
from autoir.embed.remote.sagemaker import SageMaker
from autoir.errors import AutoirError, UnreachableError

SERVES: Final = "InService"
_COMING: Final = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
_POLL_S: Final = 10.0
COLD_S: Final = 240.0
"""How long the first answer may take: a cold start may take 180 s (AWS), and is asked for twice at most."""


class State(NamedTuple):
    """How SageMaker says that an endpoint is, and why it failed, where it did."""

    status: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class EmbeddingEndpoint:
    """The endpoint ``name``. ``pause`` waits for seconds, ``clock`` counts them."""

    access: Access
    name: str
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def state(self) -> State:
        """How it is; "none" where there is none. Raises NotAllowedError and UnreachableError."""
        sagemaker = self.access.client("sagemaker")
        try:
            found = self.access.asked(
                "sagemaker:DescribeEndpoint", lambda: sagemaker.describe_endpoint(EndpointName=self.name)
            )
        except RefusedError as error:
            if error.code == "ValidationException":
                return State("none")
            raise
        return State(str(found["EndpointStatus"]), str(found.get("FailureReason", "")))

    def wait(self, patience_s: float, told: Callable[[str], None] = lambda state: None) -> None:
        """Until it serves. ``told`` hears its state at each look. Raises AutoirError where it never will."""
        deadline_s = self.clock() + patience_s
        while (state := self.state()).status != SERVES:
            told(state.status)
            if state.status not in _COMING:
                said = f"The endpoint {self.name} is {state.status}{': ' if state.why else ''}{state.why}."
                raise AutoirError(said, f"What it says itself: the log group /aws/sagemaker/Endpoints/{self.name}")
            if self.clock() >= deadline_s:
                raise UnreachableError(
                    f"The endpoint {self.name} is still {state.status} after {patience_s / 60:.0f} minutes.",
                    "The same command goes on waiting.",
                )
            self.pause(_POLL_S)

    def verify(self, reference: Embedder) -> None:
        """Let it embed the canaries. Raises ModelMismatchError unless its vectors are ``reference``'s, UnreachableError
        where it does not answer."""
        transport = SageMaker(
            self.name, self.access.region, lambda read_s: self.access.client("sagemaker-runtime", read_s)
        )
        endpoint = Endpoint(transport, reference.spec, clock=self.clock, pause=self.pause)
        engine = RemoteEmbedder(endpoint, reference.spec, patience_s=COLD_S, query_patience_s=COLD_S)
        try:
            if what := difference(measured(reference), measured(engine)):
                raise ModelMismatchError(
                    f"The endpoint {self.name} is not {reference.spec.id} as it is here: {what}.",
                    "Nothing was stored. Deploy it again: autoir aws sagemaker-bootstrap --stage STAGE",
                )
        finally:
            engine.close()
