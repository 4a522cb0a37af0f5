"""Incidents and the messages about them.

An incident and its messages are written in one transaction; a message is sent after the commit and marked then, so
that a crash in between sends it again rather than never. Its id lets a receiver see that it is the same message.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from autoir.incidents import ACTIVE, Change, Claim, Incident, Status, Step
from autoir.store.core import Core
from autoir.store.rows import OutboxRow

_COLUMNS = (
    "id, created_ms, updated_ms, status, severity, title, summary, environment, affected_group, affected_stream,"
    " first_ts_ms, last_ts_ms, event_count, sample_ids, dedupe_key, fingerprint, last_hit_ms, revision, paged_ms,"
    " detection_confidence, explanation_confidence, outcome, investigation, investigation_note, log_groups, report,"
    " history, previous_id"
)
_NAMES = [name.strip() for name in _COLUMNS.split(",")]
_FIXED = {"id", "created_ms", "dedupe_key", "fingerprint", "environment", "previous_id"}
_SPANS = {
    "first_ts_ms": "LEAST(first_ts_ms, VALUES(first_ts_ms))",
    "last_ts_ms": "GREATEST(last_ts_ms, VALUES(last_ts_ms))",
}
_SAVE = (
    f"INSERT INTO autoir_incidents ({_COLUMNS}) VALUES ({', '.join(['%s'] * len(_NAMES))}) ON DUPLICATE KEY UPDATE "
    + ", ".join(f"{name} = {_SPANS.get(name, f'VALUES({name})')}" for name in _NAMES if name not in _FIXED)
)
_ADD_MESSAGE = (
    "INSERT IGNORE INTO autoir_outbox (id, incident_id, revision, channel, kind, body, created_ms, next_ms)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
_MESSAGE = "id, incident_id, revision, channel, kind, body, created_ms, tries"


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _to_row(i: Incident) -> tuple[object, ...]:
    report = {"claims": [asdict(c) for c in i.claims], "steps": [asdict(s) for s in i.steps], "basis": i.basis}
    return (
        i.id, i.opened_ms, i.updated_ms, i.status, i.severity, i.title, i.summary, i.environment, i.affected_group,
        i.affected_stream, i.first_ts_ms, i.last_ts_ms, i.event_count, _dumps(i.sample_ids), i.dedupe_key,
        i.fingerprint, i.last_hit_ms, i.revision, i.paged_ms, i.detection_confidence, i.explanation_confidence,
        i.outcome, i.investigation, i.investigation_note, _dumps(i.log_groups), _dumps(report),
        _dumps([asdict(c) for c in i.history]), i.previous_id,
    )  # fmt: skip


def _from_row(row: Sequence[object]) -> Incident:
    r = dict(zip(_NAMES, row, strict=True))
    report = json.loads(str(r["report"]))
    values = {name: r[name] for name in _NAMES if name not in {"created_ms", "affected_group", "report"}}
    return Incident(
        **values  # type: ignore[arg-type]
        | {
            "opened_ms": r["created_ms"],
            "sample_ids": tuple(json.loads(str(r["sample_ids"]))),
            "log_groups": tuple(json.loads(str(r["log_groups"]))),
            "claims": tuple(Claim(c["kind"], c["text"], tuple(c["cites"])) for c in report["claims"]),
            "steps": tuple(Step(**s) for s in report["steps"]),
            "basis": tuple(report["basis"]),
            "history": tuple(Change(**c) for c in json.loads(str(r["history"]))),
        }
    )


class Reporting(Core):
    """What the sweep job, the notifiers and people ask of the store."""

    def save_incident(self, incident: Incident, messages: Iterable[OutboxRow] = ()) -> None:
        """Insert or replace an incident together with the messages about it."""
        rows = [(*message[:7], message.created_ms) for message in messages]

        def save() -> None:
            self.db.execute(_SAVE, _to_row(incident))
            if rows:
                self.db.executemany(_ADD_MESSAGE, rows)

        self.db.atomically(save)

    def incident(self, incident_id: str) -> Incident | None:
        """The incident of that id; inside a transaction it stays locked until the end."""
        rows = self.query(f"SELECT {_COLUMNS} FROM autoir_incidents WHERE id = %s FOR UPDATE", (incident_id,))
        return _from_row(rows[0]) if rows else None

    def incidents_like(self, prefix: str, limit: int = 10) -> list[str]:
        """Ids that begin with ``prefix``."""
        sql = "SELECT id FROM autoir_incidents WHERE id >= %s AND id < %s ORDER BY id LIMIT %s"
        return [str(row[0]) for row in self.query(sql, (prefix, prefix + "\x7f", limit))]

    def incidents(
        self, statuses: Sequence[Status] = (), *, fingerprint: str | None = None, since_ms: int = 0, limit: int = 1000
    ) -> list[Incident]:
        """Incidents, newest first; inside a transaction they stay locked until the end."""
        sql, args = f"SELECT {_COLUMNS} FROM autoir_incidents WHERE updated_ms >= %s", [since_ms]  # type: tuple[str, list[object]]
        if statuses:
            sql += f" AND status IN ({', '.join(['%s'] * len(statuses))})"
            args += statuses
        if fingerprint is not None:
            sql += " AND fingerprint = %s"
            args.append(fingerprint)
        sql += " ORDER BY created_ms DESC, id LIMIT %s FOR UPDATE"
        return [_from_row(row) for row in self.query(sql, [*args, limit])]

    def active_incidents(self) -> list[Incident]:
        """Incidents that are open or acknowledged, newest first."""
        return self.incidents(ACTIVE)

    def due_messages(self, now_ms: int, limit: int = 100) -> list[OutboxRow]:
        """Messages to send now, oldest first."""
        rows = self.query(
            f"SELECT {_MESSAGE} FROM autoir_outbox WHERE sent_ms IS NULL AND gave_up_ms IS NULL AND next_ms <= %s"
            " AND lease_until_ms <= %s ORDER BY created_ms, id LIMIT %s",
            (now_ms, now_ms, limit),
        )
        return [OutboxRow(*row) for row in rows]

    def oldest_unsent_ms(self) -> int | None:
        """When the oldest message that still has to be sent was written; None where there is none."""
        sql = "SELECT MIN(created_ms) FROM autoir_outbox WHERE sent_ms IS NULL AND gave_up_ms IS NULL"
        oldest = self.query(sql)[0][0]
        return None if oldest is None else int(oldest)

    def lease_message(self, message_id: str, now_ms: int, until_ms: int) -> bool:
        """Take a message for sending; False when another process has it or sent it."""
        sql = (
            "UPDATE autoir_outbox SET lease_until_ms = %s, tries = tries + 1"
            " WHERE id = %s AND sent_ms IS NULL AND lease_until_ms <= %s"
        )
        return self.db.execute(sql, (until_ms, message_id, now_ms)) == 1

    def message_sent(self, message_id: str, now_ms: int) -> None:
        """Note that a message is out."""
        self.db.execute("UPDATE autoir_outbox SET sent_ms = %s WHERE id = %s", (now_ms, message_id))

    def message_failed(self, message_id: str, next_ms: int | None, now_ms: int) -> None:
        """Note that sending failed: try at ``next_ms``, or never again if that is None."""
        self.db.execute(
            "UPDATE autoir_outbox SET lease_until_ms = 0, next_ms = %s, gave_up_ms = %s WHERE id = %s",
            (now_ms if next_ms is None else next_ms, now_ms if next_ms is None else None, message_id),
        )

    def messages(self, incident_id: str) -> list[OutboxRow]:
        """Every message about an incident, in the order they were written."""
        rows = self.query(
            f"SELECT {_MESSAGE} FROM autoir_outbox WHERE incident_id = %s ORDER BY revision, channel, kind",
            (incident_id,),
        )
        return [OutboxRow(*row) for row in rows]
