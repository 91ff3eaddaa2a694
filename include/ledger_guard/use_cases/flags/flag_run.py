"""A rollback or restore run: the question, the write, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger_guard.domain.actions import rollback_target
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.attestations import UNKEYED_WORD
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.flags import ChangeStatus, FlagChange
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.domain.shown_text import wrote
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.break_glass import PARAM, TASK_ID, break_glass, wants_to_act_alone
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.approvals.own_actions import begun_now, end_own_action
from ledger_guard.use_cases.approvals.permission import first_no, verify_approval
from ledger_guard.use_cases.approvals.request_approval import gate_link
from ledger_guard.use_cases.flags.confirm import confirm
from ledger_guard.use_cases.flags.flag_proposal import FlagProposal
from ledger_guard.use_cases.flags.flag_write import last_failure
from ledger_guard.use_cases.flags.restore import restore, review_restore, verify_before_restore
from ledger_guard.use_cases.flags.restore_case import RestoreRequest
from ledger_guard.use_cases.flags.restored_signal import watch_words
from ledger_guard.use_cases.flags.roll_back import propose_roll_back, roll_back


def roll_back_question(deps: Dependencies, params: Mapping[str, Any], requested_by: str, _about: str = "") -> dict[str, Any]:
    """The question of the rollback's gate, from the run's params.

    Raises:
        BadInputError: unknown flag, tenant or incident. Ask again.
    """
    proposal = propose_roll_back(deps, params["flag"], params["tenant_id"], params["incident_id"], requested_by)
    return _question(proposal, params, requested_by)


def restore_question(deps: Dependencies, params: Mapping[str, Any], requested_by: str, _about: str = "") -> dict[str, Any]:
    """The question of the restore's gate, from the run's params.

    Raises:
        SafetyRefusal: names every missing item of the checklist.
    """
    return _question(review_restore(deps, RestoreRequest.of(params), requested_by), params, requested_by)


def review_roll_back_run(deps: Dependencies, params: Mapping[str, Any], requested_by: str) -> dict[str, Any]:
    """As `roll_back_question`, with the time the run began."""
    return {**roll_back_question(deps, params, requested_by), **begun_now(deps)}


def review_restore_run(deps: Dependencies, params: Mapping[str, Any], requested_by: str) -> dict[str, Any]:
    """Compare wallets without a usable comparison, then run the checklist; errors as `restore_question`."""
    verify_before_restore(deps, params["flag"], params["tenant_id"], params.get("incident_id"))
    return restore_question(deps, params, requested_by)


def _question(proposal: FlagProposal, params: Mapping[str, Any], requested_by: str) -> dict[str, Any]:
    return {
        "subject_id": proposal.subject_id,
        "subject_hash": proposal.subject_hash,
        "incident_id": params.get("incident_id"),
        "requested_by": requested_by,
        "proposal": proposal.text,
        "is_needed": proposal.is_needed,
    }


def check_approval(deps: Dependencies, kind: ApprovalKind, question: Mapping[str, Any], run_id: str) -> str:
    """Who approved. Raises SafetyRefusal when the recorded answer does not permit the write."""
    permission = verify_approval(deps, kind, question["subject_id"], question["subject_hash"], run_id)
    return f"approved by {permission.approved_by}, who {wrote(permission.reason)}"


def next_tasks(question: Mapping[str, Any], params: Mapping[str, Any], *, may_act_alone: bool) -> list[str]:
    """The tasks after the review of a rollback: break glass, or the gate and its notice, or only the end."""
    if not question["is_needed"]:
        return ["close"]
    return [TASK_ID] if may_act_alone and wants_to_act_alone(params) else ["request_approval", "notify"]


def break_glass_run(deps: Dependencies, params: Mapping[str, Any], by: str, dag_id: str, run_id: str) -> str:
    """Record that whoever started the run rolls back alone; raises SafetyRefusal when the policy does not name them."""
    kind, question = ApprovalKind.FLAG_ROLLBACK, roll_back_question(deps, params, by)
    link = gate_link(deps, dag_id, run_id, TASK_ID)
    return break_glass(
        deps, kind, question, by=by, reason=params.get(PARAM), dag_id=dag_id, run_id=run_id, link=link
    ).request.approval_id


def roll_back_run(deps: Dependencies, params: Mapping[str, Any], run_id: str, actor: str) -> str:
    """Roll the flag back; `roll_back` makes every check. Returns the change's id."""
    return roll_back(deps, params["flag"], params["tenant_id"], params["incident_id"], run_id, actor).change_id


def restore_run(deps: Dependencies, params: Mapping[str, Any], run_id: str, actor: str) -> str:
    """Compare wallets again where the comparison is old, then enable the flag; `restore` makes every check.

    Returns the change's id.
    """
    verify_before_restore(deps, params["flag"], params["tenant_id"], params.get("incident_id"))
    return restore(deps, RestoreRequest.of(params), run_id, actor).change_id


def confirm_run(deps: Dependencies, params: Mapping[str, Any]) -> str:
    """Check the change's effect; returns its status and the finding.

    Raises:
        SafetyRefusal: it is not in effect; this is recorded and must be reported.
    """
    found = confirm(deps, params["flag"], params["tenant_id"])
    words = _with_watch(deps, found, f"{found.status.value}: {found.finding}")
    if found.status is ChangeStatus.NOT_IN_EFFECT:
        raise SafetyRefusal(f"{params['flag']}@{params['tenant_id']} was written, but is {words}")
    return words


def close_run(
    run: RunOnRecord, kind: ApprovalKind, params: Mapping[str, Any], question: Mapping[str, Any] | None
) -> tuple[ActionStatus, str]:
    """How the run ended, from guard state (never from task states); a rollback records it as its own action."""
    status, outcome = _outcome(run.deps, kind, question, run.run.run_id)
    if kind is ApprovalKind.FLAG_ROLLBACK:
        target = rollback_target(params["flag"], params["tenant_id"])
        end_own_action(run, params.get("incident_id"), "roll_back", target, (status, outcome), question)
    return status, outcome


def _outcome(deps: Dependencies, kind: ApprovalKind, question: Mapping[str, Any] | None, run_id: str) -> tuple[ActionStatus, str]:
    if question is None:
        return ActionStatus.FAILED, "refused before anyone was asked; nothing was written; see the run's log"
    subject_id = question["subject_id"]
    if not question["is_needed"]:
        return ActionStatus.DONE, f"{subject_id} has the wanted value already; nothing was written"
    with deps.state.transaction() as state:
        approvals = state.approvals.of_run(kind, subject_id, run_id)
        change = state.flag_changes.of_approval(approvals[0].request.approval_id) if approvals else None
        verb = "roll_back" if kind is ApprovalKind.FLAG_ROLLBACK else "restore"
        unkeyed = "" if state.audit.keys.newest else f"; {UNKEYED_WORD}"
        problem = last_failure(state, verb, question.get("incident_id"), run_id)
    if change is not None:
        agreed = f"approved by {change.approved_by}, who {wrote(change.reason)}"
        words = f"{subject_id} set to {change.to_value}, {agreed}; {change.status.value}"
        is_done = change.status in (ChangeStatus.CONFIRMED, ChangeStatus.UNCONFIRMED)
        words = _with_watch(deps, change, f"{words}: {change.finding or 'not checked yet'}{unkeyed}")
        return (ActionStatus.DONE if is_done else ActionStatus.FAILED), words
    if (said_no := first_no(approvals)) is not None:
        return ActionStatus.REFUSED, f"{said_no}; nothing was written"
    if not approvals or any(approval.answer is None for approval in approvals):
        return ActionStatus.FAILED, "ended before anyone answered; nothing was written"
    return ActionStatus.FAILED, f"approved, but the writing task failed: {problem or 'see the log of the run'}"


def _with_watch(deps: Dependencies, change: FlagChange, words: str) -> str:
    """The words about a change, with a note if it is being watched."""
    return "; ".join(part for part in (words, watch_words(deps, change)) if part)
