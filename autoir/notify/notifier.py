"""The one interface of whatever carries messages out."""

from typing import Protocol

from autoir.notify.messages import Message
from autoir.store.rows import OutboxRow


class Notifier(Protocol):
    """Carries the messages of one channel to one receiver."""

    @property
    def name(self) -> str:
        """Its own, stable and unique: deliveries are kept under it."""

    @property
    def channel(self) -> str:
        """``events`` or ``pages``."""

    def send(self, row: OutboxRow, message: Message) -> None:
        """Hand ``message`` over; returning means the receiver has it.

        Raises RefusedError when the receiver will never take this message, and any other AutoirError (best
        UnreachableError) when it may later. Called again for the same message after a crash: its id tells.
        """
