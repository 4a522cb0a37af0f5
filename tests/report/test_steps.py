"""First looks by the words of a failure."""

import pytest

from autoir.report.steps import MOST, first_looks


@pytest.mark.parametrize(
    ("words", "look"),
    [
        ("QueuePool limit of size 20 overflow 10 reached", "Connections held by pay"),
        ("HikariPool-1 - Connection is not available", "Connections held by pay"),
        ("java.lang.OutOfMemoryError: Java heap space", "Memory of pay"),
        ("container killed: OOM", "Memory of pay"),
        ("write failed: No space left on device", "Free space and inodes"),
        ("x509: certificate has expired", "The certificate's dates"),
        ("TLS handshake failed", "The certificate's dates"),
        ("ThrottlingException: Rate exceeded", "Calls a minute from pay"),
        ("partner answered 429", "Calls a minute from pay"),
        ("AccessDenied for role", "What credentials pay uses"),
        ("ExpiredToken: the token has expired", "What credentials pay uses"),
        ("getaddrinfo ENOTFOUND db", "Name resolution from pay's network"),
        ("ECONNREFUSED 10.0.0.1:5432", "Whether what pay calls is up"),
        ("Deadlock found when trying to get lock", "Which transactions hold the locks"),
        ("read timed out", "Latency and load of what pay waits for"),
        ("upstream cart returned 503", "The service behind pay that answers 5xx"),
        ("NullPointerException", "The last change of the code"),
        ("Unknown column 'x'", "Configuration and schema of pay"),
        ("the frobnicator frobbed", "What changed in pay"),
    ],
)
def test_words(words: str, look: str) -> None:
    assert first_looks([(words, "pay")], [("new", "pay")], "")[0].action.startswith(look)


@pytest.mark.parametrize("kind", ["new", "recur", "spike", "errshare", "silence", "gap", "heartbeat", "deploy"])
def test_every_kind_has_a_look(kind: str) -> None:
    assert len(first_looks([], [(kind, "pay")], "")) == 1  # type: ignore[list-item]


def test_each_look_once_for_the_first_that_needs_it() -> None:
    words = [
        ("certificate has expired", "pay"),
        ("x509: bad", "cart"),
        ("answered 503", "web"),
        ("answered 502", "api"),
    ]
    actions = [step.action for step in first_looks(words, [("new", "pay")], "pay")]
    assert len(actions) == MOST
    assert [("pay" in a, "cart" in a, "web" in a) for a in actions[1:3]] == [(True, False, False), (False, False, True)]
    assert all("{" not in action for action in actions)
