"""The life of a pattern's vector: it waits, somebody takes it up, it is made or refused, it is taken away again.

A store holds vectors of one model. Which one is a fact under a key of ``autoir_meta`` that belongs to ``autoir.embed``;
here is only what its transactions are made of.
"""

from collections.abc import Sequence
from typing import NamedTuple

from autoir.store.core import Core
from autoir.store.database import Row
from autoir.store.rows import Pending


class EmbedProgress(NamedTuple):
    """How many patterns wait for a vector, have one, were refused by the model; when the newest vector was made."""

    pending: int
    done: int
    failed: int
    newest_ms: int | None


class Waiting(NamedTuple):
    """Of the patterns that wait: how many somebody has in hand, and when the oldest was first logged."""

    leased: int
    oldest_ms: int | None


class Vectors(Core):
    """What search asks for, and whoever embeds."""

    def vectors(self, after_ms: int = -1) -> list[tuple[int, bytes]]:
        """(pattern id, 384 float32) of every pattern embedded after that time."""
        sql = (
            "SELECT pattern_id, embedding FROM autoir_patterns"
            " WHERE embed_state = 'done' AND embedded_ms > %s ORDER BY pattern_id"
        )
        return [(int(row[0]), self.db.decode_vector(row[1])) for row in self.query(sql, (after_ms,))]

    def claim_pending(self, now_ms: int, lease_ms: int, limit: int) -> list[Pending]:
        """Patterns without a vector, most recently seen first; nobody else gets them until the lease ends."""

        def claim() -> list[Row]:
            rows = self.query(
                "SELECT pattern_id, component, template FROM autoir_patterns WHERE embed_state = 'pending'"
                " AND embed_lease_ms <= %s ORDER BY last_ms DESC, pattern_id LIMIT %s FOR UPDATE",
                (now_ms, limit),
            )
            for start in range(0, len(rows), 1000):
                some = [row[0] for row in rows[start : start + 1000]]
                self.db.execute(
                    "UPDATE autoir_patterns SET embed_lease_ms = %s, embed_tries = embed_tries + 1"
                    f" WHERE pattern_id IN ({', '.join(['%s'] * len(some))})",
                    (now_ms + lease_ms, *some),
                )
            return rows

        return [Pending(*row) for row in self.db.atomically(claim)]

    def save_vectors(self, model: str, now_ms: int, vectors: Sequence[tuple[int, bytes]]) -> None:
        """Store vectors (pattern id, 384 float32) made by ``model``."""
        rows = [(self.db.encode_vector(vector), model, now_ms, pattern_id) for pattern_id, vector in vectors]
        if rows:
            self.db.executemany(
                "UPDATE autoir_patterns SET embedding = %s, model = %s, embedded_ms = %s, embed_state = 'done',"
                " embed_error = NULL WHERE pattern_id = %s",
                rows,
            )

    def embed_failed(self, pattern_id: int, reason: str) -> None:
        """Note that the model refuses this pattern's text; it is not tried again under this model."""
        self.db.execute(
            "UPDATE autoir_patterns SET embed_state = 'failed', embed_error = %s WHERE pattern_id = %s",
            (reason[:255], pattern_id),
        )

    def embed_progress(self) -> EmbedProgress:
        """How far the patterns are embedded; what changes it changes what search knows."""
        states = {
            str(state): int(n)
            for state, n in self.query("SELECT embed_state, COUNT(*) FROM autoir_patterns GROUP BY embed_state")
        }
        newest = self.query("SELECT MAX(embedded_ms) FROM autoir_patterns")[0][0]
        return EmbedProgress(
            states.get("pending", 0),
            states.get("done", 0),
            states.get("failed", 0),
            None if newest is None else int(newest),
        )

    def waiting(self, now_ms: int) -> Waiting:
        """Who waits, and how long."""
        ((leased, oldest_ms),) = self.query(
            "SELECT COUNT(CASE WHEN embed_lease_ms > %s THEN 1 END), MIN(first_ms) FROM autoir_patterns"
            " WHERE embed_state = 'pending'",
            (now_ms,),
        )
        return Waiting(int(leased), None if oldest_ms is None else int(oldest_ms))

    def refusals(self) -> list[tuple[str, int]]:
        """Why the model refused patterns, and how many for each reason, the most frequent first."""
        rows = self.query(
            "SELECT embed_error, COUNT(*) AS n FROM autoir_patterns WHERE embed_state = 'failed'"
            " GROUP BY embed_error ORDER BY n DESC, embed_error"
        )
        return [(str(reason), int(n)) for reason, n in rows]

    def retry_refused(self) -> int:
        """Let the patterns that the model refused wait once more; how many."""
        return self.db.execute(
            "UPDATE autoir_patterns SET embed_state = 'pending', embed_error = NULL, embed_lease_ms = 0"
            " WHERE embed_state = 'failed'"
        )

    def clear_vectors(self, limit: int) -> int:
        """Let up to ``limit`` patterns with a vector, or refused one, wait as if new; how many, 0 at the end."""

        def clear() -> int:
            # Locked: rows that another process has cleared meanwhile must not be taken for what is left.
            rows = self.query(
                "SELECT pattern_id FROM autoir_patterns WHERE embed_state IN ('done', 'failed') LIMIT %s FOR UPDATE",
                (limit,),
            )
            if rows:
                self.db.execute(
                    "UPDATE autoir_patterns SET embed_state = 'pending', embed_tries = 0, embed_lease_ms = 0,"
                    " embed_error = NULL, embedded_ms = NULL, model = NULL, embedding = NULL"
                    f" WHERE pattern_id IN ({', '.join(['%s'] * len(rows))})",
                    [row[0] for row in rows],
                )
            return len(rows)

        return self.db.atomically(clear)
