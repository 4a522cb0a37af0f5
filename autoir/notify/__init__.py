"""Telling people and machines: messages written with the incident, sent after the commit.

A change of an incident and its messages are one transaction; sending comes later and may come twice, never never. The
machine channel hears of every change, people only of pages.
"""

from autoir.notify.messages import messages_for
from autoir.notify.notifier import Notifier
from autoir.notify.publish import Published, publish_due
from autoir.notify.registry import notifiers_for

__all__ = ["Notifier", "Published", "messages_for", "notifiers_for", "publish_due"]
