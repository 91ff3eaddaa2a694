"""request_approval: ask named people, store exactly what was asked, and notify them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ledger_guard.domain.approvals import ApprovalKind, ApprovalRequest, refusals
from ledger_guard.domain.attestations import approval_faults, is_unkeyed, question_attested
from ledger_guard.domain.authority import Authority, excluded
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.approvals import ApprovalRequested, ApprovalVoided
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.permission import ApprovalRule, not_on_turn
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.permission import incident_state, rule_now
from ledger_guard.use_cases.notify.notify import action_notice, notify
from ledger_guard.use_cases.wake.call_people import try_to_call


def request_approval(
    deps: Dependencies,
    kind: ApprovalKind,
    subject_id: str,
    subject_hash: str,
    *,
    incident_id: str | None,
    requested_by: str,
    dag_id: str,
    run_id: str,
    task_id: str,
    link: str,
    proposal: str,
    ordinal: int = 1,
) -> ApprovalRequest:
    """Store the question that a gate is about to ask. Approvers, expiry and reason length come from the policy.

    `ordinal` is 2 for the second approver; the first must have approved the same. Requester and first approver are not among
    the approvers of the question. Asking again in the same gate voids the older question.

    Raises:
        BadInputError: requester or subject is empty, or the policy has no rule for `kind`.
        SafetyRefusal: too few approvers remain besides the requester: let someone else ask. Or the first approval does
            not count, or the policy asks for no second one.
    """
    for what, given in (("requester", requested_by), ("subject", subject_id), ("subject hash", subject_hash)):
        if not given.strip():
            raise BadInputError(f"approval of {kind.value}: the {what} is empty; allowed: a text")
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        rule = rule_now(deps, state, kind)
        what = f"{kind.value} of {subject_id}"
        agreed = _first_approver(deps, state, kind, subject_id, subject_hash, run_id) if ordinal > 1 else None
        others = _who_may_answer(rule, requested_by, now, agreed, what)
        asked_for = incident_state(state, incident_id)
    request = ApprovalRequest(
        approval_id=new_id(),
        kind=kind,
        subject_id=subject_id,
        subject_hash=subject_hash,
        incident_id=incident_id,
        requested_by=requested_by,
        approvers=others,
        minimum_reason_characters=rule.minimum_reason_characters,
        requested_at=now,
        expires_at=now + rule.valid_for,
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        link=link,
        proposal=proposal,
        approvers_needed=rule.approvers_needed,
        ordinal=ordinal,
        incident_state=asked_for,
    )
    with deps.state.transaction() as state:
        void_older(state, request)
        state.approvals.request(request)
        state.audit.append(
            recorded(
                ApprovalRequested(
                    kind=kind.value,
                    subject_id=subject_id,
                    subject_hash=subject_hash,
                    approvers=others,
                    approvers_needed=rule.approvers_needed,
                    ordinal=ordinal,
                    incident_state=asked_for,
                    expires_at=request.expires_at,
                    run_id=run_id,
                    proposal=proposal,
                    attested=(question_attested(request).row,),
                    unkeyed=is_unkeyed(state.audit),
                ),
                actor=requested_by,
                subject=f"approval:{request.approval_id}",
                at=now,
                incident_id=incident_id,
            )
        )
    return request


def void_older(state: UnitOfWork, request: ApprovalRequest) -> None:
    """Record in the audit log that this gate's earlier question is void; its row alone could be changed back."""
    older = state.approvals.of_gate(request.dag_id, request.run_id, request.task_id)
    if older is None:
        return
    state.audit.append(
        recorded(
            ApprovalVoided(asked_again_as=request.approval_id, unkeyed=is_unkeyed(state.audit)),
            actor=request.requested_by,
            subject=f"approval:{older.request.approval_id}",
            at=request.requested_at,
            incident_id=request.incident_id,
        )
    )


def _who_may_answer(rule: ApprovalRule, requested_by: str, now: datetime, agreed: str | None, what: str) -> tuple[str, ...]:
    """The names to let in, resolved from the policy's groups and delegations of now; raises SafetyRefusal when too few."""
    authority, expires = Authority(rule.approvers, rule.delegations, excluded(requested_by)), now + rule.valid_for
    people, needed = authority.different_people(now, expires), rule.approvers_needed
    others = authority.candidates(now, expires, agreed)
    if not people or not others:
        why = (
            f"the requester {requested_by} is the only approver"
            if requested_by in rule.approvers.everyone
            else "nobody may approve now"
        )
        raise SafetyRefusal(f"{what}: {why}: let someone else ask")
    if len(people) < needed:
        raise SafetyRefusal(
            f"{what}: {needed} people must approve; besides the requester {requested_by} only {', '.join(people)} may: "
            "let someone else ask"
        )
    return others


def _first_approver(
    deps: Dependencies, state: UnitOfWork, kind: ApprovalKind, subject_id: str, subject_hash: str, run_id: str
) -> str:
    """The first approver. A second person is asked only after an approval that counts."""
    what = f"second approval of {kind.value} of {subject_id}"
    first = next((each for each in state.approvals.of_run(kind, subject_id, run_id) if each.request.ordinal == 1), None)
    if first is None:
        found = ["the first question was never asked"]
    else:
        found = [*refusals(first, subject_hash, deps.wall_clock.now()), *not_on_turn(first, rule_now(deps, state, kind))]
        found += approval_faults(state.audit, [first])
    if first is None or found or first.approved_by is None:
        raise SafetyRefusal(f"{what}: not asked, because the first approval does not count: {'; '.join(found)}")
    return first.approved_by


def gate_link(deps: Dependencies, dag_id: str, run_id: str, task_id: str) -> str:
    """Address of the Airflow page where this gate is answered."""
    # the id of a run by hand was chosen by a person, and the page fills its fields from its address
    where = f"dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe=':+')}/tasks/{quote(task_id, safe='')}"
    return f"{deps.ui_url}/{where}/required_actions?map_index=-1"


def tell_question(deps: Dependencies, kind: ApprovalKind, question: Mapping[str, Any], link: str, ordinal: int = 1) -> None:
    """Post what is proposed, who may answer, and where.

    `question` has proposal, requested_by and incident_id. Raises NotificationFailed when the channel failed.
    """
    approval = deps.policy.approvals[kind]
    needed = approval.approvers_needed
    several = (("Needed", f"{needed} different people; this question is for number {ordinal}"),) if needed > 1 else ()
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        rule = rule_now(deps, state, kind)
    authority = Authority(rule.approvers, rule.delegations, excluded(question["requested_by"]))
    facts = (
        ("Approvers", ", ".join(authority.in_words(now, now + rule.valid_for))),
        *several,
        ("Asked by", question["requested_by"]),
        ("No answer", f"counts as Reject after {approval.valid_minutes} minutes"),
    )
    notice = action_notice(deps, question["incident_id"], "request_approval", question["proposal"], facts)
    try:
        notify(deps, replace(notice, links=(("Answer here", link), *notice.links)))
    finally:
        try_to_call(deps)
