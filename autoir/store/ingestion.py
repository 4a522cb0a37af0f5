"""Storing what came in: events, patterns, counts and cursors, all in one transaction.

The cursor moves with the rows or not at all, so a kill at any point leads to the same rows after a rerun. Counts are
not idempotent by themselves, so they are added only for rows that this transaction inserted: when the database
reports fewer inserted than sent, the batch is rolled back, the ids that exist are read, and only the missing rows
are sent again.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from autoir.clock import DAY_MS, MINUTE_MS, minute_of
from autoir.errors import RejectedError
from autoir.store.cursors import Cursors
from autoir.store.rows import Batch, EventRow, PatternRow, Written

_INSERT_EVENT = (
    "INSERT IGNORE INTO autoir_events (id, ts_ms, log_group, stream_id, level, pattern_id, message)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_INSERT_STREAM = "INSERT IGNORE INTO autoir_streams (stream_id, log_group, log_stream) VALUES (%s, %s, %s)"
_INSERT_PATTERN = (
    "INSERT IGNORE INTO autoir_patterns (pattern_id, family_id, mask_version, log_group, level, kind, component,"
    " template, first_ms, last_ms, recipe_hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_INSERT_FAMILY = "INSERT IGNORE INTO autoir_family_stats (family_id, log_group, severity_class) VALUES (%s, %s, %s)"
_INSERT_GROUP = "INSERT IGNORE INTO autoir_groups (log_group, mask_version, since_ms) VALUES (%s, %s, %s)"
_INSERT_QUARANTINE = (
    "INSERT IGNORE INTO autoir_quarantine (id, seen_ms, log_group, log_stream, reason, detail, bytes, body)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
_ADD_COUNT = (
    "INSERT INTO autoir_counts (log_group, minute, level, pattern_id, n) VALUES (%s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE n = n + VALUES(n)"
)
_TRIES = 5


class Ingestion(Cursors):
    """What the ingest job asks of the store."""

    def write(self, batch: Batch) -> Written:
        """Store ``batch`` whole or not at all; exact about what was new.

        Raises RejectedError when the database refuses a row (the caller bisects), LeaseLostError when another process
        has taken the source over, UnreachableError when the database is gone.
        """
        if not batch.events:
            self.db.atomically(lambda: self._write_others(batch))
            return Written(0, 0)
        rows = sorted(batch.events)
        for _ in range(_TRIES):
            written = self._write_rows(batch, rows)
            if written is not None:
                return Written(written, len(batch.events) - written)
            existing = self.existing([row.id for row in rows])
            rows = [row for row in rows if row.id not in existing]
        raise RejectedError(f"{len(rows)} events were refused without a reason, {_TRIES} times.")

    def _write_rows(self, batch: Batch, rows: list[EventRow]) -> int | None:
        """One try: how many rows were stored, None when some of them already are and nothing was written."""

        def store() -> None:
            self._write_others(batch)
            if rows and self.db.executemany(_INSERT_EVENT, rows) != len(rows):
                raise _Overlap
            self._add_counts(rows)

        try:
            self.db.atomically(store)
        except _Overlap:
            return None
        return len(rows)

    def _write_others(self, batch: Batch) -> None:
        if batch.lease:
            self._hold(batch.lease)
        if batch.streams:
            self.db.executemany(_INSERT_STREAM, batch.streams)
        if batch.patterns:
            self._write_patterns(batch.patterns)
        if batch.quarantine:
            self.db.executemany(_INSERT_QUARANTINE, batch.quarantine)
        if batch.cursor:
            self._save_cursor(batch.cursor)

    def _write_patterns(self, patterns: Sequence[PatternRow]) -> None:
        rows = [
            (p.pattern_id, p.family_id, p.mask_version, p.log_group, p.level, p.kind, p.component, p.template,
             p.seen_ms, p.seen_ms, p.recipe_hash)
            for p in patterns
        ]  # fmt: skip
        self.db.executemany(_INSERT_PATTERN, rows)
        families = {p.family_id: (p.family_id, p.log_group, p.severity_class) for p in patterns}
        self.db.executemany(_INSERT_FAMILY, list(families.values()))
        groups = {p.log_group: (p.log_group, p.mask_version, p.seen_ms) for p in patterns}
        self.db.executemany(_INSERT_GROUP, list(groups.values()))

    def _add_counts(self, rows: Iterable[EventRow]) -> None:
        """Count ``rows`` in their own minute, or in the first one that no sweep has judged yet."""
        swept = self.swept_to()
        first_open = None if swept is None else swept + 1
        counts: Counter[tuple[str, int, int, int]] = Counter()
        for row in rows:
            minute = row.ts_ms // MINUTE_MS
            if first_open is not None and minute < first_open:
                minute = first_open
            counts[row.log_group, minute, row.level, row.pattern_id] += 1
        if counts:
            self.db.executemany(_ADD_COUNT, [(*key, n) for key, n in sorted(counts.items())])

    def swept_to(self) -> int | None:
        """The last minute that a sweep has judged; inside a transaction nobody moves it until the end."""
        swept = self.held_meta("swept_to")
        return None if swept is None else int(swept)

    def existing(self, ids: Sequence[str]) -> set[str]:
        """Those of ``ids`` under which an event is stored."""
        if not ids:
            return set()
        marks = ", ".join(["%s"] * len(ids))
        return {str(r[0]) for r in self.query(f"SELECT id FROM autoir_events WHERE id IN ({marks})", ids)}

    def templates(self, pattern_ids: Sequence[int]) -> dict[int, str]:
        """The stored templates of those of ``pattern_ids`` that exist: known patterns need no insert."""
        if not pattern_ids:
            return {}
        marks = ", ".join(["%s"] * len(pattern_ids))
        sql = f"SELECT pattern_id, template FROM autoir_patterns WHERE pattern_id IN ({marks})"
        return {int(r[0]): str(r[1]) for r in self.query(sql, pattern_ids)}

    def mask_versions(self) -> dict[str, str]:
        """The mask version in force for each log group seen so far."""
        return {str(g): str(v) for g, v in self.query("SELECT log_group, mask_version FROM autoir_groups")}

    def escalate(self, log_group: str, mask_version: str, now_ms: int) -> None:
        """From now on ``log_group`` is masked by ``mask_version``; the detector learns its new patterns silently."""
        self.db.execute(
            "INSERT INTO autoir_groups (log_group, mask_version, since_ms) VALUES (%s, %s, %s)"
            " ON DUPLICATE KEY UPDATE mask_version = VALUES(mask_version), since_ms = VALUES(since_ms)",
            (log_group, mask_version, now_ms),
        )

    def expire(self, now_ms: int, events_days: int, counts_days: int) -> int:
        """Delete events and counts older than their retention (0 keeps all); returns how many rows went."""
        deleted = 0
        if events_days:
            deleted += self.db.delete_older("autoir_events", "ts_ms", now_ms - events_days * DAY_MS)
        if counts_days:
            deleted += self.db.delete_older("autoir_counts", "minute", minute_of(now_ms - counts_days * DAY_MS))
        return deleted


class _Overlap(Exception):
    """Some rows of a batch are stored already: roll back and send only the others."""
