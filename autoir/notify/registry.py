"""Which notifiers there are, and which of them the settings ask for: the one place that chooses."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple, TextIO

from autoir.errors import UsageError
from autoir.notify.messages import EVENTS, PAGES
from autoir.notify.notifier import Notifier
from autoir.settings import Settings


class _Kind(NamedTuple):
    """``make`` gives the notifiers that the settings ask for, none where ``setting`` is not set."""

    make: Callable[[Settings, TextIO | None, tzinfo], list[Notifier]]
    setting: str = ""


def _stdout(settings: Settings, stream: TextIO | None, zone: tzinfo) -> list[Notifier]:
    if stream is None:
        return []
    from autoir.notify.stdout import Stdout

    return [Stdout(stream, zone)]


def _webhook(settings: Settings, stream: TextIO | None, zone: tzinfo) -> list[Notifier]:
    if not settings.webhook_url:
        return []
    from autoir.notify.webhook import Webhook  # httpx costs every start 0.1 s of CPU

    return [Webhook(settings.webhook_url)]


def _sns(settings: Settings, stream: TextIO | None, zone: tzinfo) -> list[Notifier]:
    from autoir.notify.sns import Sns

    topics = ((settings.sns_topic_arn, PAGES), (settings.sns_events_topic_arn, EVENTS))
    return [Sns(arn, channel=channel) for arn, channel in topics if arn]


KINDS: Mapping[str, _Kind] = {
    "stdout": _Kind(_stdout, "of a stream"),
    "webhook": _Kind(_webhook, "webhook_url"),
    "sns": _Kind(_sns, "sns_topic_arn or sns_events_topic_arn"),
}
"""Every kind of notifier by the name that ``--alerts-channels`` takes."""


def notifiers_for(
    settings: Settings, stream: TextIO | None = None, *, names: Sequence[str] = (), zone: tzinfo = UTC
) -> list[Notifier]:
    """The notifiers called ``names``; without names all that the settings configure.

    Pages go to ``stream`` too where one is given, their times in ``zone``. Raises UsageError for a name that is not
    known, or that is asked for and not configured.
    """
    found: list[Notifier] = []
    for name in dict.fromkeys(names) or KINDS:
        if name not in KINDS:
            raise UsageError(f"there is no notifier {name!r}.", f"One of {', '.join(KINDS)}.")
        made = KINDS[name].make(settings, stream, zone)
        if names and not made:
            raise UsageError(f"notifier {name} needs the setting {KINDS[name].setting}.", "See docs/configuration.md.")
        found += made
    return found
