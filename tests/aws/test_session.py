"""Each way in which AWS does not know who asks, and the command that mends it."""

from pathlib import Path

import pytest
from botocore import exceptions as e

from autoir.aws.session import Access, LoginError, NotAllowedError, RefusedError
from autoir.errors import AutoirError, UnreachableError, UsageError


def refused(code: str) -> e.ClientError:
    return e.ClientError({"Error": {"Code": code, "Message": "no"}}, "FilterLogEvents")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refused("ExpiredTokenException"), "the AWS login has expired."),
        (refused("ExpiredToken"), "the AWS login has expired."),
        (refused("UnrecognizedClientException"), "AWS does not know these credentials (UnrecognizedClientException)."),
        (e.UnauthorizedSSOTokenError(), "the AWS login has expired."),
        (e.TokenRetrievalError(provider="sso", error_msg="expired"), "the AWS login has expired."),
        (e.SSOTokenLoadError(error_msg="none"), "the AWS login has expired."),
        (e.NoCredentialsError(), "there are no AWS credentials."),
        (e.CredentialRetrievalError(provider="sso", error_msg="gone"), "there are no AWS credentials."),
    ],
    ids=repr,
)
def test_a_login_names_the_command_that_renews_it(error: Exception, said: str) -> None:
    found = Access("prod").explained(error)
    assert isinstance(found, LoginError)
    assert found.exit_code == 3
    assert str(found) == said
    assert "aws sso login --profile prod" in found.hint


@pytest.mark.parametrize(
    ("environ", "hint"),
    [
        ({"AWS_PROFILE": "dev"}, "Log in: aws sso login --profile dev"),
        ({}, "Log in: aws sso login (or name a --profile)"),
        ({"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"}, "They come from AWS_ACCESS_KEY_ID"),
    ],
)
def test_the_hint_fits_where_the_credentials_come_from(
    environ: dict[str, str], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = Access().explained(e.NoCredentialsError())
    assert found
    assert found.hint.startswith(hint)


def test_other_errors_are_somebody_elses() -> None:
    assert Access().explained(refused("ThrottlingException")) is None
    assert Access().explained(e.EndpointConnectionError(endpoint_url="http://127.0.0.1")) is None


@pytest.mark.parametrize(
    ("access", "error", "said"),
    [
        (Access("prod", "eu-west-1"), UsageError, "there is no AWS profile 'prod'."),
        (Access("", "no where"), UsageError, "'no where' is no AWS Region."),
        (Access(), UsageError, "the AWS Region is not known."),
        (Access("", "eu-west-1"), LoginError, "there are no AWS credentials."),
    ],
)
def test_a_client_that_cannot_be_made(access: Access, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said.replace(".", r"\.")):
        access.client("logs")


def test_a_client_sends_each_request_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    client = Access().client("logs")
    assert client.meta.region_name == "eu-west-1"
    assert client.meta.config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (refused("AccessDeniedException"), NotAllowedError, r"it takes logs:FilterLogEvents\."),
        (refused("UnauthorizedOperation"), NotAllowedError, r"it takes logs:FilterLogEvents\."),
        (refused("ResourceNotFoundException"), RefusedError, "ResourceNotFoundException: no"),
        (refused("ExpiredToken"), LoginError, "expired"),
        (refused("InternalFailure"), UnreachableError, "InternalFailure"),
        (refused("InternalError"), UnreachableError, "InternalError"),
        (e.ConnectTimeoutError(endpoint_url="x"), UnreachableError, "ConnectTimeoutError"),
        # one that has a response, which is None
        (e.ConnectionClosedError(endpoint_url="x"), UnreachableError, "ConnectionClosedError"),
        (e.HTTPClientError(error="x"), UnreachableError, "HTTPClientError"),
    ],
    ids=repr,
)
def test_a_question_that_failed_names_the_right_that_it_takes(
    error: Exception, kind: type[AutoirError], words: str
) -> None:
    def ask() -> None:
        raise error

    with pytest.raises(kind, match=words):
        Access("prod").asked("logs:FilterLogEvents", ask)
