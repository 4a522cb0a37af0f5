"""The errors AutoIR raises on purpose.

Each carries what a person needs: one sentence that names the value and what was expected, and a hint that says
what to do. The doors print both and exit with the class's code; nothing else is ever shown without ``--debug``.
"""


class AutoirError(Exception):
    """A job failed. ``hint`` says what to do next; exit code 1."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(AutoirError):
    """Wrong usage or bad input: the caller can mend it; exit code 2."""

    exit_code = 2


class PasswordRefusedError(UsageError):
    """The database refuses this user with this password: it may have been changed since it was read."""


class UnreachableError(AutoirError):
    """Something AutoIR depends on does not answer; exit code 3."""

    exit_code = 3


class RejectedError(AutoirError):
    """The database refused the data itself: trying again is no use, finding the row that it refuses is."""
