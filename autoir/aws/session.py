"""Clients of AWS, and what it means when one may not ask.

Where AutoIR tries again it decides so itself, so a client sends each request once. What is wrong with a login stands in
a dozen exceptions of two libraries; here they become one error that names the command which mends it. Nothing is
imported before a client is wanted: boto3 costs 0.3 s of CPU.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from autoir.errors import AutoirError, UnreachableError, UsageError

CONNECT_S, READ_S = 5.0, 10.0
"""How long a connection and an answer may take."""

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN = frozenset(
    {
        "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
        "IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "AuthFailure",
    }
)  # fmt: skip
_DENIED = frozenset({"403", "AllAccessDisabled", "UnauthorizedOperation", "AuthorizationError"})
_BUSY = frozenset(
    {
        "InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable", "ServiceException", "500",
        "503",
    }
)  # fmt: skip

T = TypeVar("T")


def region_of(arn: str) -> str:
    """The Region in an ARN; empty where it has none."""
    return f"{arn}:::".split(":")[3] if arn.startswith("arn:") else ""


class LoginError(UnreachableError):
    """AWS does not know who asks, or no longer: nothing can be asked until somebody logs in."""


class ProfileError(UsageError):
    """There is no such profile."""


class NotAllowedError(UsageError):
    """This login lacks ``right``."""

    def __init__(self, right: str) -> None:
        super().__init__(f"this login may not do that: it takes {right}.", "docs/iam.md lists the rights, by command.")
        self.right = right


class RefusedError(AutoirError):
    """AWS answered with an error: its ``code``."""

    def __init__(self, right: str, code: str, said: str) -> None:
        super().__init__(f"AWS refused {right}: {code}{': ' if said else ''}{said}")
        self.code = code


def code_of(error: Exception) -> str:
    """The code of an error that AWS answered; empty where it did not answer."""
    return str(_answer_of(error).get("Code", ""))


def _answer_of(error: Exception) -> Mapping[str, object]:
    response: Mapping[str, Mapping[str, object]] = getattr(error, "response", None) or {}  # None: none was received
    return response.get("Error", {})


def _answered(right: str, error: Exception) -> AutoirError:
    code, said = code_of(error), str(_answer_of(error).get("Message", ""))
    if code in _DENIED or "AccessDenied" in code:
        return NotAllowedError(right)
    if code and code not in _BUSY:
        return RefusedError(right, code, said)
    return UnreachableError(f"AWS gave no answer to {right}: {code or type(error).__name__}.", "Is there a network?")


@dataclass(frozen=True)
class Access:
    """As whom AWS is asked, and where; empty means what the environment says. For one thread: a session is."""

    profile: str = ""
    region: str = ""

    def client(self, service: str, read_s: float = READ_S) -> Any:
        """A client of ``service`` that sends each request once and waits ``read_s`` seconds for an answer.

        Raises UsageError or LoginError.
        """
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        config = Config(connect_timeout=CONNECT_S, read_timeout=read_s, retries={"total_max_attempts": 1})
        try:
            client = self._session.client(service, config=config)
            if self._session.get_credentials() is None:
                raise self._no_credentials()
        except BotoCoreError as error:
            raise self.explained(error) or UsageError(f"AWS cannot be asked: {error}") from error
        return client

    @cached_property
    def _session(self) -> Any:
        """One for all clients: each would read the endpoints of all of AWS anew, which takes 0.1 s."""
        import boto3

        region = self.region or os.environ.get("AWS_REGION") or None
        return boto3.Session(profile_name=self.profile or None, region_name=region)

    def asked(self, right: str, ask: Callable[[], T]) -> T:
        """What ``ask`` gets of AWS, which takes ``right``, as ``s3:ListBucket``.

        Raises NotAllowedError, RefusedError for another no, LoginError, UsageError and UnreachableError.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return ask()
        except (BotoCoreError, ClientError) as error:
            raise self.explained(error) or _answered(right, error) from error

    def explained(self, error: Exception) -> AutoirError | None:
        """What is wrong with the login, the profile or the Region; None when ``error`` is of another kind."""
        from botocore import exceptions as e

        if isinstance(error, e.ClientError):
            return self._refused(str(error.response.get("Error", {}).get("Code", "")))
        if isinstance(error, e.ProfileNotFound):
            return ProfileError(
                f"there is no AWS profile {self._profile()!r}.",
                f"aws configure list-profiles names those there are; aws configure sso --profile {self._profile()}"
                " makes it.",
            )
        if isinstance(error, e.NoRegionError | e.InvalidRegionError):
            return UsageError(
                f"{self.region!r} is no AWS Region." if self.region else "the AWS Region is not known.",
                "Name it: --region eu-west-1, or AWS_REGION",
            )
        if isinstance(error, e.SSOError | e.TokenRetrievalError):
            return self.expired()
        if isinstance(error, e.NoCredentialsError | e.PartialCredentialsError | e.CredentialRetrievalError):
            return self._no_credentials()
        return None

    def _refused(self, code: str) -> AutoirError | None:
        if code in _EXPIRED:
            return self.expired()
        if code in _UNKNOWN:
            return LoginError(f"AWS does not know these credentials ({code}).", self._hint())
        return None

    def expired(self) -> LoginError:
        """What to say of a login that was good once."""
        return LoginError("the AWS login has expired.", self._hint())

    def _no_credentials(self) -> LoginError:
        return LoginError("there are no AWS credentials.", self._hint())

    def _hint(self, environ: Mapping[str, str] = os.environ) -> str:
        if environ.get("AWS_ACCESS_KEY_ID") and not self.profile:
            return "They come from AWS_ACCESS_KEY_ID: set new ones, or unset it and log in: aws sso login"
        profile = self._profile(environ)
        return (
            f"Log in: aws sso login --profile {profile}" if profile else "Log in: aws sso login (or name a --profile)"
        )

    def _profile(self, environ: Mapping[str, str] = os.environ) -> str:
        return self.profile or environ.get("AWS_PROFILE", "") or environ.get("AWS_DEFAULT_PROFILE", "")
