"""How far each source was stored, and which process may move it on.

A cursor is saved in the transaction of the rows it stands for, or not at all. Where several processes could read the
same source (two tasks during a deployment), one of them holds a lease. A lease runs out by the clock, which is only
good manners; what keeps the other from writing is its fence, a number that rises with each lease: a batch under an old
fence is rolled back whole, however long its process was frozen.
"""

from autoir.errors import AutoirError
from autoir.store.core import Core
from autoir.store.rows import Cursor, Lease

_COLUMNS = "source, log_group, watermark_ms, token, newest_ingest_ms, from_ms, until_ms, swept_ms"
_SAVE = (
    f"INSERT INTO autoir_cursors ({_COLUMNS}, commits) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 1)"
    " ON DUPLICATE KEY UPDATE watermark_ms = VALUES(watermark_ms), token = VALUES(token),"
    " newest_ingest_ms = GREATEST(newest_ingest_ms, VALUES(newest_ingest_ms)), from_ms = VALUES(from_ms),"
    " until_ms = VALUES(until_ms), swept_ms = VALUES(swept_ms), commits = commits + 1"
)
_MAKE = "INSERT IGNORE INTO autoir_cursors (source, log_group, watermark_ms) VALUES (%s, %s, 0)"
_LOOK = "SELECT lease_owner, lease_until_ms, fence FROM autoir_cursors WHERE source = %s AND log_group = %s FOR UPDATE"
_TAKE = (
    "UPDATE autoir_cursors SET lease_owner = %s, lease_until_ms = %s, fence = %s WHERE source = %s AND log_group = %s"
)
_HOLD = (
    "UPDATE autoir_cursors SET commits = commits + 1, lease_until_ms = %s"
    " WHERE source = %s AND log_group = %s AND fence = %s"
)
_RELEASE = (
    "UPDATE autoir_cursors SET lease_owner = NULL, lease_until_ms = 0"
    " WHERE source = %s AND log_group = %s AND fence = %s"
)


class LeaseLostError(AutoirError):
    """Another process holds the lease by now: nothing of the batch was stored."""


class Cursors(Core):
    """Cursors and their leases."""

    def cursor(self, source: str, log_group: str) -> Cursor | None:
        """How far ``source`` was stored, None when it never was."""
        rows = self.query(
            f"SELECT {_COLUMNS} FROM autoir_cursors WHERE source = %s AND log_group = %s AND token IS NOT NULL",
            (source, log_group),
        )
        return Cursor(*rows[0]) if rows else None

    def lease(self, source: str, log_group: str, owner: str, now_ms: int, until_ms: int) -> Lease | None:
        """``owner``'s right to move the cursors of ``log_group`` until ``until_ms``; None while another one has it."""

        def take() -> Lease | None:
            self.db.execute(_MAKE, (source, log_group))
            holder, held_until_ms, fence = self.query(_LOOK, (source, log_group))[0]
            if holder not in (None, owner) and held_until_ms > now_ms:
                return None
            self.db.execute(_TAKE, (owner, until_ms, fence + 1, source, log_group))
            return Lease(source, log_group, owner, fence + 1, until_ms)

        return self.atomically(take)

    def release(self, lease: Lease) -> None:
        """Let others have it at once; without effect when somebody has taken it already."""
        self.db.execute(_RELEASE, (lease.source, lease.log_group, lease.fence))

    def _hold(self, lease: Lease) -> None:
        """Prolong ``lease``. Raises LeaseLostError, for the transaction to be rolled back, when it is another's."""
        if self.db.execute(_HOLD, (lease.until_ms, lease.source, lease.log_group, lease.fence)) != 1:
            raise LeaseLostError(
                f"{lease.log_group} is read by another process by now.", "Nothing was lost: that one goes on with it."
            )

    def _save_cursor(self, cursor: Cursor) -> None:
        self.db.execute(_SAVE, cursor)
