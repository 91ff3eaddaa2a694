"""What a row in shadow does in place of its actions: it reads and records, writes nothing and asks no one."""

from __future__ import annotations

from typing import Any

from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.facts.modes import HeldInShadow
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Action, ActionStatus
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.remediation.remediate import Case, child_runs, targets

#: steps that only read; in shadow every other one is recorded in its place
READING_STEPS = ("triage", "check_secrets")
#: actions with runs of their own, and the one that a shadow starts for it: it makes a plan and writes nothing
_READING_RUNS = {"backfill": "dry_run", "dry_run": "dry_run"}


def runs_of(deps: Dependencies, case: Case, kind: str) -> list[dict[str, Any]]:
    """As `child_runs`. In shadow: dry-runs for backfills, so that rows and money are known; a rollback is recorded, not asked."""
    if not case.is_shadow:
        return child_runs(deps, case, kind)
    if kind in _READING_RUNS:
        return child_runs(deps, case, _READING_RUNS[kind])
    for target in targets(deps, case, kind):
        record(deps, case, kind, target)
    return []


def is_only_recorded(case: Case, word: str) -> bool:
    """Whether a step of the remediation is recorded in place of being done."""
    return case.is_shadow and word not in READING_STEPS


def record(deps: Dependencies, case: Case, kind: str, target: str) -> str:
    """Record an action that was not taken, and return it in words; on a repeated call nothing is added."""
    row = deps.policy.row_for(deps.policy.checked_trigger(case.trigger), Severity.parse(case.severity), Scope.parse(case.scope))
    words, now = f"shadow: {row.name} would have done this; nothing was done", deps.clock.now()
    detail: dict[str, object] = {Mode.SHADOW.value: case.run_key}
    with deps.state.transaction() as state:
        for each in state.actions.of_incident(case.incident_id):
            if (each.kind, each.target, each.detail) == (kind, target, detail):
                return words
        action = Action(new_id(), case.incident_id, kind, target, ActionStatus.REFUSED, now, now, None, words, detail)
        state.actions.start(action)
        fact, at = HeldInShadow(row=row.name, action=kind, target=target), deps.wall_clock.now()
        subject = f"incident:{case.incident_id}"
        state.audit.append(recorded(fact, actor=GUARD_ITSELF, subject=subject, at=at, incident_id=case.incident_id))
    return words
