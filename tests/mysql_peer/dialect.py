"""The dialect profile: what TiDB alone understands, in MariaDB's words, statement by statement at the wire.

Only statements that MariaDB cannot take are touched, and only in their form: data is never looked into, because
INSERT, UPDATE and DELETE pass as they are. What has no counterpart is skipped; TiDB's grammar and a live cluster
judge that.
"""

import re
from collections.abc import Callable, Sequence

Ask = Callable[[str], Sequence[Sequence[object]]]
"""Runs a SELECT on the connection that the statement is for."""

SKIPPED = "DO 0"
"""Sent in place of a statement that has no counterpart: the client gets its OK."""

_INTERVAL = re.compile(
    r"PARTITION BY RANGE\s*(?:COLUMNS\s*)?\((?P<column>\w+)\)\s*INTERVAL\s*\((?P<step>\d+)\)\s*"
    r"FIRST PARTITION LESS THAN\s*\((?P<first>-?\d+)\)\s*LAST PARTITION LESS THAN\s*\((?P<last>-?\d+)\)",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"ALTER\s+TABLE\s+`?(?P<table>\w+)`?\s+(?P<end>FIRST|LAST)\s+PARTITION\s+LESS\s+THAN\s*\((?P<bound>-?\d+)\)\s*;?",
    re.IGNORECASE,
)
_BOUNDS = (
    "SELECT partition_name, CAST(partition_description AS SIGNED) FROM information_schema.partitions"
    " WHERE table_schema = DATABASE() AND table_name = '{}' AND partition_name IS NOT NULL"
    " ORDER BY partition_ordinal_position"
)
_VECTOR = re.compile(r"(?P<column>\w+)\s+VECTOR\((?P<dims>\d+)\)(?P<null>\s+(?:NOT\s+)?NULL)?", re.IGNORECASE)
_VECTOR_TEXT = (
    r"\g<column> MEDIUMTEXT CHARACTER SET ascii\g<null>"
    r" CHECK (JSON_VALID(\g<column>) AND JSON_LENGTH(\g<column>) = \g<dims>)"
)
_CLUSTERED = re.compile(r"\s+(?:NON)?CLUSTERED\b", re.IGNORECASE)
_TTL = re.compile(r"\s*\bTTL(?:_ENABLE|_JOB_INTERVAL)?\s*=\s*(?:'[^']*'|\w+(?:\s*\+\s*INTERVAL\s+\d+\s+\w+)?)", re.I)
_CAST = re.compile(r"CAST\(((?:[^()]|\([^()]*\))*?) AS VECTOR(?:\(\d+\))?\)", re.IGNORECASE)
_KEYWORD = re.compile(r"(?:\s+|--[^\n]*\n)*(\w*)")
_SET = re.compile(r"SET\s+(.*?);?\s*", re.IGNORECASE | re.DOTALL)
_ASSIGNMENT = re.compile(r"((?:@@)?(?:(?:SESSION|GLOBAL)[. ]\s*)?)(\w+)\s*:?=\s*(.+)", re.IGNORECASE | re.DOTALL)
_COMMA = re.compile(r",(?=(?:[^']*'[^']*')*[^']*$)")
_STALE_READ = re.compile(r"(START TRANSACTION READ ONLY)\s+AS OF TIMESTAMP\b.*", re.IGNORECASE | re.DOTALL)
_PESSIMISTIC = re.compile(r"BEGIN\s+(?:PESSIMISTIC|OPTIMISTIC)", re.IGNORECASE)
_REPLICAS = "information_schema.tiflash_replica"
_NO_REPLICAS = "(SELECT '' table_schema, '' table_name, 0 replica_count LIMIT 0) tiflash_replica"
_NO_COUNTERPART = re.compile(
    r"ALTER\s+TABLE\s+\w+\s+(?:SET\s+TIFLASH|ADD\s+VECTOR|REMOVE\s+TTL|TTL)|CREATE\s+(?:VECTOR|FULLTEXT)\s+INDEX",
    re.IGNORECASE,
)


def translated(sql: str, ask: Ask) -> str:
    """``sql`` as MariaDB takes it; ``ask`` reads which partitions there are."""
    found = _KEYWORD.match(sql)
    match found[1].upper() if found else "":
        case "CREATE":
            return SKIPPED if _NO_COUNTERPART.match(sql.strip()) else _created(sql)
        case "ALTER":
            return _altered(sql, ask)
        case "SET":
            return _set(sql)
        case "START":
            return _STALE_READ.sub(r"\1", sql)
        case "BEGIN":
            return _PESSIMISTIC.sub("BEGIN", sql)
        case "SPLIT":
            return SKIPPED
        case "SELECT" | "WITH" | "EXPLAIN":
            return _CAST.sub(r"\1", sql.replace(_REPLICAS, _NO_REPLICAS))
        case _:
            return sql


def partition(bound: int) -> str:
    """The partition below ``bound``, named as TiDB names those of an INTERVAL."""
    return f"PARTITION P_LT_{bound} VALUES LESS THAN ({bound})".replace("LT_-", "LT_M")


def _created(sql: str) -> str:
    found = _INTERVAL.search(sql)
    if found:
        first, last, step = (int(found[name]) for name in ("first", "last", "step"))
        parts = ", ".join(partition(bound) for bound in range(first, last + 1, step))
        sql = f"{sql[: found.start()]}PARTITION BY RANGE ({found['column']}) ({parts}){sql[found.end() :]}"
    return _TTL.sub("", _CLUSTERED.sub("", _VECTOR.sub(_VECTOR_TEXT, sql)))


def _altered(sql: str, ask: Ask) -> str:
    if _NO_COUNTERPART.match(sql.strip()):
        return SKIPPED
    found = _BOUND.fullmatch(sql.strip())
    if not found:
        return _CLUSTERED.sub("", _VECTOR.sub(_VECTOR_TEXT, sql))
    table, bound = found["table"], int(found["bound"])
    partitions = [(str(name), int(str(limit))) for name, limit in ask(_BOUNDS.format(table))]
    if found["end"].upper() == "FIRST":
        gone = ", ".join(name for name, limit in partitions if limit < bound)
        return f"ALTER TABLE {table} DROP PARTITION {gone}" if gone else SKIPPED
    (_, before), (_, last) = partitions[-2:]
    step = last - before
    more = ", ".join(partition(limit) for limit in range(last + step, bound + 1, step))
    return f"ALTER TABLE {table} ADD PARTITION ({more})" if more else SKIPPED


def _set(sql: str) -> str:
    """SET with TiDB's own variables left out and MySQL's limit of time in MariaDB's name and unit."""
    found = _SET.fullmatch(sql)
    kept = [] if not found else [word for part in _COMMA.split(found[1]) if (word := _assigned(part.strip()))]
    return f"SET {', '.join(kept)}" if kept else SKIPPED


def _assigned(part: str) -> str:
    found = _ASSIGNMENT.fullmatch(part)
    if not found:
        return part
    scope, name, value = found.groups()
    if name.lower().startswith("tidb_"):
        return ""
    if name.lower() == "max_execution_time":
        return f"{scope}max_statement_time = {int(value) / 1000}"
    return part
