"""The writer that the policy names, carrying out a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ledger_guard.domain.command_outcome import CommandFailed
from ledger_guard.domain.writer_leases import NO_RUN, WriterClaim
from ledger_guard.policy.command_runner import BackfillWriter
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.backfill.force import force
from ledger_guard.use_cases.backfill.run_platform_script import MovementWitness, PlatformScript, run_platform_script

#: builds the driver of the platform's script; called only where the policy names it as the writer
OpenScript = Callable[[Policy], tuple[PlatformScript, MovementWitness]]


def execute_plan(
    deps: Dependencies, plan_id: str, actor: str, open_script: OpenScript, claim: WriterClaim = NO_RUN
) -> dict[str, Any]:
    """Let the policy's writer execute the plan; the writer checks the approval. Returns counts of rows.

    Raises:
        CommandFailed: the script failed, or did something other than the plan. The message names every problem; the audit
        log has the full outcome. Read it, then compare the tenant again.
        BadInputError, SafetyRefusal, ConcurrentWriterError, WriterSuperseded, LedgerInvariantError, SourceUnavailable: as
            `force` and `run_platform_script`.
    """
    if deps.policy.backfill_writer is BackfillWriter.LEDGER_GUARD:
        return asdict(force(deps, plan_id, actor, claim=claim))
    script, witness = open_script(deps.policy)
    outcome = run_platform_script(deps, script, witness, plan_id, actor, claim)
    if not outcome.is_done:
        raise CommandFailed(f"plan {plan_id}: the platform's script did not do what the plan says: {'; '.join(outcome.problems)}")
    return {"applied": len(outcome.changes.applied)}
