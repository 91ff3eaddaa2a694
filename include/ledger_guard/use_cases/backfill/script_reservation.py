"""What the platform's own script takes of the budgets: the whole plan while it runs, what it wrote afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ledger_guard.domain.attestations import is_unkeyed
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.script_writes import ScriptWriteBegun, ScriptWriteEnded
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import Plan, WriteTotals
from ledger_guard.domain.script_writes import KIND
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork


def reserve(deps: Dependencies, state: UnitOfWork, plan: Plan, totals: WriteTotals, longest: timedelta, actor: str) -> None:
    """Reserve what the script is about to write, in the transaction that records its start; it is gone after `longest`."""
    until = deps.wall_clock.now() + longest
    begun = ScriptWriteBegun(plan_id=plan.plan_id, rows=totals.rows, cents=totals.total_delta_cents, until=until)
    _append(deps, state, plan, begun, actor)


def count_written(deps: Dependencies, plan: Plan, written: tuple[int, Cents] | None, actor: str) -> None:
    """Count rows and cents written in the place of what was reserved; None: not known, all that was reserved counts."""
    rows, cents = written or (0, 0)
    ended = ScriptWriteEnded(plan_id=plan.plan_id, is_known=written is not None, written_rows=rows, written_cents=cents)
    with deps.state.transaction() as state:
        _append(deps, state, plan, ended, actor)


def _append(deps: Dependencies, state: UnitOfWork, plan: Plan, fact: ScriptWriteBegun | ScriptWriteEnded, actor: str) -> None:
    state.audit.append(
        recorded(
            replace(fact, unkeyed=is_unkeyed(state.audit)),
            actor=actor,
            subject=f"{KIND}:{plan.plan_id}",
            at=deps.wall_clock.now(),
            incident_id=plan.incident_id,
            tenant_id=plan.tenant_id,
        )
    )
