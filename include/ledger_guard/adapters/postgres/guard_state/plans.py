"""Plans with their rows in Postgres."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from psycopg import Copy
from psycopg.rows import tuple_row

from ledger_guard.adapters.postgres.connection import Connection, Row
from ledger_guard.adapters.postgres.guard_state.columns import as_jsonb, given, optional_text
from ledger_guard.domain.budgets import BeingWritten, Written
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.findings import DifferenceCounts, RowCause, RowReason
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.plan_rows import lines_of
from ledger_guard.domain.plan_summary import CLASS_ENDS_CENTS, LARGEST_ROWS, CauseTotals, LargeRow, PlanSummary
from ledger_guard.domain.plans import (
    BackfillMode,
    CentTotals,
    Plan,
    PlanContent,
    PlanRow,
    PlanStatus,
    RowState,
    WriteTotals,
)
from ledger_guard.sql import statement

#: rows fetched at a time: memory stays that of the plan asked for
_FETCH_ROWS = 20_000
_PLAN_ROW_COLUMNS = (
    *("player_id", "currency", "cause", "reason", "player_available", "player_held", "wallet_available", "wallet_pending"),
    *(
        "target_available",
        "target_pending",
        "opening",
        "wallet_only",
        "player_only",
        "counted_twice",
        "other_currencies",
        "state",
    ),
)
#: lines that are handed to the copy together
_COPY_LINES = 1_000


class PostgresPlanStore:
    """PlanStore; rows come in with one copy."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, plan: Plan) -> None:
        """See PlanStore."""
        parameters = {
            **given(replace(plan, rows=())),
            "counts": as_jsonb(asdict(plan.counts)),
            "cents": as_jsonb(asdict(plan.cents)),
        }
        if self._connection.execute(statement("guard/insert_plan"), parameters).fetchone() is None:
            raise SafetyRefusal(f"plan {plan.plan_id}: exists already; a plan never changes")
        if plan.rows:
            self.add_rows(plan.plan_id, lines_of(plan.rows))

    def add_rows(self, plan_id: str, lines: Iterable[bytes]) -> tuple[PlanContent, PlanSummary]:
        """See PlanStore: the lines go into the copy as they are, hashed in passing."""
        digest, prefix, waiting = hashlib.sha256(), checked_uuid(plan_id, "plan").encode() + b"\t", [b""]
        with self._connection.cursor() as cursor, cursor.copy(statement("guard/copy_plan_rows")) as copy:
            for line in lines:
                waiting.append(line)
                if len(waiting) >= _COPY_LINES:
                    _flush(copy, digest, prefix, waiting)
            _flush(copy, digest, prefix, waiting)
        return PlanContent(digest.hexdigest(), self._totals(plan_id)), self.summary(plan_id)

    def summary(self, plan_id: str) -> PlanSummary:
        """See PlanStore."""
        key = {"plan_id": checked_uuid(plan_id, "plan")}
        asked = key | {"class_ends": list(CLASS_ENDS_CENTS), "limit": LARGEST_ROWS}
        groups = self._connection.execute(statement("guard/sum_causes"), asked).fetchall()
        largest = self._connection.execute(statement("guard/select_largest_rows"), asked).fetchall()
        histogram: Counter[int | None] = Counter()
        causes: dict[tuple[str, str, bool], Counter[str]] = defaultdict(Counter)
        for group in groups:
            histogram[group["class_end"]] += group["rows"]
            totals = {name: group[name] for name in ("rows", "up_cents", "down_cents")}
            causes[group["cause"], group["currency"], group["is_created"]].update(totals)
        return PlanSummary(
            causes=tuple(
                CauseTotals(RowCause(cause), currency, is_created, totals["rows"], totals["up_cents"], totals["down_cents"])
                for (cause, currency, is_created), totals in sorted(causes.items())
            ),
            largest=tuple(LargeRow(**{**row, "cause": RowCause(row["cause"])}) for row in largest),
            histogram=histogram,
        )

    def get(self, plan_id: str, *, with_rows: bool = True) -> Plan:
        """See PlanStore."""
        key = {"plan_id": checked_uuid(plan_id, "plan")}
        row = self._connection.execute(statement("guard/select_plan"), key).fetchone()
        if row is None:
            raise BadInputError(f"plan {plan_id}: does not exist; allowed: an id printed by `backfill dry-run`")
        return replace(_plan(row), rows=tuple(self._rows(key["plan_id"]))) if with_rows else _plan(row)

    def _rows(self, plan_id: str) -> list[PlanRow]:
        with self._connection.cursor("plan_rows", row_factory=tuple_row) as cursor:
            cursor.itersize = _FETCH_ROWS
            cursor.execute(statement("guard/select_plan_rows"), {"plan_id": plan_id}, binary=True)
            return [_plan_row(row) for row in cursor]

    def latest(self, tenant_id: str) -> Plan | None:
        """See PlanStore."""
        row = self._connection.execute(statement("guard/select_latest_plan"), {"tenant_id": tenant_id}).fetchone()
        return None if row is None else _plan(row)

    def content(self, plan_id: str) -> PlanContent:
        """See PlanStore: the rows are hashed as they stream by."""
        key = {"plan_id": self.get(plan_id, with_rows=False).plan_id}
        digest = hashlib.sha256()
        kept = self._connection.execute(statement("guard/has_targets"), key).fetchone()
        lines_covered = "copy_plan_content" if kept and kept["has_targets"] else "copy_plan_content_without_targets"
        with self._connection.cursor() as cursor, cursor.copy(statement(f"guard/{lines_covered}"), key) as copy:
            for lines in copy:
                digest.update(lines)
        return PlanContent(digest.hexdigest(), self._totals(plan_id))

    def _totals(self, plan_id: str) -> WriteTotals:
        row = self._connection.execute(statement("guard/sum_plan_rows"), {"plan_id": plan_id}).fetchone()
        return WriteTotals(**(row or {}))

    def written_before(self, plan_id: str, tenant_id: str, since: datetime) -> WriteTotals:
        """See PlanStore."""
        asked = {"plan_id": checked_uuid(plan_id, "plan"), "tenant_id": tenant_id, "since": since}
        row = self._connection.execute(statement("guard/sum_written_before"), asked).fetchone()
        return WriteTotals(**(row or {}))

    def written_since(self, since: datetime) -> list[Written]:
        """See PlanStore."""
        rows = self._connection.execute(statement("guard/sum_written_since"), {"since": since})
        return [Written(**row) for row in rows]

    def being_written(self, now: datetime, without: str) -> list[BeingWritten]:
        """See PlanStore."""
        asked = {"now": now, "without": checked_uuid(without, "plan")}
        return [BeingWritten(**row) for row in self._connection.execute(statement("guard/sum_being_written"), asked)]

    def row_counts(self, plan_id: str) -> dict[str, int]:
        """See PlanStore."""
        plan = self.get(plan_id, with_rows=False)
        rows = self._connection.execute(statement("guard/count_plan_rows"), {"plan_id": plan.plan_id}).fetchall()
        return {row["state"]: row["rows"] for row in rows}

    def states_of(self, plan_id: str, player_ids: Collection[str]) -> dict[str, RowState]:
        """See PlanStore."""
        asked = {"plan_id": checked_uuid(plan_id, "plan"), "player_ids": list(player_ids)}
        rows = self._connection.execute(statement("guard/select_states_of_players"), asked)
        return {row["player_id"]: RowState(row["state"]) for row in rows}

    def set_status(self, plan_id: str, status: PlanStatus) -> None:
        """See PlanStore."""
        key = checked_uuid(plan_id, "plan")
        row = self._connection.execute(statement("guard/update_plan_status"), {"plan_id": key, "status": status.value}).fetchone()
        if row is None:
            raise BadInputError(f"plan {plan_id}: does not exist; allowed: an id printed by `backfill dry-run`")

    def of_incident(self, incident_id: str) -> list[Plan]:
        """See PlanStore."""
        key = {"incident_id": checked_uuid(incident_id, "incident")}
        return [_plan(row) for row in self._connection.execute(statement("guard/select_plans_of_incident"), key).fetchall()]


def _flush(copy: Copy, digest: hashlib._Hash, prefix: bytes, waiting: list[bytes]) -> None:
    """Write the lines in `waiting` behind its first, empty, element, and empty it again."""
    digest.update(b"".join(waiting))
    # Joined by the prefix, each line but the empty first one gets it.
    copy.write(prefix.join(waiting))
    del waiting[1:]


def _plan(row: Row) -> Plan:
    return Plan(
        **{
            **row,
            "plan_id": str(row["plan_id"]),
            "mode": BackfillMode(row["mode"]),
            "counts": DifferenceCounts(**row["counts"]),
            "cents": CentTotals(**row["cents"]),
            "guardrails_exceeded": tuple(row["guardrails_exceeded"]),
            "incident_id": optional_text(row["incident_id"]),
            "status": PlanStatus(row["status"]),
        }
    )


def _plan_row(row: tuple[Any, ...]) -> PlanRow:
    """A row of select_plan_rows.sql, whose columns have the names of PlanRow's fields."""
    found = dict(zip(_PLAN_ROW_COLUMNS, row, strict=True))
    reason = None if found["reason"] is None else RowReason(found["reason"])
    return PlanRow(**{**found, "cause": RowCause(found["cause"]), "reason": reason, "state": RowState(found["state"])})
