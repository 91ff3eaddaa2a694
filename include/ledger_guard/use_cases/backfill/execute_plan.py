"""Execute a plan in a backfill run: by the guard's own force, or by the platform's script where the policy says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ledger_guard.domain.command_outcome import CommandFailed
from ledger_guard.domain.facts.backfill import ScriptFinished, ScriptInterrupted, ScriptNotCompared, ScriptStarted
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.plans import Plan
from ledger_guard.policy.command_runner import BackfillWriter
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.backfill.force import force
from ledger_guard.use_cases.backfill.run_platform_script import MovementWitness, PlatformScript, run_platform_script

#: builds the driver of the platform's script; called only where the policy names it as the writer
OpenScript = Callable[[Policy], tuple[PlatformScript, MovementWitness]]


def execute_plan(deps: Dependencies, plan_id: str, actor: str, open_script: OpenScript) -> dict[str, Any]:
    """Let the policy's writer execute the plan; the writer checks the approval. Returns counts of rows.

    Raises:
        CommandFailed: the script failed, or did something other than the plan. The message names every problem; the audit
        log has the full outcome. Read it, then compare the tenant again.
        BadInputError, SafetyRefusal, ConcurrentWriterError, LedgerInvariantError, SourceUnavailable: as `force` and
            `run_platform_script`.
    """
    if deps.policy.backfill_writer is BackfillWriter.LEDGER_GUARD:
        return asdict(force(deps, plan_id, actor))
    script, witness = open_script(deps.policy)
    outcome = run_platform_script(deps, script, witness, plan_id, actor)
    if not outcome.is_done:
        raise CommandFailed(f"plan {plan_id}: the platform's script did not do what the plan says: {'; '.join(outcome.problems)}")
    return {"applied": len(outcome.changes.applied)}


def script_ending(state: UnitOfWork, plan: Plan) -> tuple[bool, str] | None:
    """How the newest run of the platform's script for this plan ended, from the audit log; None when none ever wrote.

    Returns whether it did exactly the plan, and a sentence. Such a plan stays `planned`: the script keeps no before-values, so
    `undo` has nothing to restore.
    """
    ending = None
    for entry in state.audit.entries(tenant_id=plan.tenant_id):
        if entry.event.subject != f"plan:{plan.plan_id}":
            continue
        if told(entry.event, ScriptStarted) or told(entry.event, ScriptInterrupted):
            ending = False, "the platform's script was started; how it ended is not on record: compare the tenant again"
        elif finished := told(entry.event, ScriptFinished):
            rows, problems = finished.changes["applied"].players, "; ".join(finished.problems)
            ending = finished.is_done, f"written by the platform's script: {rows} rows; {problems or 'can not be undone'}"
        elif unknown := told(entry.event, ScriptNotCompared):
            ending = False, f"the platform's script ran; what it did is not known: {unknown.not_compared}"
    return ending
