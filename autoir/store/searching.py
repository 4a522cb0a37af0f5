"""Finding patterns and reading lines: what search, the reports and people ask of the store."""

from collections.abc import Sequence

from autoir.clock import MINUTE_MS
from autoir.store.core import Core
from autoir.store.rows import PatternUse, QuarantineRow, StoredEvent, StoredPattern, StoreStats

_PATTERN = "pattern_id, family_id, log_group, level, kind, component, template, status, embed_state"
_EVENT = "id, ts_ms, log_group, log_stream, level, pattern_id, message"


class Searching(Core):
    """Reads."""

    def patterns(self, pattern_ids: Sequence[int] | None = None) -> list[StoredPattern]:
        """All patterns, or those of the ids."""
        if pattern_ids is None:
            return [StoredPattern(*row) for row in self.query(f"SELECT {_PATTERN} FROM autoir_patterns")]
        found: list[StoredPattern] = []
        for start in range(0, len(pattern_ids), 1000):
            some = pattern_ids[start : start + 1000]
            marks = ", ".join(["%s"] * len(some))
            sql = f"SELECT {_PATTERN} FROM autoir_patterns WHERE pattern_id IN ({marks})"
            found += [StoredPattern(*row) for row in self.query(sql, some)]
        return found

    def pattern_uses(self, log_groups: Sequence[str] | None, since_min: int, until_min: int) -> list[PatternUse]:
        """How often each pattern occurred in those log groups (None: all) in minutes since..until, both included."""
        where, args = "c.minute BETWEEN %s AND %s", [since_min, until_min]  # type: tuple[str, list[object]]
        if log_groups is not None:
            if not log_groups:
                return []
            where += f" AND c.log_group IN ({', '.join(['%s'] * len(log_groups))})"
            args += log_groups
        sql = (
            "SELECT c.pattern_id, SUM(c.n), MIN(c.minute), MAX(c.minute) FROM autoir_groups g"
            f" JOIN autoir_counts c ON c.log_group = g.log_group AND {where} GROUP BY c.pattern_id"
        )
        return [PatternUse(*(int(v) for v in row)) for row in self.query(sql, args)]

    def uses_of(self, pattern_ids: Sequence[int], since_min: int, until_min: int) -> list[PatternUse]:
        """How often those patterns occurred in minutes since..until, both included; none for one that did not."""
        found: list[PatternUse] = []
        for start in range(0, len(pattern_ids), 1000):
            some = pattern_ids[start : start + 1000]
            sql = (
                "SELECT pattern_id, SUM(n), MIN(minute), MAX(minute) FROM autoir_counts"
                f" WHERE pattern_id IN ({', '.join(['%s'] * len(some))}) AND minute BETWEEN %s AND %s"
                " GROUP BY pattern_id"
            )
            found += [PatternUse(*(int(v) for v in row)) for row in self.query(sql, [*some, since_min, until_min])]
        return found

    def seen_between(self, since_min: int, until_min: int) -> list[int]:
        """The patterns that occurred in minutes since..until, both included: one look a pattern, however long."""
        sql = (
            "SELECT p.pattern_id FROM autoir_patterns p WHERE EXISTS (SELECT 1 FROM autoir_counts c"
            " WHERE c.pattern_id = p.pattern_id AND c.minute BETWEEN %s AND %s)"
        )
        return [int(row[0]) for row in self.query(sql, (since_min, until_min))]

    def pattern_ids(self) -> list[int]:
        """The id of every pattern."""
        return [int(row[0]) for row in self.query("SELECT pattern_id FROM autoir_patterns")]

    def log_groups(self) -> list[str]:
        """Every log group that has been stored."""
        return [str(row[0]) for row in self.query("SELECT log_group FROM autoir_groups ORDER BY log_group")]

    def newest(self, pattern_id: int, limit: int, from_ms: int, until_ms: int) -> list[StoredEvent]:
        """The newest events of a pattern from ``from_ms`` up to but not at ``until_ms``, newest first."""
        rows = self.query(
            f"SELECT {_EVENT} FROM autoir_log_events WHERE pattern_id = %s AND ts_ms >= %s AND ts_ms < %s"
            " ORDER BY ts_ms DESC, id LIMIT %s",
            (pattern_id, from_ms, until_ms, limit),
        )
        return [StoredEvent(*row) for row in rows]

    def sample(self, pattern_id: int, from_ms: int, until_ms: int) -> StoredEvent | None:
        """The newest of those events."""
        return next(iter(self.newest(pattern_id, 1, from_ms, until_ms)), None)

    def events(self, ids: Sequence[str]) -> list[StoredEvent]:
        """The events of those ids that exist, in order of time."""
        if not ids:
            return []
        marks = ", ".join(["%s"] * len(ids))
        sql = f"SELECT {_EVENT} FROM autoir_log_events WHERE id IN ({marks}) ORDER BY ts_ms, id"
        return [StoredEvent(*row) for row in self.query(sql, ids)]

    def latest(self, log_group: str, limit: int, since_ms: int = 0) -> list[StoredEvent]:
        """The newest events of a log group, oldest of them first."""
        sql = (
            f"SELECT {_EVENT} FROM autoir_log_events WHERE log_group = %s AND ts_ms >= %s"
            " ORDER BY ts_ms DESC, id DESC LIMIT %s"
        )
        return [StoredEvent(*row) for row in reversed(self.query(sql, (log_group, since_ms, limit)))]

    def time_span(self) -> tuple[int, int] | None:
        """The first and last minute with events, in epoch milliseconds; None for an empty store."""
        rows = self.query(
            "SELECT MIN(c.first), MAX(c.last) FROM (SELECT"
            " (SELECT MIN(minute) FROM autoir_counts n WHERE n.log_group = g.log_group) AS first,"
            " (SELECT MAX(minute) FROM autoir_counts n WHERE n.log_group = g.log_group) AS last"
            " FROM autoir_groups g) c"
        )
        first, last = rows[0]
        return None if first is None else (int(first) * MINUTE_MS, (int(last) + 1) * MINUTE_MS)

    def quarantined(self, limit: int = 100) -> list[QuarantineRow]:
        """The newest rows that could not be stored."""
        sql = (
            "SELECT id, seen_ms, log_group, log_stream, reason, detail, bytes, body FROM autoir_quarantine"
            " ORDER BY seen_ms DESC, id LIMIT %s"
        )
        return [QuarantineRow(*row) for row in self.query(sql, (limit,))]

    def stats(self) -> StoreStats:
        """What is in the store."""
        counted = [
            int(self.query(f"SELECT COUNT(*) FROM {table}")[0][0])
            for table in (
                "autoir_events",
                "autoir_patterns",
                "autoir_patterns WHERE embed_state = 'pending'",
                "autoir_groups",
                "autoir_quarantine",
                "autoir_incidents WHERE status IN ('open', 'ack')",
                "autoir_outbox WHERE sent_ms IS NULL",
            )
        ]
        span = self.time_span()
        oldest, newest = span if span else (None, None)
        events, patterns, pending, groups, quarantined, active, unsent = counted
        return StoreStats(
            events, patterns, pending, groups, quarantined, active, unsent, oldest, newest, self.db.stored_bytes()
        )
