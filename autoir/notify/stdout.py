"""Pages on a stream: what the demo shows, and what a laptop without AWS gets."""

from datetime import UTC, tzinfo
from typing import TextIO

from autoir.errors import UnreachableError
from autoir.notify import render
from autoir.notify.messages import PAGES, Message
from autoir.store.rows import OutboxRow


class Stdout:
    """Writes the page as e-mail would show it."""

    name = "stdout"
    channel = PAGES

    def __init__(self, stream: TextIO, zone: tzinfo = UTC) -> None:
        self._stream = stream
        self._zone = zone

    def send(self, row: OutboxRow, message: Message) -> None:
        """Write subject and page."""
        text = f"Subject: {render.subject(message)}\n\n{render.email(message, self._zone)}\n"
        encoding = self._stream.encoding or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError) as error:
            raise UnreachableError(f"the page could not be written: {error}.") from error
