"""Sending what waits in the outbox, from a command."""

from autoir.cli.stores import Opened
from autoir.settings import Settings


def send_due(opened: Opened, settings: Settings, *, quiet: bool) -> int:
    """Send the messages that are due; how many went out."""
    return 0
