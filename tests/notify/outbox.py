"""What the tests of sending share: a store with messages in it, and notifiers that do as they are told."""

from collections.abc import Callable, Sequence
from pathlib import Path

from autoir.errors import AutoirError
from autoir.incidents import Incident, Transition
from autoir.notify import messages_for
from autoir.notify.messages import Message
from autoir.report.describe import describe
from autoir.store import Store, open_store
from autoir.store.rows import OutboxRow
from tests.report.samples import START_MS, evidence, incident

NOW_MS = START_MS + 90_000


class Told:
    """A notifier that remembers what it was given; ``outcome`` may raise, by the number of the call from 1 on."""

    def __init__(self, name: str, channel: str, outcome: Callable[[int], None] = lambda call: None) -> None:
        self.name = name
        self.channel = channel
        self.calls = 0
        self.messages: list[Message] = []
        self._outcome = outcome

    def send(self, row: OutboxRow, message: Message) -> None:
        """Take the message, unless ``outcome`` raises."""
        self.calls += 1
        self._outcome(self.calls)
        self.messages.append(message)

    @property
    def told(self) -> list[tuple[str, str]]:
        """(channel, transition) of what was taken, in order."""
        return [(message["channel"], message["transition"]) for message in self.messages]


def failing(error: AutoirError, times: int = 10**9) -> Callable[[int], None]:
    """An outcome: the first ``times`` calls raise ``error``."""

    def outcome(call: int) -> None:
        if call <= times:
            raise error

    return outcome


def open_outbox(folder: Path) -> Store:
    """The store of a test; the same file each time."""
    return open_store(f"sqlite:///{folder}/outbox.db")


def fill(
    store: Store,
    transitions: Sequence[Transition] = ("open",),
    *,
    page: bool = True,
    now_ms: int = NOW_MS,
    **changes: object,
) -> Incident:
    """Save an incident with the messages about each change in turn; returns it as saved last."""
    found = describe(incident(**changes), [evidence()])
    for revision, transition in enumerate(transitions, start=1):
        found = Incident(**{n: getattr(found, n) for n in found.__dataclass_fields__} | {"revision": revision})
        rows = messages_for(found, transition, evidence=(), page=page, stage="test", now_ms=now_ms)
        store.save_incident(found, rows)
    return found
