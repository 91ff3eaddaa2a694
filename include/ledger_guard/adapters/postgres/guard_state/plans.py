"""Plans with their rows in Postgres."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from datetime import datetime

from psycopg import Copy

from ledger_guard.adapters.postgres.rows import Store, as_jsonb, given, rows_as
from ledger_guard.domain.budgets import BeingWritten, Written
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.plan_rows import lines_of
from ledger_guard.domain.plan_summary import CLASS_ENDS_CENTS, LARGEST_ROWS, CauseTotals, LargeRow, PlanSummary
from ledger_guard.domain.plans import (
    NOTHING_WRITTEN,
    Plan,
    PlanContent,
    PlanRow,
    PlanStatus,
    RowState,
    WriteTotals,
)
from ledger_guard.domain.repairs import Repair
from ledger_guard.sql import statement

#: rows fetched at a time: memory stays that of the plan asked for
_FETCH_ROWS = 20_000
#: lines passed to the copy together
_COPY_LINES = 1_000


class PostgresPlanStore(Store):
    """PlanStore; rows come in with one copy."""

    def add(self, plan: Plan) -> None:
        """See PlanStore."""
        parameters = {
            **given(replace(plan, rows=())),
            "counts": as_jsonb(asdict(plan.counts)),
            "cents": as_jsonb(asdict(plan.cents)),
        }
        if self._row("guard/insert_plan", **parameters) is None:
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
        histogram: Counter[int | None] = Counter()
        causes: dict[tuple[str, str, bool], Counter[str]] = defaultdict(Counter)
        for group in self._execute("guard/sum_causes", **key, class_ends=list(CLASS_ENDS_CENTS)):
            histogram[group["class_end"]] += group["rows"]
            totals = {name: group[name] for name in ("rows", "up_cents", "down_cents")}
            causes[group["cause"], group["currency"], group["is_created"]].update(totals)
        return PlanSummary(
            causes=tuple(
                CauseTotals(RowCause(cause), currency, is_created, totals["rows"], totals["up_cents"], totals["down_cents"])
                for (cause, currency, is_created), totals in sorted(causes.items())
            ),
            largest=tuple(self._all(LargeRow, "guard/select_largest_rows", **key, limit=LARGEST_ROWS)),
            histogram=histogram,
        )

    def get(self, plan_id: str, *, with_rows: bool = True) -> Plan:
        """See PlanStore."""
        key = {"plan_id": checked_uuid(plan_id, "plan")}
        plan = self._one(Plan, "guard/select_plan", **key)
        if plan is None:
            raise _unknown(plan_id)
        return replace(plan, rows=tuple(self._rows(key["plan_id"]))) if with_rows else plan

    def _rows(self, plan_id: str) -> list[PlanRow]:
        with self._connection.cursor("plan_rows", row_factory=rows_as(PlanRow)) as cursor:
            cursor.itersize = _FETCH_ROWS
            cursor.execute(statement("guard/select_plan_rows"), {"plan_id": plan_id}, binary=True)
            return list(cursor)

    def latest(self, tenant_id: str) -> Plan | None:
        """See PlanStore."""
        return self._one(Plan, "guard/select_latest_plan", tenant_id=tenant_id)

    def content(self, plan_id: str) -> PlanContent:
        """See PlanStore: the rows are hashed as they stream by."""
        key = {"plan_id": self.get(plan_id, with_rows=False).plan_id}
        digest = hashlib.sha256()
        kept = self._row("guard/has_targets", **key)
        lines_covered = "copy_plan_content" if kept and kept["has_targets"] else "copy_plan_content_without_targets"
        with self._connection.cursor() as cursor, cursor.copy(statement(f"guard/{lines_covered}"), key) as copy:
            for lines in copy:
                digest.update(lines)
        return PlanContent(digest.hexdigest(), self._totals(plan_id))

    def _totals(self, plan_id: str) -> WriteTotals:
        return self._one(WriteTotals, "guard/sum_plan_rows", plan_id=plan_id) or NOTHING_WRITTEN

    def written_before(self, plan_id: str, tenant_id: str, since: datetime) -> WriteTotals:
        """See PlanStore."""
        asked = {"plan_id": checked_uuid(plan_id, "plan"), "tenant_id": tenant_id, "since": since}
        row = self._connection.execute(statement("guard/sum_written_before"), asked).fetchone()
        return WriteTotals(**(row or {}))

    def written_since(self, since: datetime) -> list[Written]:
        """See PlanStore."""
        return self._all(Written, "guard/sum_written_since", since=since)

    def being_written(self, now: datetime, without: str) -> list[BeingWritten]:
        """See PlanStore."""
        return self._all(BeingWritten, "guard/sum_being_written", now=now, without=checked_uuid(without, "plan"))

    def repairs(self, since: datetime, tenant_id: str | None = None) -> list[Repair]:
        """See PlanStore."""
        if tenant_id is None:
            return self._all(Repair, "guard/select_repairs", since=since)
        return self._all(Repair, "guard/select_repairs_of_tenant", since=since, tenant_id=tenant_id)

    def writable_players(self, plan_id: str, after: str, limit: int) -> list[str]:
        """See PlanStore."""
        asked = {"plan_id": checked_uuid(plan_id, "plan"), "after": after, "limit": limit}
        return [row["player_id"] for row in self._execute("guard/select_writable_players", **asked)]

    def rows_written_before(self, plan_id: str, earlier: Collection[str]) -> int:
        """See PlanStore."""
        asked = {"plan_id": checked_uuid(plan_id, "plan"), "earlier": [checked_uuid(each, "plan") for each in earlier]}
        row = self._row("guard/count_rows_written_before", **asked)
        return int(row["rows"]) if row else 0

    def row_counts(self, plan_id: str) -> dict[str, int]:
        """See PlanStore."""
        plan = self.get(plan_id, with_rows=False)
        return {row["state"]: row["rows"] for row in self._execute("guard/count_plan_rows", plan_id=plan.plan_id)}

    def states_of(self, plan_id: str, player_ids: Collection[str]) -> dict[str, RowState]:
        """See PlanStore."""
        key = checked_uuid(plan_id, "plan")
        rows = self._execute("guard/select_states_of_players", plan_id=key, player_ids=list(player_ids))
        return {row["player_id"]: RowState(row["state"]) for row in rows}

    def set_status(self, plan_id: str, status: PlanStatus) -> None:
        """See PlanStore."""
        if self._row("guard/update_plan_status", plan_id=checked_uuid(plan_id, "plan"), status=status.value) is None:
            raise _unknown(plan_id)

    def of_incident(self, incident_id: str) -> list[Plan]:
        """See PlanStore."""
        return self._all(Plan, "guard/select_plans_of_incident", incident_id=checked_uuid(incident_id, "incident"))


def _flush(copy: Copy, digest: hashlib._Hash, prefix: bytes, waiting: list[bytes]) -> None:
    """Write the lines in `waiting` behind its first, empty, element, and empty it again."""
    digest.update(b"".join(waiting))
    # Joined by the prefix, each line but the empty first one gets it.
    copy.write(prefix.join(waiting))
    del waiting[1:]


def _unknown(plan_id: str) -> BadInputError:
    return BadInputError(f"plan {plan_id}: does not exist; allowed: an id printed by `backfill dry-run`")
