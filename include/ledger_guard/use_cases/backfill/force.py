"""force and undo: carry out exactly the stored plan, and give back what stood before it, when every safety rule permits it."""

from __future__ import annotations

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.attestations import plan_attested, require_attested
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.facts.backfill import WriteRefused, about_plan
from ledger_guard.domain.flags import on_or_off
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.permission import require_permission
from ledger_guard.domain.plans import (
    ForceOutcome,
    Plan,
    PlanStatus,
    UndoOutcome,
    WriteTotals,
    require_forceable,
    require_undoable,
)
from ledger_guard.domain.stops import require_running
from ledger_guard.domain.windows import iso
from ledger_guard.domain.writability import writes_of_force, writes_of_undo
from ledger_guard.domain.writer_leases import NO_RUN, WriterClaim
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.autonomy import reasons_to_ask
from ledger_guard.use_cases.approvals.change_mode import fall_back
from ledger_guard.use_cases.approvals.modes import row_of_plan
from ledger_guard.use_cases.approvals.permission import require_attested_approvals, rule_now, subject_now
from ledger_guard.use_cases.approvals.policy_of_plan import require_same_rows
from ledger_guard.use_cases.approvals.repair_record import tell_repaired_again
from ledger_guard.use_cases.backfill.dry_run import current_flags, require_writable
from ledger_guard.use_cases.backfill.review import approval_reasons, written_before


def force(
    deps: Dependencies, plan_id: str, actor: str, batch_rows: int | None = None, claim: WriterClaim = NO_RUN
) -> ForceOutcome:
    """Write the plan's rows. All checks are made here, inside the writing task, from guard state only.

    A forced plan is not written again: its rows count as `already_applied`. To resume a killed run, call this again.
    `batch_rows` limits a batch (1 or more); None: the policy's value. A later try of the run in `claim` takes over from an
    earlier one that lives on.

    Raises:
        BadInputError: no such plan.
        SafetyRefusal: the guard is stopped, the plan cancelled, expired, not the plan that the audit log attests, made
            with other tables, ledger words or flags, without the approval that it needs, or where wallets can't be written; the
            refusal is in the audit log and nothing more was written. Release the guard, make a new dry-run, ask the
            approvers, or remove what is in the way.
        ConcurrentWriterError: another run writes for this tenant. Wait for it.
        WriterSuperseded: another writer has taken over, and goes on behind what this one wrote.
        LedgerInvariantError: the plan was edited after the dry-run. Stop and find out who did.
    """
    with deps.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
        stored = state.plans.content(plan.plan_id)
    try:
        plan.check_hash(stored)
        if plan.status is not PlanStatus.FORCED:
            require_guard_running(deps, f"plan {plan.plan_id}: force")
            require_attested_plan(deps, plan)
            require_forceable(plan)
            _require_fresh(deps, plan)
            if plan.status is PlanStatus.PLANNED:
                tell_repaired_again(deps, plan)
            _require_permission(deps, plan, stored.totals)
            _require_writable(deps, plan)
    except (SafetyRefusal, LedgerInvariantError) as refusal:
        record_refusal(deps, plan, "force", actor, str(refusal))
        raise

    admission = _Admission(deps, plan, stored.totals)
    rows = batch_rows or deps.policy.guardrails.batch_rows
    try:
        return deps.backfill.force(plan.plan_id, actor, rows, admission.still_permitted, admission.admit, claim)
    except _NotAdmitted as refusal:
        # not inside the transaction that refused: it is taken back
        record_refusal(deps, plan, "force", actor, str(refusal))
        raise


def record_refusal(deps: Dependencies, plan: Plan, verb: str, actor: str, reason: str) -> None:
    """Record a refused attempt to write, with the reason."""
    with deps.state.transaction() as state:
        event = about_plan(plan, WriteRefused(refused=reason), actor=actor, at=deps.wall_clock.now(), verb=verb)
        state.audit.append(event)


def require_guard_running(deps: Dependencies, what: str) -> None:
    """Raise SafetyRefusal while the guard is stopped."""
    with deps.state.transaction() as state:
        require_running(state.audit, what)


def require_attested_plan(deps: Dependencies, plan: Plan) -> None:
    """Raise SafetyRefusal, naming the columns that differ, unless a marked audit entry attests the plan as it is."""
    with deps.state.transaction() as state:
        require_attested(state.audit, plan_attested(plan))


def require_plan_approval(deps: Dependencies, plan: Plan, kind: ApprovalKind, what: str) -> None:
    """Raise SafetyRefusal unless the latest run to ask was permitted exactly this plan, by someone other than its maker.

    Only with break glass may the same person have made the plan.
    """
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        rule = rule_now(deps, state, kind)
        approvals = state.approvals.of_run(kind, plan.plan_id)
        require_attested_approvals(state, approvals, what)
        subject = subject_now(state, plan.plan_hash, approvals, made_by=plan.requested_by)
    require_permission(approvals, rule, subject, now, what)


def _require_fresh(deps: Dependencies, plan: Plan) -> None:
    if deps.wall_clock.now() > plan.expires_at:
        raise SafetyRefusal(f"plan {plan.plan_id}: expired at {iso(plan.expires_at)}; make a new dry-run")
    require_same_rows(deps, plan)
    now = current_flags(deps, plan.tenant_id)
    changed = [
        f"{flag} was {on_or_off(plan.flag_state.get(flag), 'unknown')} and is {on_or_off(now.get(flag), 'unknown')}"
        for flag in sorted(now.keys() | plan.flag_state.keys())
        if now.get(flag) != plan.flag_state.get(flag)
    ]
    if changed:
        raise SafetyRefusal(f"plan {plan.plan_id}: flags changed since the dry-run: {', '.join(changed)}; make a new dry-run")


def _require_permission(deps: Dependencies, plan: Plan, totals: WriteTotals) -> bool:
    """Whether people approved the plan; False when it needs none. Raises SafetyRefusal when it needs an approval it lacks."""
    with deps.state.transaction() as state:
        before = written_before(deps, state, plan.plan_id, plan.tenant_id)
        over = reasons_to_ask(deps, state, plan, totals)
    reasons = approval_reasons(deps.policy, plan, totals, before) + over
    if reasons:
        what = f"plan {plan.plan_id}: force needs an approval ({'; '.join(reasons)})"
        require_plan_approval(deps, plan, ApprovalKind.BACKFILL_FORCE, what)
    return bool(reasons)


class _NotAdmitted(SafetyRefusal):
    """The answer was another one once nobody could come in between any more."""


class _Admission:
    """What permits a plan, asked again where nobody can come in between."""

    def __init__(self, deps: Dependencies, plan: Plan, totals: WriteTotals) -> None:
        self._deps, self._plan, self._totals = deps, plan, totals
        self._is_approved = False

    def still_permitted(self) -> None:
        """Under the tenant's writer lock: another plan may have been written since it was asked first."""
        try:
            self._is_approved = _require_permission(self._deps, self._plan, self._totals)
        except SafetyRefusal as refusal:
            raise _NotAdmitted(str(refusal)) from refusal

    def admit(self, state: UnitOfWork) -> None:
        """In the transaction that begins the plan: another tenant's may have taken what was left of a budget."""
        if self._is_approved:
            return
        state.audit.take_turn()
        over = reasons_to_ask(self._deps, state, self._plan, self._totals)
        if over:
            why = f"plan {self._plan.plan_id}: force needs an approval ({'; '.join(over)}); clear `review` to ask for it"
            raise _NotAdmitted(why)


def _require_writable(deps: Dependencies, plan: Plan) -> None:
    doubts = require_writable(deps, writes_of_force(plan.mode, plan.counts), f"plan {plan.plan_id}")
    unseen = [each for each in doubts if each not in plan.guardrails_exceeded]
    if unseen:
        raise SafetyRefusal(f"plan {plan.plan_id}: since the dry-run {'; '.join(unseen)}; make a new dry-run")


def undo(deps: Dependencies, plan_id: str, actor: str, claim: WriterClaim = NO_RUN) -> UndoOutcome:
    """Restore before-values; always needs a recorded approval for this plan. Resumes a killed run.

    Raises:
        BadInputError: no such plan, or it was never forced.
        SafetyRefusal: the guard is stopped, the approval is missing or does not count, or the wallets can't be written;
            nothing was written. Release the guard, ask the approvers, or remove what is in the way.
        ConcurrentWriterError, WriterSuperseded: as `force`.
        LedgerInvariantError: the plan was edited after the dry-run. Stop and find out who did.
    """
    with deps.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
        stored = state.plans.content(plan.plan_id)
    require_undoable(plan)
    try:
        plan.check_hash(stored)
        if plan.status is not PlanStatus.UNDONE:
            require_guard_running(deps, f"plan {plan.plan_id}: undo")
            require_attested_plan(deps, plan)
            require_plan_approval(deps, plan, ApprovalKind.BACKFILL_UNDO, f"plan {plan.plan_id}: undo needs an approval")
            # The approver of an undo sees no database triggers: the result of an undo is read back like any other write.
            require_writable(deps, writes_of_undo(plan.mode, plan.counts), f"plan {plan.plan_id}")
    except (SafetyRefusal, LedgerInvariantError) as refusal:
        record_refusal(deps, plan, "undo", actor, str(refusal))
        raise
    if plan.status is not PlanStatus.UNDONE:
        # before the first row is given back: a killed undo has contradicted the repair too
        _fall_back(deps, plan)
    return deps.backfill.undo(plan.plan_id, actor, deps.policy.guardrails.batch_rows, claim)


def _fall_back(deps: Dependencies, plan: Plan) -> None:
    """The row that made the plan asks a human from now on."""
    with deps.state.transaction() as state:
        row = row_of_plan(deps, state, plan)
    if row is not None:
        fall_back(deps, (row,), f"plan {plan.plan_id} of tenant {plan.tenant_id} was undone", plan.incident_id)
