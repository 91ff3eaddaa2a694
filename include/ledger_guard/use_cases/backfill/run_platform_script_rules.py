"""What must hold for the platform's own script to be run, and its run as the audit log and the command line tell it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime

from ledger_guard.domain.command_outcome import CommandOutcome, CommandRun, WalletChanges
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.backfill import PlayerGroup, ScriptOutcome, ScriptRun
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.plans import BackfillMode, Plan, PlanRow, PlanStatus, plan_hash
from ledger_guard.domain.windows import iso
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.platform import Comparison

#: the only currency that the script knows
SCRIPT_CURRENCY = "USD"


def require_unused(plan: Plan, now: datetime) -> None:
    """Raise SafetyRefusal when the plan expired, was already started, or is in a currency that the script does not support."""
    what = f"plan {plan.plan_id}"
    if plan.status is not PlanStatus.PLANNED:
        raise SafetyRefusal(f"{what}: is {plan.status.value} already; allowed: a plan of which nothing was written yet")
    if plan.currency != SCRIPT_CURRENCY:
        raise SafetyRefusal(f"{what}: is in {plan.currency}, but the script supports only {SCRIPT_CURRENCY}; use `force`")
    if now > plan.expires_at:
        raise SafetyRefusal(f"{what}: expired at {iso(plan.expires_at)}; make a new dry-run")


def require_nothing_to_erase(plan: Plan, fresh: Plan) -> None:
    """Raise SafetyRefusal when the script would overwrite a right wallet, or has nothing to do.

    The script takes no list of rows: with `--force` it overwrites every wallet of the tenant, without it creates every missing
    one.
    """
    counts = fresh.counts
    others = sum((row.target_available, row.target_pending) != (row.player_available, row.player_held) for row in fresh.rows)
    right = counts.protected if plan.mode is BackfillMode.FORCE else 0
    if right + counts.for_humans + others:
        raise SafetyRefusal(
            f"tenant {plan.tenant_id}: the script copies player rows, and {others} wallets should hold something else, {right} "
            f"are right (only the player row differs) and {counts.for_humans} need a human; use `force`, which writes what "
            "the evidence gives"
        )
    if not fresh.rows:
        # Even where all wallets agree, the script overwrites them with values it read earlier.
        raise SafetyRefusal(f"tenant {plan.tenant_id}: has nothing to write; allowed: a plan with at least one row")


def require_same(plan: Plan, fresh: Plan, rows_hash: str) -> None:
    """Raise SafetyRefusal unless a dry-run made now, with rows of this hash, has the same tenant, mode, rows and flags."""
    found = plan_hash(fresh.tenant_id, fresh.mode, fresh.currency, rows_hash, fresh.flag_state, policy_hash=plan.policy_hash)
    if found == plan.plan_hash:
        return
    if fresh.flag_state != plan.flag_state:
        what = "flags changed since the dry-run"
    else:
        what = "its rows differ from the tenant's current ones"
    raise SafetyRefusal(f"plan {plan.plan_id}: {what}; make a new dry-run")


def require_still(fresh: Plan, found: Comparison) -> None:
    """Raise SafetyRefusal unless the tenant still has exactly the rows that `fresh` saw."""
    present = [row for row in found.rows if fresh.mode is BackfillMode.FORCE or row.cause is RowCause.MISSING]
    unlike = len(_as_seen(present) ^ _as_seen(fresh.rows))
    if unlike:
        raise SafetyRefusal(
            f"tenant {fresh.tenant_id}: {unlike} rows changed during the script's own dry-run. Make a new dry-run. If that "
            "happens again, check what the script writes"
        )


def approval_reasons(policy: Policy, plan: Plan, fresh: Plan) -> tuple[str, ...]:
    """Why a human must approve the plan before the script runs, as for `force`; empty when no approval is needed."""
    exceeded = dict.fromkeys((*fresh.guardrails_exceeded, *plan.guardrails_exceeded))
    always = () if policy.guardrails.force_without_approval else ("the policy's force_without_approval is false",)
    return (*exceeded, *always)


def _as_seen(rows: Iterable[PlanRow]) -> set[tuple[object, ...]]:
    return {
        (row.player_id, row.cause, row.player_available, row.player_held, row.wallet_available, row.wallet_pending)
        for row in rows
    }


#: players named in each group; their number is always complete
PLAYERS_NAMED = 20


def run_told(run: CommandRun) -> ScriptRun:
    """One process."""
    return ScriptRun(
        command=tuple(run.command),
        end=run.end.value,
        exit_code=run.exit_code,
        milliseconds=round(run.seconds * 1000),
        output=tuple(run.output),
        lines_dropped=run.lines_dropped,
    )


def outcome_told(outcome: CommandOutcome) -> ScriptOutcome:
    """The whole outcome; groups of players as their number and the first of them, by id."""
    others = outcome.other_tenants
    return ScriptOutcome(
        plan_id=outcome.plan_id,
        tenant_id=outcome.tenant_id,
        is_done=outcome.is_done,
        problems=tuple(outcome.problems),
        remarks=tuple(outcome.remarks),
        changes=changes_told(outcome.changes),
        other_tenants_changed=None if others is None else len(others),
        dry_run=run_told(outcome.dry_run),
        run=run_told(outcome.run),
    )


def changes_told(changes: WalletChanges) -> dict[str, PlayerGroup]:
    """Each group by name: how many players, and some of them."""
    groups = {group.name: getattr(changes, group.name) for group in fields(changes)}
    return {name: PlayerGroup(players=len(found), some=tuple(found[:PLAYERS_NAMED])) for name, found in groups.items()}


def changed_elsewhere(before: dict[str, int] | None, after: dict[str, int] | None) -> dict[str, tuple[int, int]] | None:
    """Other tenants whose number of mismatches changed, (before, after); None when they were not counted both times."""
    if before is None or after is None:
        return None
    counts = {
        tenant_id: (before.get(tenant_id, 0), after.get(tenant_id, 0)) for tenant_id in sorted(before.keys() | after.keys())
    }
    return {tenant_id: pair for tenant_id, pair in counts.items() if pair[0] != pair[1]}
