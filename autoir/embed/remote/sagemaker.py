"""Requests to a SageMaker endpoint: AutoIR's own container, plain feature extraction, or TEI.

Each request is sent once, for botocore would try a throttled one again and a cold endpoint's 429 not; what the errors
mean is in ``_verdict``. The client is made with the first request: boto3 costs every start 0.3 s of CPU.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from autoir.embed.remote.transport import CONNECT_S, REPLY_BYTES, NoAnswerError, RequestRefusedError
from autoir.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}\Z")
"""https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"""

_THROTTLED = frozenset(
    {
        "ModelNotReadyException",
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "PriorRequestNotComplete",
    }
)
_AGAIN = frozenset({408, 429, 500, 502, 503, 504, 530})
_REFUSED = frozenset({400, 413, 422})


class Runtime(Protocol):
    """The one call of boto3's sagemaker-runtime client that is used."""

    def invoke_endpoint(self, **arguments: object) -> Mapping[str, object]:
        """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"""

    def close(self) -> None:
        """Release connections."""


class SageMaker:
    """Invokes ``endpoint`` in ``region``, the environment's where that is empty. Raises UsageError for no such name.

    ``client`` makes a client for a read timeout in seconds.
    """

    def __init__(self, endpoint: str, region: str = "", client: Callable[[float], Runtime] | None = None) -> None:
        if not _NAME.match(endpoint):
            raise UsageError(
                f"{endpoint!r} is no name of a SageMaker endpoint.",
                "Set SAGEMAKER_ENDPOINT to its name, such as autoir-embed-prod: letters, digits and dashes.",
            )
        self.name = f"SageMaker endpoint {endpoint}"
        self.hint = (
            "Patterns wait for their vectors meanwhile, and search goes by words. Look at it with"
            f" aws sagemaker describe-endpoint --endpoint-name {endpoint}"
        )
        self._endpoint = endpoint
        self._region = region
        self._make = client or self._boto3_client
        self._clients: dict[float, Runtime] = {}

    def send(self, texts: Sequence[str], max_tokens: int, timeout_s: float) -> bytes:
        """The reply of one invocation."""
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectionError,
            HTTPClientError,
            IncompleteReadError,
            NoRegionError,
        )

        try:
            answer = self._client(timeout_s).invoke_endpoint(
                EndpointName=self._endpoint,
                ContentType="application/json",
                Accept="application/json",
                Body=_request(texts, max_tokens),
            )
            body = cast(BinaryIO, answer["Body"]).read(REPLY_BYTES)
        except ClientError as error:
            raise self._verdict(error) from error
        except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
            raise NoAnswerError(f"no answer ({type(error).__name__})") from error
        except NoRegionError:
            raise UsageError(
                f"The Region of {self.name} is not known.", "Set AWS_DEFAULT_REGION, or the option region."
            ) from None
        except BotoCoreError as error:
            raise UnreachableError(
                f"The {self.name} cannot be asked: {error}.", "Are there AWS credentials?"
            ) from error
        return body

    def close(self) -> None:
        """Release connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _client(self, timeout_s: float) -> Runtime:
        if timeout_s not in self._clients:
            self._clients[timeout_s] = self._make(timeout_s)
        return self._clients[timeout_s]

    def _boto3_client(self, timeout_s: float) -> Runtime:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_S, read_timeout=timeout_s, retries={"total_max_attempts": 1}, max_pool_connections=1
        )
        client: Runtime = boto3.client("sagemaker-runtime", region_name=self._region or None, config=config)
        return client

    def _verdict(self, error: "ClientError") -> NoAnswerError | RequestRefusedError | UnreachableError:
        """What an error of the service says about the request.

        ModelError carries the container's own status: at 400, 413 and 422 the request is to blame, else the model
        failed. Throttling comes with any status, and with the message null.
        """
        details: Mapping[str, object] = error.response.get("Error", {})
        code, message = str(details.get("Code") or "no code"), details.get("Message")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        said = f"{status} {code}" + (f": {message}" if message else "")
        if code == "ModelError":
            original = error.response.get("OriginalStatusCode", 0)
            said = f"{status} {code}: {original} {error.response.get('OriginalMessage') or message}"
            if original in _REFUSED:
                return RequestRefusedError(said)
            return NoAnswerError(said, crashed=original != 429)
        if code in _THROTTLED or status in _AGAIN or (status == 400 and message is None):
            return NoAnswerError(said)
        if status in _REFUSED:
            return RequestRefusedError(said)
        return UnreachableError(f"The {self.name} cannot be asked: {said}.", f"May this role invoke it? {self.hint}")


def _request(texts: Sequence[str], max_tokens: int) -> bytes:
    """A body for every container: ``truncate`` and ``normalize`` are TEI's, ``parameters`` feature extraction's."""
    document = {
        "inputs": texts,
        "truncate": True,
        "normalize": True,
        "parameters": {"tokenize_kwargs": {"truncation": True, "max_length": max_tokens}},
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
