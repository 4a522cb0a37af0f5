"""Remote engines as settings describe them: texts to objects, each wrong one named."""

from collections.abc import Mapping

from autoir.embed.models import DEFAULT, known_spec
from autoir.embed.remote.embedder import PATIENCE_S, QUERY_PATIENCE_S, RemoteEmbedder
from autoir.embed.remote.endpoint import Endpoint
from autoir.embed.remote.transport import Transport
from autoir.errors import UsageError

COMMON = frozenset({"model", "patience_s", "query_patience_s"})
"""What every remote engine may be told: the model that the endpoint runs, and how long to try."""


def sagemaker(options: Mapping[str, str]) -> RemoteEmbedder:
    """The engine behind ``endpoint`` (a name), in ``region``."""
    from autoir.embed.remote.sagemaker import SageMaker

    _require_known("sagemaker", options, {"endpoint", "region"})
    return _over(SageMaker(options.get("endpoint", ""), options.get("region", "")), options)


def http(options: Mapping[str, str]) -> RemoteEmbedder:
    """The engine at ``url``; ``token_env`` names a variable, ``allow_outside`` = yes lets log text leave."""
    from autoir.embed.remote.http import Http

    _require_known("http", options, {"url", "token_env", "allow_outside"})
    outside = options.get("allow_outside", "no")
    if outside not in ("yes", "no"):
        raise UsageError(f"allow_outside = {outside!r} is neither yes nor no.", "Log text stays here without a yes.")
    transport = Http(options.get("url", ""), token_env=options.get("token_env", ""), allow_outside=outside == "yes")
    return _over(transport, options)


def _over(transport: Transport, options: Mapping[str, str]) -> RemoteEmbedder:
    spec = known_spec(options.get("model", DEFAULT))
    return RemoteEmbedder(
        Endpoint(transport, spec),
        spec,
        patience_s=_seconds(options, "patience_s", PATIENCE_S),
        query_patience_s=_seconds(options, "query_patience_s", QUERY_PATIENCE_S),
    )


def _require_known(engine: str, options: Mapping[str, str], own: set[str]) -> None:
    known = own | COMMON
    if unknown := sorted(set(options) - known):
        raise UsageError(f"The engine {engine} has no option {unknown[0]!r}.", f"Known: {', '.join(sorted(known))}.")


def _seconds(options: Mapping[str, str], name: str, default: float) -> float:
    text = options.get(name, "")
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 3600:
        raise UsageError(f"{name} = {text!r} is no number of seconds from 0 to 3600.", f"Default: {default:g}.")
    return seconds
