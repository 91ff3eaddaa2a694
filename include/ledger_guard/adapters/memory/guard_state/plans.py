"""Plans in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ledger_guard.adapters.memory.guard_state.tables import Store
from ledger_guard.domain.budgets import BeingWritten, Written
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.backfill import BatchWritten
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plan_rows import hash_of_lines, lines_of, row_of
from ledger_guard.domain.plan_summary import PlanSummary, summarise
from ledger_guard.domain.plans import Plan, PlanContent, PlanRow, PlanStatus, RowState, WriteTotals, write_totals
from ledger_guard.domain.repairs import Repair


class InMemoryPlanStore(Store):
    """PlanStore over the tables of one transaction."""

    def add(self, plan: Plan) -> None:
        """See PlanStore."""
        self._tables.require_incident(plan.incident_id)
        if plan.plan_id in self._tables.plans:
            raise SafetyRefusal(f"plan {plan.plan_id}: exists already; a plan never changes")
        rows = self._tables.plan_rows.pop(plan.plan_id, ()) + plan.rows
        rows = tuple(sorted(rows, key=lambda row: (row.player_id, row.currency)))
        self._tables.plans[plan.plan_id] = replace(plan, rows=rows, flag_state=dict(plan.flag_state))

    def get(self, plan_id: str, *, with_rows: bool = True) -> Plan:
        """See PlanStore."""
        if plan_id not in self._tables.plans:
            raise BadInputError(f"plan {plan_id}: does not exist; allowed: an id printed by `backfill dry-run`")
        plan = self._tables.plans[plan_id]
        return plan if with_rows else replace(plan, rows=())

    def latest(self, tenant_id: str) -> Plan | None:
        """See PlanStore."""
        newest_last = reversed(list(self._tables.plans.values()))
        found = [each for each in newest_last if each.tenant_id == tenant_id]
        return replace(max(found, key=lambda each: each.created_at), rows=()) if found else None

    def add_rows(self, plan_id: str, lines: Iterable[bytes]) -> tuple[PlanContent, PlanSummary]:
        """See PlanStore."""
        rows = tuple(row_of(line) for line in lines)
        self._tables.plan_rows[plan_id] = rows
        return _content(rows), summarise(rows)

    def summary(self, plan_id: str) -> PlanSummary:
        """See PlanStore."""
        return summarise(self.get(plan_id).rows)

    def content(self, plan_id: str) -> PlanContent:
        """See PlanStore."""
        return _content(self.get(plan_id).rows)

    def written_before(self, plan_id: str, tenant_id: str, since: datetime) -> WriteTotals:
        """See PlanStore."""
        events = (entry.event for entry in self._tables.audit.values())
        forced = {each.subject for each in events if (each.tenant_id, each.verb) == (tenant_id, "force") and each.at > since}
        rows = [
            row
            for plan in self._tables.plans.values()
            if f"plan:{plan.plan_id}" in forced and plan.plan_id != plan_id
            for row in plan.rows
            if (at := self._tables.forced_at.get((plan.plan_id, row.player_id, row.currency))) is not None and at > since
        ]
        earlier: Counter[tuple[str, str]] = Counter()
        for row in rows:
            earlier[row.player_id, row.currency] += row.moved
        own = self._tables.plans[plan_id].rows if plan_id in self._tables.plans else self._tables.plan_rows.get(plan_id, ())
        both = [row.moved + earlier[row.player_id, row.currency] for row in own if row.cause.is_writable and _key(row) in earlier]
        return replace(write_totals(rows), single_delta_cents=max(both, default=0))

    def record_forced(self, plan_id: str, keys: Iterable[tuple[str, str]], at: datetime) -> None:
        """Record when force wrote rows, by (player id, currency): what the journal of writes is on a database."""
        self._tables.forced_at.update({(plan_id, *key): at for key in keys})

    def record_written(self, tenant_id: str, rows: int, cents: Cents, at: datetime) -> None:
        """Record what force or undo wrote: what the journal of writes is on a database."""
        minute = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        self._tables.written[len(self._tables.written)] = at, Written(minute, tenant_id, rows, cents)

    def written_since(self, since: datetime) -> list[Written]:
        """See PlanStore."""
        found: dict[tuple[datetime, str], Written] = {}
        for at, each in self._tables.written.values():
            if at > since:
                before = found.get((each.at, each.tenant_id), replace(each, rows=0, cents=0))
                summed = replace(each, rows=before.rows + each.rows, cents=before.cents + each.cents)
                found[each.at, each.tenant_id] = summed
        return [found[key] for key in sorted(found)]

    def being_written(self, now: datetime, without: str) -> list[BeingWritten]:
        """See PlanStore."""
        begun = [
            (plan, [row for row in plan.rows if row.cause.is_writable and row.state is RowState.PLANNED])
            for plan in self._tables.plans.values()
            if plan.status is PlanStatus.FORCING and plan.plan_id != without and plan.expires_at >= now
        ]
        return [BeingWritten(plan.tenant_id, len(rows), sum(row.moved for row in rows)) for plan, rows in begun if rows]

    def repairs(self, since: datetime, tenant_id: str | None = None) -> list[Repair]:
        """See PlanStore."""
        writers = {
            entry.event.subject.removeprefix("plan:"): (entry.event.tenant_id or "", entry.event.actor)
            for entry in reversed(self._tables.audit.values())
            if entry.event.verb == "force" and told(entry.event, BatchWritten)
        }
        found = [
            Repair(plan_id, tenant, min(written.values()), max(written.values()), len(written), self._moved(plan_id, written), by)
            for plan_id, (tenant, by) in writers.items()
            if tenant_id in (None, tenant) and (written := self._forced_since(plan_id, since))
        ]
        return sorted(found, key=lambda each: (each.ended_at, each.plan_id))

    def _forced_since(self, plan_id: str, since: datetime) -> dict[tuple[str, str], datetime]:
        """When force wrote each row of a plan, by player and currency."""
        return {key[1:]: at for key, at in self._tables.forced_at.items() if key[0] == plan_id and at > since}

    def _moved(self, plan_id: str, keys: Collection[tuple[str, str]]) -> Cents:
        return sum(row.moved for row in self._tables.plans[plan_id].rows if _key(row) in keys)

    def writable_players(self, plan_id: str, after: str, limit: int) -> list[str]:
        """See PlanStore."""
        rows = self._tables.plans[plan_id].rows
        return sorted({row.player_id for row in rows if row.cause.is_writable and row.player_id > after})[:limit]

    def rows_written_before(self, plan_id: str, earlier: Collection[str]) -> int:
        """See PlanStore."""
        written = {key[1:] for key in self._tables.forced_at if key[0] in earlier}
        return sum(row.cause.is_writable and _key(row) in written for row in self.get(plan_id).rows)

    def row_counts(self, plan_id: str) -> dict[str, int]:
        """See PlanStore."""
        return dict(Counter(row.state.value for row in self.get(plan_id).rows))

    def states_of(self, plan_id: str, player_ids: Collection[str]) -> dict[str, RowState]:
        """See PlanStore."""
        return {row.player_id: row.state for row in self.get(plan_id).rows if row.player_id in player_ids}

    def set_status(self, plan_id: str, status: PlanStatus) -> None:
        """See PlanStore."""
        self._tables.plans[plan_id] = replace(self.get(plan_id), status=status)

    def set_row_states(self, plan_id: str, states: Mapping[tuple[str, str], RowState]) -> None:
        """Record the state of rows, by (player id, currency), as a backfill runner does."""
        plan = self.get(plan_id)
        rows = tuple(replace(row, state=states.get((row.player_id, row.currency), row.state)) for row in plan.rows)
        self._tables.plans[plan_id] = replace(plan, rows=rows)

    def of_incident(self, incident_id: str) -> list[Plan]:
        """See PlanStore."""
        found = [replace(each, rows=()) for each in self._tables.plans.values() if each.incident_id == incident_id]
        return sorted(found, key=lambda each: each.created_at)


def _key(row: PlanRow) -> tuple[str, str]:
    return row.player_id, row.currency


def _content(rows: Sequence[PlanRow]) -> PlanContent:
    return PlanContent(hash_of_lines(lines_of(rows)), write_totals(rows))
