"""Sending what waits in the outbox, from a command.

The messages of a store that holds a replay, as the demo's does, are shown and go nowhere else, whatever the settings
say: nobody is to be paged for what is made up or long over.
"""

import sys
from random import Random

from autoir.cli.failures import report
from autoir.cli.options import Asked
from autoir.cli.output import READER
from autoir.cli.stores import Opened
from autoir.notify import Notifier, Published, notifiers_for, publish_due
from autoir.settings import Settings


def notifiers(opened: Opened, settings: Settings, asked: Asked) -> list[Notifier]:
    """Who hears of this store's incidents. Pages for people go to standard error where standard output is JSON.

    Raises UsageError for a setting that names no receiver.
    """
    stream = sys.stderr if asked.as_json else sys.stdout
    return notifiers_for(settings, stream, names=("stdout",) if opened.replay else (), zone=READER)


def send_due(opened: Opened, receivers: list[Notifier], now_ms: int) -> Published:
    """Send what is due, and say what could not be sent and why."""
    done = publish_due(opened.store, receivers, now_ms, jitter=Random())
    for name, reason in (done.reasons or {}).items():
        report(f"{name}: {reason}", "The message waits in the outbox; the next sweep tries again.")
    return done
