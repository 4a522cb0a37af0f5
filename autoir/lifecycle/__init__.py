"""Every way an incident changes: a sweep opens, extends, cuts and closes it; a person takes it, closes it, or teaches.

One incident an environment and join window, so that an outage pages once however many services it reaches. What
comes back after closing is a new incident that names the old one. Each change is saved with the messages about it in
one transaction, so no page is lost, or sent for something that was rolled back.
"""

from autoir.lifecycle.people import acknowledge, dismiss, resolve

__all__ = ["acknowledge", "dismiss", "resolve"]
