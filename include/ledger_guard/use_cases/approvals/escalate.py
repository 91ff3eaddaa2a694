"""escalate: one louder reminder of a question that is about to expire unanswered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from ledger_guard.domain.approvals import Approval, ApprovalKind
from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.facts.approvals import ApprovalEscalated
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.policy.schema import ApprovalPolicy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.notify.notices import approval_notice
from ledger_guard.use_cases.notify.notify import notify


def escalate(deps: Dependencies) -> list[str]:
    """Send the reminder for every open question that is due; returns the approval ids reminded now.

    Guard state records each reminder, so it is sent once, whichever run looks. It is recorded after posting: if the channel
    failed, the next check tries again.

    Raises:
        NotificationFailed: one or more posts failed; the others were sent. Let only the notifying task fail.
        SourceUnavailable: guard state does not answer.
    """
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        due = [
            each for each in state.approvals.waiting(now) if _is_due(each, deps.policy.approvals, now - each.request.expires_at)
        ]
    told, failed = [], []
    for approval in due:
        try:
            _remind(deps, approval)
        except NotificationFailed as error:
            failed.append(f"{approval.request.approval_id}: {error}")
        else:
            told.append(approval.request.approval_id)
    if failed:
        raise NotificationFailed(f"escalate: {len(failed)} of {len(due)} reminders could not be posted: {'; '.join(failed)}")
    return told


def _is_due(approval: Approval, rules: Mapping[ApprovalKind, ApprovalPolicy], past_expiry: timedelta) -> bool:
    rule = rules.get(approval.request.kind)
    if rule is None or rule.escalate_before_minutes is None or approval.escalated_at is not None:
        return False
    return past_expiry >= -timedelta(minutes=rule.escalate_before_minutes)


def _remind(deps: Dependencies, approval: Approval) -> None:
    request = approval.request
    left = max(0, int((request.expires_at - deps.wall_clock.now()).total_seconds() // 60))
    notice = approval_notice(deps, approval)
    notify(
        deps,
        replace(
            notice,
            title=f"escalate · {request.kind.value} · {request.subject_id} expires in {left} minutes",
            summary=f"No answer yet. No answer counts as Reject: nothing will be written. {notice.summary}",
            mention=deps.policy.notification.escalation_mention,
        ),
    )
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        state.approvals.escalated(request.approval_id, now)
        state.audit.append(
            recorded(
                ApprovalEscalated(
                    kind=request.kind.value,
                    subject_id=request.subject_id,
                    approvers=request.approvers,
                    expires_at=request.expires_at,
                ),
                actor=GUARD_ITSELF,
                subject=f"approval:{request.approval_id}",
                at=now,
                incident_id=request.incident_id,
            )
        )
