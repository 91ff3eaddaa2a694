"""The question of a drill, and its answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ledger_guard.domain.approvals import Answer, Approval, ApprovalKind
from ledger_guard.domain.drills import MARK, Drill, DrillOutcome, drill_of
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.facts.drills import DrillEnded
from ledger_guard.domain.shown_text import wrote
from ledger_guard.domain.stops import active_stop
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.approvals.permission import verify_approval, why_no_answer
from ledger_guard.use_cases.drills.end import end_drill

GATE = "request_approval"


def drill_question(deps: Dependencies, params: Mapping[str, Any], requested_by: str, about: str) -> dict[str, Any]:  # noqa: ARG001
    """What the gate asks: whether the policy's row may be carried out. Built from guard state; `about` is the drill's id.

    Raises SafetyRefusal when the drill has no alarm, or has ended.
    """
    with deps.state.transaction() as state:
        drill, stop = drill_of(state.audit, about), active_stop(state.audit)
    judged = drill.judged
    if judged is None or not judged.is_alarm or drill.ended is not None:
        raise SafetyRefusal(f"drill {about}: is not to be asked about; needed: a running drill whose rise was judged an alarm")
    stopped = f" The guard is {stop.sentence}." if stop is not None else ""
    proposal = (
        f"{MARK}Nothing is written, whatever you answer. Made-up tenant {drill.request.canary_id}: "
        f"{drill.trigger} {judged.severity}, {judged.scope}: {judged.sentence} "
        f"In earnest the policy would: {', '.join(judged.actions)}. Answer as you would then.{stopped}"
    )
    return {"subject_id": about, "subject_hash": _hash(drill), "incident_id": None, "proposal": proposal}


def check_drill_answer(deps: Dependencies, drill_id: str, run_id: str) -> str:
    """Read the recorded answer as a task that writes would. Raises SafetyRefusal with every reason when it doesn't count."""
    with deps.state.transaction() as state:
        drill = drill_of(state.audit, drill_id)
    permission = verify_approval(deps, ApprovalKind.DRILL, drill_id, _hash(drill), run_id)
    return f"{permission.approved_by} approved the drill; nothing follows"


def close_drill(run: RunOnRecord) -> DrillEnded:
    """End this run's drill by what guard state holds of it, and return how.

    An approval and a rejection are both an answer; an answer that does not count fails the drill.
    Raises SafetyRefusal when the run began no drill.
    """
    deps, drill_id = run.deps, run.note("drill")["subject_id"]
    with deps.state.transaction() as state:
        drill = drill_of(state.audit, drill_id)
        asked = state.approvals.of_gate(run.run.dag_id, run.run.run_id, GATE)
    outcome, sentence = _outcome(deps, drill, asked)
    return end_drill(deps, drill_id, outcome, sentence, asked)


def _outcome(deps: Dependencies, drill: Drill, asked: Approval | None) -> tuple[DrillOutcome, str]:
    answer = asked.answer if asked is not None else None
    if asked is None or answer is None:
        missing = "verdict was given" if drill.judged is None else "answer is on record: its gate failed, or asked nothing"
        return DrillOutcome.FAILED, f"no {missing}"
    if answer.answer is Answer.TIMED_OUT:
        return DrillOutcome.TIMED_OUT, f"no one answered in time; asked were {', '.join(asked.request.approvers)}"
    said = f"{answer.answer.value} by {answer.answered_by or 'someone unknown'}, who {wrote(answer.reason)}"
    if problems := why_no_answer(deps, asked):
        return DrillOutcome.FAILED, f"{said}, which does not count: {'; '.join(problems)}"
    if drill.told_at is None:
        return DrillOutcome.FAILED, f"{said}, but no notice was posted"
    return DrillOutcome.ANSWERED, said


def _hash(drill: Drill) -> str:
    judged = drill.judged
    state = [] if judged is None else [judged.severity, judged.scope, *judged.actions]
    return hashlib.sha256(json.dumps([drill.drill_id, drill.trigger, drill.request.canary_id, *state]).encode()).hexdigest()
