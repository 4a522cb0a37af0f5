"""Sending what waits in the outbox, from a command."""

from autoir.cli.stores import Opened
from autoir.settings import Settings


def send_due(opened: Opened, settings: Settings, *, quiet: bool) -> None:
    """Send the messages that are due."""
