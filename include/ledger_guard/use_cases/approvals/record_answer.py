"""record_answer: store what a person answered to a gate, whether or not it counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger_guard.domain.approvals import Answer, Approval, ApprovalAnswer, refusals
from ledger_guard.domain.attestations import answer_attested, is_unkeyed
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.approvals import ApprovalAnswered
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.permission import not_on_turn
from ledger_guard.domain.windows import require_aware
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.permission import rule_now

_ANSWERS: dict[tuple[str, ...], Answer] = {("Approve",): Answer.APPROVED, ("Reject",): Answer.REJECTED}


def record_answer(
    deps: Dependencies,
    approval_id: str,
    *,
    chosen_options: Sequence[str],
    reason: str,
    answered_by: str | None,
    answered_at: datetime,
    timed_out: bool,
    doubt: str = "",
) -> Approval:
    """Store the gate's event as the answer; returns the approval for the gate to judge with `refusals`.

    An approval that does not count (reason too short, by the requester, by someone not allowed) is stored too. A timeout is
    not a rejection: it is stored as its own answer without a name. `doubt` says why the person can't be identified; then
    `answered_by` is None. The same event delivered again changes nothing.

    Raises:
        BadInputError: no such approval, or other options than exactly Approve or Reject. Nothing was stored.
        SafetyRefusal: another answer is recorded already. Ask again.
    """
    approval_id = checked_uuid(approval_id, "approval")
    answer = ApprovalAnswer(
        approval_id=approval_id,
        answer=Answer.TIMED_OUT if timed_out else _answer(chosen_options),
        answered_by=None if timed_out else (answered_by or None),
        answered_at=require_aware(answered_at, "answered_at"),
        reason=reason,
    )
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        asked = state.approvals.get(approval_id)
        if asked.answer == answer:
            return asked
        state.approvals.answer(answer)
        approval = Approval(asked.request, answer)
        rule = rule_now(deps, state, asked.request.kind)
        by = answer.answered_by or ""
        rights = rule.authority(asked.request).rights(by, asked.request.requested_at, answer.answered_at)
        state.audit.append(
            recorded(
                ApprovalAnswered(
                    kind=asked.request.kind.value,
                    subject_id=asked.request.subject_id,
                    answer=answer.answer.value,
                    answered_at=answer.answered_at,
                    reason=reason,
                    refusals=(
                        *refusals(approval, asked.request.subject_hash, now),
                        *not_on_turn(approval, rule),
                    ),
                    ordinal=asked.request.ordinal,
                    instead_of=tuple(each for each in rights if each != by) or None,
                    answered_by_unknown=doubt or None,
                    attested=(answer_attested(answer).row,),
                    unkeyed=is_unkeyed(state.audit),
                ),
                actor=answer.answered_by or "nobody",
                subject=f"approval:{approval_id}",
                at=now,
                incident_id=asked.request.incident_id,
            )
        )
    return approval


def _answer(chosen_options: Sequence[str]) -> Answer:
    found = None if isinstance(chosen_options, str) else _ANSWERS.get(tuple(chosen_options))
    if found is None:
        raise BadInputError(f"answer: {str(chosen_options)[:60]} is not an answer; allowed: exactly ['Approve'] or ['Reject']")
    return found
