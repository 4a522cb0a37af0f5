"""What detection remembers, and what a sweep reads and writes: minute counts in, candidates and statistics out.

A sweep never reads events to judge a minute, only counts; events are fetched as samples of what it found.
"""

import json
from collections.abc import Iterable, Sequence

from autoir.errors import AutoirError
from autoir.incidents import Candidate, PatternStatus, Verdict
from autoir.store.core import Core
from autoir.store.rows import FamilyMinute, FamilyState, GroupState, StoredEvent

_WINDOW = (
    "SELECT p.family_id, c.minute, SUM(c.n) FROM autoir_groups g"
    " CROSS JOIN autoir_counts c ON c.log_group = g.log_group AND c.minute BETWEEN %s AND %s"
    " CROSS JOIN autoir_patterns p ON p.pattern_id = c.pattern_id GROUP BY p.family_id, c.minute"
)  # CROSS JOIN is plain JOIN to TiDB; to SQLite it says in which order to join, which it guesses wrong here
_FAMILY = (
    "family_id, log_group, severity_class, status, muted_until, first_minute, last_minute, s, q, m1, m2, blocks, gaps,"
    " gap_max"
)
_GROUP = "log_group, kind, s, q, m1, m2, low1, low2, blocks"
_CANDIDATE = (
    "minute, kind, subject, log_group, severity_class, observed, expected, neg_log10_p, score, window_from, first_ms,"
    " family_id, sample_ids, fold, incident_id"
)
_SAVE_FAMILY = (
    f"INSERT INTO autoir_family_stats ({_FAMILY})"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE status = VALUES(status), muted_until = VALUES(muted_until),"
    " first_minute = VALUES(first_minute), last_minute = VALUES(last_minute), s = VALUES(s), q = VALUES(q),"
    " m1 = VALUES(m1), m2 = VALUES(m2), blocks = VALUES(blocks), gaps = VALUES(gaps), gap_max = VALUES(gap_max)"
)
_SAVE_GROUP = (
    f"INSERT INTO autoir_group_stats ({_GROUP}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE s = VALUES(s), q = VALUES(q), m1 = VALUES(m1), m2 = VALUES(m2),"
    " low1 = VALUES(low1), low2 = VALUES(low2), blocks = VALUES(blocks)"
)
_SAVE_CANDIDATE = (
    f"INSERT IGNORE INTO autoir_candidates ({_CANDIDATE})"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


class OvertakenError(AutoirError):
    """Another sweep has judged the same minute: nothing is lost, for that one goes on."""


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _candidate(row: Sequence[object]) -> Candidate:
    values = list(row)
    values[12] = tuple(json.loads(str(values[12])))
    return Candidate(*values)  # type: ignore[arg-type]


class Sweeping(Core):
    """What the sweep job asks of the store; everything for one minute happens inside one transaction."""

    def first_minute(self, after: int | None = None) -> int | None:
        """The first minute that holds events, after ``after`` if given; None when there is none."""
        sql = (
            "SELECT MIN((SELECT MIN(c.minute) FROM autoir_counts c WHERE c.log_group = g.log_group AND c.minute > %s))"
            " FROM autoir_groups g"
        )
        found = self.query(sql, (-(2**62) if after is None else after,))[0][0]
        return None if found is None else int(found)

    def window(self, first: int, last: int) -> list[FamilyMinute]:
        """Events a family and minute from minute ``first`` to ``last``, both included."""
        return [FamilyMinute(int(f), int(m), int(n)) for f, m, n in self.query(_WINDOW, (first, last))]

    def families(self, family_ids: Sequence[int]) -> dict[int, FamilyState]:
        """The state of those families."""
        states: dict[int, FamilyState] = {}
        for start in range(0, len(family_ids), 1000):
            some = family_ids[start : start + 1000]
            sql = f"SELECT {_FAMILY} FROM autoir_family_stats WHERE family_id IN ({_marks(some)})"
            states.update((int(row[0]), FamilyState(*row)) for row in self.query(sql, some))
        return states

    def families_of(self, log_group: str) -> list[FamilyState]:
        """The state of every family of a log group."""
        rows = self.query(f"SELECT {_FAMILY} FROM autoir_family_stats WHERE log_group = %s", (log_group,))
        return [FamilyState(*row) for row in rows]

    def families_with_status(self, status: PatternStatus) -> list[FamilyState]:
        """The state of every family of that status."""
        rows = self.query(f"SELECT {_FAMILY} FROM autoir_family_stats WHERE status = %s", (status,))
        return [FamilyState(*row) for row in rows]

    def groups(self) -> dict[tuple[str, str], GroupState]:
        """The state of every log group, by (log group, kind)."""
        rows = self.query(f"SELECT {_GROUP} FROM autoir_group_stats")
        return {(str(row[0]), str(row[1])): GroupState(*row) for row in rows}

    def save_families(self, states: Iterable[FamilyState]) -> None:
        """Replace the state of those families."""
        if rows := sorted(states):
            self.db.executemany(_SAVE_FAMILY, rows)

    def save_groups(self, states: Iterable[GroupState]) -> None:
        """Replace the state of those log groups."""
        if rows := sorted(states, key=lambda state: state[:2]):
            self.db.executemany(_SAVE_GROUP, rows)

    def set_status(self, family_ids: Sequence[int], status: PatternStatus) -> None:
        """Give the patterns of those families a status, as a reader of the store sees it."""
        for start in range(0, len(family_ids), 1000):
            some = family_ids[start : start + 1000]
            sql = f"UPDATE autoir_patterns SET status = %s WHERE family_id IN ({_marks(some)}) AND status <> %s"
            self.db.execute(sql, (status, *some, status))

    def move_swept(self, expected: int | None, minute: int) -> None:
        """Note that every minute up to ``minute`` is judged. Raises OvertakenError if another sweep was faster."""
        if expected is None:
            changed = self.db.execute("INSERT IGNORE INTO autoir_meta (k, v) VALUES ('swept_to', %s)", (str(minute),))
        else:
            changed = self.db.execute(
                "UPDATE autoir_meta SET v = %s WHERE k = 'swept_to' AND v = %s", (str(minute), str(expected))
            )
        if changed != 1:
            raise OvertakenError(f"Another sweep has judged minute {minute} already.", "Nothing is lost: let it go on.")

    def save_candidates(self, candidates: Iterable[Candidate]) -> None:
        """Keep candidates; one that exists (same minute, kind, subject) stays as it is."""
        rows = [(*c[:12], json.dumps(c.sample_ids), c.fold, c.incident_id) for c in candidates]
        if rows:
            self.db.executemany(_SAVE_CANDIDATE, rows)

    def assign_candidates(self, keys: Iterable[tuple[int, str, str]], incident_id: str) -> None:
        """Give candidates, named by (minute, kind, subject), to an incident; one that has an owner keeps it."""
        rows = [(incident_id, *key) for key in keys]
        if rows:
            self.db.executemany(
                "UPDATE autoir_candidates SET incident_id = %s"
                " WHERE minute = %s AND kind = %s AND subject = %s AND incident_id = ''",
                rows,
            )

    def candidates(
        self, *, incident_id: str | None = None, first: int | None = None, last: int | None = None
    ) -> list[Candidate]:
        """Candidates of an incident and/or of the minutes ``first`` to ``last``, in order of minute."""
        tests: list[str] = []
        args: list[object] = []
        for test, value in (("incident_id = %s", incident_id), ("minute >= %s", first), ("minute <= %s", last)):
            if value is not None:
                tests.append(test)
                args.append(value)
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        rows = self.query(f"SELECT {_CANDIDATE} FROM autoir_candidates{where} ORDER BY minute, kind, subject", args)
        return [_candidate(row) for row in rows]

    def last_incident_of(self, family_ids: Sequence[int]) -> str:
        """The newest incident that any of those families was a candidate of; empty where there is none."""
        sql = (
            f"SELECT incident_id FROM autoir_candidates WHERE family_id IN ({_marks(family_ids)}) AND incident_id <> ''"
            " ORDER BY minute DESC, incident_id LIMIT 1"
        )
        found = self.query(sql, family_ids) if family_ids else []
        return str(found[0][0]) if found else ""

    def samples(
        self, family_id: int, from_ms: int, until_ms: int, limit: int = 3, *, newest: bool = False
    ) -> list[StoredEvent]:
        """The first (or newest) events of a family from ``from_ms`` up to but not at ``until_ms``, in that order."""
        order = "e.ts_ms DESC, e.id" if newest else "e.ts_ms, e.id"
        rows = self.query(
            "SELECT e.id, e.ts_ms, e.log_group, s.log_stream, e.level, e.pattern_id, e.message"
            " FROM autoir_patterns p CROSS JOIN autoir_events e ON e.pattern_id = p.pattern_id"
            " CROSS JOIN autoir_streams s ON s.stream_id = e.stream_id"
            f" WHERE p.family_id = %s AND e.ts_ms >= %s AND e.ts_ms < %s ORDER BY {order} LIMIT %s",
            (family_id, from_ms, until_ms, limit),
        )
        return [StoredEvent(*row) for row in rows]

    def events_in_time(self, family_ids: Sequence[int], from_ms: int, until_ms: int) -> int:
        """Events of those families that carry a time from ``from_ms`` up to but not at ``until_ms``.

        Counts are kept under the minute that judged an event; this tells a burst from a late delivery.
        """
        total = 0
        for start in range(0, len(family_ids), 1000):
            some = family_ids[start : start + 1000]
            sql = (
                "SELECT COUNT(*) FROM autoir_patterns p CROSS JOIN autoir_events e ON e.pattern_id = p.pattern_id"
                f" AND e.ts_ms >= %s AND e.ts_ms < %s WHERE p.family_id IN ({_marks(some)})"
            )
            total += int(self.query(sql, (from_ms, until_ms, *some))[0][0])
        return total

    def group_templates(self, log_group: str) -> list[tuple[int, str]]:
        """(family id, template) of every pattern of a log group whose family has been judged."""
        rows = self.query(
            "SELECT p.family_id, p.template FROM autoir_family_stats f"
            " JOIN autoir_patterns p ON p.family_id = f.family_id"
            " WHERE f.log_group = %s AND f.first_minute IS NOT NULL ORDER BY p.pattern_id",
            (log_group,),
        )
        return [(int(family), str(template)) for family, template in rows]

    def family_templates(self, family_ids: Sequence[int]) -> list[tuple[int, str]]:
        """(family id, template) of every pattern of those families."""
        found: list[tuple[int, str]] = []
        for start in range(0, len(family_ids), 1000):
            some = family_ids[start : start + 1000]
            rows = self.query(
                f"SELECT family_id, template FROM autoir_patterns WHERE family_id IN ({_marks(some)})"
                " ORDER BY pattern_id",
                some,
            )
            found += [(int(family), str(template)) for family, template in rows]
        return found

    def family_series(self, family_ids: Sequence[int], first: int, last: int) -> dict[int, dict[int, int]]:
        """Events a minute of each family, for the minutes ``first`` to ``last`` that have any."""
        series: dict[int, dict[int, int]] = {family: {} for family in family_ids}
        if family_ids:
            rows = self.query(
                "SELECT p.family_id, c.minute, SUM(c.n) FROM autoir_patterns p"
                " CROSS JOIN autoir_counts c ON c.pattern_id = p.pattern_id AND c.minute BETWEEN %s AND %s"
                f" WHERE p.family_id IN ({_marks(family_ids)}) GROUP BY p.family_id, c.minute",
                (first, last, *family_ids),
            )
            for family, minute, n in rows:
                series[int(family)][int(minute)] = int(n)
        return series

    def last_line_ms(self, log_group: str, contains: str, from_ms: int, until_ms: int) -> int | None:
        """Time of the newest event of ``log_group`` in that span whose message contains a text, if any."""
        rows = self.query(
            "SELECT MAX(ts_ms) FROM autoir_events WHERE log_group = %s AND ts_ms >= %s AND ts_ms < %s"
            " AND message LIKE %s ESCAPE '!'",
            (log_group, from_ms, until_ms, f"%{_escaped(contains)}%"),
        )
        return None if rows[0][0] is None else int(rows[0][0])

    def lines_at(self, log_group: str, contains: str, ts_ms: int) -> list[str]:
        """Ids of the events of ``log_group`` at that very time whose message contains a text."""
        rows = self.query(
            "SELECT id FROM autoir_events WHERE log_group = %s AND ts_ms = %s AND message LIKE %s ESCAPE '!'"
            " ORDER BY id",
            (log_group, ts_ms, f"%{_escaped(contains)}%"),
        )
        return [str(row[0]) for row in rows]

    def add_verdict(self, verdict: Verdict) -> None:
        """Keep what a person taught; the next sweep applies it."""
        self.db.execute(
            "INSERT IGNORE INTO autoir_feedback (id, at_ms, incident_id, family_id, verdict, until_ms, author, note)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            verdict,
        )

    def verdicts(self, *, unapplied: bool = False) -> list[Verdict]:
        """Every verdict, or those that no sweep has applied yet, oldest first."""
        where = " WHERE applied_minute IS NULL" if unapplied else ""
        rows = self.query(
            "SELECT id, at_ms, incident_id, family_id, verdict, until_ms, author, note FROM autoir_feedback"
            f"{where} ORDER BY at_ms, id"
        )
        return [Verdict(*row) for row in rows]

    def verdict_applied(self, verdict_id: str, minute: int) -> None:
        """Note that the sweep of ``minute`` has taken a verdict into account."""
        self.db.execute("UPDATE autoir_feedback SET applied_minute = %s WHERE id = %s", (minute, verdict_id))


def _escaped(text: str) -> str:
    """``text`` with LIKE's own characters taken literally."""
    for character in "!%_":
        text = text.replace(character, "!" + character)
    return text
