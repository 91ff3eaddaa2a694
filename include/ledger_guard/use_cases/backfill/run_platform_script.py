"""run_script: let the platform's own backfill script execute a stored plan, and check what it really did.

The script erases what the ledger explains, keeps no before-values and reports nothing. So it runs only on a tenant where it can
erase nothing, and only the wallets show what it did. Our own `force` needs none of these restrictions.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.attestations import is_unkeyed
from ledger_guard.domain.command_outcome import CommandFailed, CommandOutcome, CommandRun, wallet_changes, wallets_moved
from ledger_guard.domain.errors import LedgerGuardError, SafetyRefusal, SourceUnavailable, WriterSuperseded
from ledger_guard.domain.facts.backfill import (
    ScriptFinished,
    ScriptInterrupted,
    ScriptNotCompared,
    ScriptRehearsed,
    ScriptStarted,
    ScriptStep,
    about_plan,
)
from ledger_guard.domain.identifiers import checked_tenant_id, checked_uuid
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import BackfillMode, Plan, write_totals
from ledger_guard.domain.windows import Window
from ledger_guard.domain.writer_leases import NO_RUN, WriterClaim
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.ports.platform import Comparison
from ledger_guard.signals.balance_mismatch import BalanceMismatch
from ledger_guard.signals.registry import triggers_meaning
from ledger_guard.use_cases.approvals.autonomy import reasons_of_plan, reasons_to_ask
from ledger_guard.use_cases.approvals.policy_of_plan import require_same_rows_and_writer
from ledger_guard.use_cases.approvals.repair_record import tell_repaired_again
from ledger_guard.use_cases.backfill.dry_run import dry_run, require_tenant
from ledger_guard.use_cases.backfill.force import (
    record_refusal,
    require_attested_plan,
    require_guard_running,
    require_plan_approval,
)
from ledger_guard.use_cases.backfill.run_platform_script_rules import (
    approval_reasons,
    changed_elsewhere,
    outcome_told,
    require_nothing_to_erase,
    require_same,
    require_still,
    require_unused,
    run_told,
)
from ledger_guard.use_cases.backfill.script_reservation import count_written, reserve
from ledger_guard.use_cases.backfill.script_turn import VERB, ScriptTurn, script_turn


class PlatformScript(Protocol):
    """The platform's backfill script as a process, started and ended here."""

    def check(self) -> None:
        """Check that it can be started.

        Raises:
            BadInputError: the policy names a program or folder that does not exist here. Correct the policy.
            SafetyRefusal: its database is not the one that the guard compares, or is not named.
        """

    def as_only_writer(self, tenant_id: str) -> AbstractContextManager[None]:
        """Hold the tenant's writer lock within the block.

        Raises:
            ConcurrentWriterError: another run writes for this tenant. Wait for it, then start again.
        """

    def wait(self, seconds: float) -> None:
        """Let an earlier writer end."""

    def longest_run(self) -> timedelta:
        """How long a run can take before its process is ended and gone."""

    def run(self, tenant_id: str, mode: BackfillMode, *, is_dry_run: bool, must_end: Callable[[], bool] = ...) -> CommandRun:
        """Run it for this tenant until it ends; the process is gone when this returns or raises.

        `must_end` is asked about every second, and ends it (`cancelled`): its open transaction is rolled back.
        """


class MovementWitness(Protocol):
    """Finds movements booked during a run that are missing in the wallet."""

    def newest_movement(self, tenant_id: str) -> str:
        """The current end of the tenant's ledger; a mark for `erased_since`."""

    def erased_since(self, tenant_id: str, newest_movement: str) -> list[str]:
        """Players with wallet-only movements booked since the mark that their wallet does not show."""


def run_platform_script(
    deps: Dependencies, script: PlatformScript, witness: MovementWitness, plan_id: str, actor: str, claim: WriterClaim = NO_RUN
) -> CommandOutcome:
    """Run the script for the plan's tenant, its own dry-run first, and compare the tenant before and after.

    A run that failed or did something other than the plan is returned, not raised: see `is_done` and `problems`. The plan stays
    `planned`: there are no before-images, so `undo` has nothing to restore. A fresh dry-run of our own is stored too and must
    have the same hash. Every step is in the audit log; the start of the writing run is recorded before it starts.

    Raises:
        BadInputError: no such plan, or its tenant is gone. Nothing was started.
        SafetyRefusal: a rule refuses; the refusal is in the audit log and the script has not written. Make a new dry-run, ask
            the approvers, or use `force`.
        CommandFailed: the script's dry-run failed. It has not written; its last lines are in the audit log.
        SourceUnavailable: the platform did not answer. If this was after the run, its effect is unknown: `verify`.
    """
    with deps.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
    tenant_id = checked_tenant_id(plan.tenant_id)
    require_tenant(deps, tenant_id)
    try:
        script.check()
        require_guard_running(deps, f"plan {plan.plan_id}: the script")
        require_attested_plan(deps, plan)
        require_unused(plan, deps.wall_clock.now())
        require_same_rows_and_writer(deps, plan)
        with script_turn(deps, plan, claim, lambda: script.as_only_writer(tenant_id), script.wait) as turn:
            return _Course(deps, script, witness, plan, actor, turn).carried_out()
    except WriterSuperseded:
        raise
    except SafetyRefusal as refusal:
        record_refusal(deps, plan, VERB, actor, str(refusal))
        raise


class _Course:
    """The steps for one plan, under the tenant's writer lock."""

    def __init__(
        self, deps: Dependencies, script: PlatformScript, witness: MovementWitness, plan: Plan, actor: str, turn: ScriptTurn
    ) -> None:
        self._deps = deps
        self._script = script
        self._witness = witness
        self._plan = plan
        self._actor, self._turn = actor, turn
        #: whether people approved the plan
        self._is_approved = False

    def carried_out(self) -> CommandOutcome:
        fresh = self._planned_again()
        others = self._mismatches_elsewhere()
        rehearsal = self._dry_run()
        # Again: the dry-run took time, and only the script itself claims that it writes nothing.
        before = self._compare()
        require_still(fresh, before)
        require_guard_running(self._deps, f"plan {self._plan.plan_id}: the script")
        mark = self._witness.newest_movement(self._plan.tenant_id)
        self._begin(fresh)
        run = self._run()
        try:
            after = self._compare()
            erased = self._witness.erased_since(self._plan.tenant_id, mark)
        except LedgerGuardError as error:
            self._record(ScriptNotCompared(step="finished", run=run_told(run), not_compared=str(error)))
            self._count(None)
            raise
        self._count(wallets_moved(before.rows, after.rows))
        outcome = CommandOutcome(
            plan_id=self._plan.plan_id,
            tenant_id=self._plan.tenant_id,
            dry_run=rehearsal,
            run=run,
            changes=wallet_changes(fresh.rows, before.rows, after.rows, erased),
            other_tenants=changed_elsewhere(others, self._mismatches_elsewhere()),
        )
        self._record(ScriptFinished(step="finished", **vars(outcome_told(outcome))))
        return outcome

    def _planned_again(self) -> Plan:
        """The plan as a dry-run makes it now, with its rows; it may be executed when this returns."""
        plan = self._plan
        made = dry_run(self._deps, plan.tenant_id, plan.mode, self._actor)
        tell_repaired_again(self._deps, plan)
        with self._deps.state.transaction() as state:
            fresh = state.plans.get(made.plan_id)
            over, rows_hash = self._reasons_to_ask(state, fresh), state.plans.content(fresh.plan_id).rows_hash
        require_nothing_to_erase(plan, fresh)
        require_same(plan, fresh, rows_hash)
        reasons = approval_reasons(self._deps.policy, plan, fresh) + over
        if reasons:
            needed = f"plan {plan.plan_id}: the script needs an approval ({'; '.join(reasons)})"
            require_plan_approval(self._deps, plan, ApprovalKind.BACKFILL_FORCE, needed)
        self._is_approved = bool(reasons)
        return fresh

    def _reasons_to_ask(self, state: UnitOfWork, fresh: Plan) -> tuple[str, ...]:
        """As `reasons_to_ask`, of `fresh`: what this plan wrote before counts too. People were asked about the plan itself."""
        # The fresh dry-run belongs to no incident, and without one there is no mode.
        fresh, totals = replace(fresh, incident_id=self._plan.incident_id), write_totals(fresh.rows)
        return (*reasons_of_plan(self._deps, state, self._plan, totals), *reasons_to_ask(self._deps, state, fresh, totals))

    def _begin(self, fresh: Plan) -> None:
        """Record the start and reserve what the plan takes of the budgets, where no other plan can come in between."""
        plan, totals = self._plan, write_totals(fresh.rows)
        with self._deps.state.transaction() as state:
            state.audit.take_turn()
            self._turn.require(state)
            if over := () if self._is_approved else self._reasons_to_ask(state, fresh):
                raise SafetyRefusal(f"plan {plan.plan_id}: the script needs an approval ({'; '.join(over)})")
            self._append(state, ScriptStarted(step="started", mode=plan.mode.value))
            reserve(self._deps, state, plan, totals, self._script.longest_run(), self._actor)

    def _compare(self) -> Comparison:
        # All differences, in every mode: those that the plan leaves out must stay as they are.
        return self._deps.ledger.compare(self._plan.tenant_id, BackfillMode.FORCE)

    def _dry_run(self) -> CommandRun:
        run = self._script.run(self._plan.tenant_id, self._plan.mode, is_dry_run=True)
        self._record(ScriptRehearsed(step="dry_run", run=run_told(run)))
        if not run.ended_well:
            last = f": {run.output[-1]}" if run.output else ", without a word"
            raise CommandFailed(f"plan {self._plan.plan_id}: the script's dry-run {run.ending}{last}; the run was not started")
        return run

    def _run(self) -> CommandRun:
        try:
            return self._script.run(self._plan.tenant_id, self._plan.mode, is_dry_run=False, must_end=self._turn.is_over)
        except BaseException as interruption:
            by = type(interruption).__name__
            self._record(ScriptInterrupted(step="interrupted", by=by, not_compared="batches may be written"))
            self._count(None)
            raise

    def _mismatches_elsewhere(self) -> dict[str, int] | None:
        """Mismatches by other tenant; None when they can't be counted now, which is no reason to stop."""
        window = Window.containing(self._deps.clock.now(), timedelta(minutes=self._deps.policy.window_minutes))
        compared = triggers_meaning(self._deps.policy, BalanceMismatch)
        if not compared:
            return None
        try:
            readings = self._deps.signals.readings(compared[0], window, window)
        except SourceUnavailable:
            return None
        return {reading.tenant_id: reading.events for reading in readings if reading.tenant_id != self._plan.tenant_id}

    def _count(self, written: tuple[int, Cents] | None) -> None:
        count_written(self._deps, self._plan, written, self._actor)

    def _record(self, step: ScriptStep) -> None:
        with self._deps.state.transaction() as state:
            self._append(state, step)

    def _append(self, state: UnitOfWork, step: ScriptStep) -> None:
        step = replace(step, unkeyed=is_unkeyed(state.audit))
        state.audit.append(about_plan(self._plan, step, actor=self._actor, at=self._deps.wall_clock.now()))
