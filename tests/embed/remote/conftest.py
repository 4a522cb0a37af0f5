"""Both remote engines over a real server, with time that stands still unless they pause."""

from collections.abc import Iterator
from random import Random

import pytest

from autoir.embed.models import known_spec
from autoir.embed.remote.embedder import RemoteEmbedder
from autoir.embed.remote.endpoint import Endpoint
from autoir.embed.remote.http import Http
from autoir.embed.remote.sagemaker import SageMaker
from autoir.embed.remote.transport import Transport
from tests.embed.remote.server import Server, serving
from tests.embed.remote.virtual import VirtualTime

SPEC = known_spec()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture(params=["sagemaker", "http"])
def endpoint(
    request: pytest.FixtureRequest, server: Server, time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Endpoint]:
    """Either kind, with time that stands still unless it pauses."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    transport: Transport = SageMaker("autoir-embed") if request.param == "sagemaker" else Http(server.url)
    made = Endpoint(transport, SPEC, clock=time.clock, pause=time.pause, jitter=Random(1))
    yield made
    made.close()


@pytest.fixture
def engine(endpoint: Endpoint) -> RemoteEmbedder:
    return RemoteEmbedder(endpoint, SPEC)


@pytest.fixture
def impatient(endpoint: Endpoint) -> RemoteEmbedder:
    """An engine with next to no patience, which is also how long it waits for bytes."""
    return RemoteEmbedder(endpoint, SPEC, patience_s=0.25, query_patience_s=0.25)
