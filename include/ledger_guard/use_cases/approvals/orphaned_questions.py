"""Questions whose run has ended: they can't be answered any more, so they are closed and reported once."""

from __future__ import annotations

from collections import defaultdict

from ledger_guard.domain.approvals import Approval
from ledger_guard.domain.facts.approvals import ApprovalWithdrawn
from ledger_guard.domain.facts.codec import recorded
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.shown_text import counted
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import Scheduler
from ledger_guard.use_cases.notify.notify import notify


def orphans_among(approvals: list[Approval], scheduler: Scheduler) -> list[Approval]:
    """Questions whose run was ended by hand, timed out or was deleted. Raises SourceUnavailable when Airflow does not answer."""
    runs: dict[str, set[str]] = defaultdict(set)
    for each in approvals:
        runs[each.request.dag_id].add(each.request.run_id)
    ended = {(dag_id, run_id) for dag_id, run_ids in runs.items() for run_id in scheduler.ended(dag_id, sorted(run_ids))}
    return [each for each in approvals if (each.request.dag_id, each.request.run_id) in ended]


def close_orphans(deps: Dependencies, scheduler: Scheduler) -> list[str]:
    """Close every question whose run has ended; returns their approval ids. A cleared gate asks again.

    Raises SourceUnavailable when Airflow does not say which runs have ended.
    """
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        unanswered = state.approvals.unanswered()
    orphans = orphans_among(unanswered, scheduler)
    if not orphans:
        return []
    with deps.state.transaction() as state:
        # always in the same order, so that two closers can't deadlock
        closed = sorted((each.request for each in orphans), key=lambda request: request.approval_id)
        closed = [request for request in closed if state.approvals.orphan(request.approval_id, now)]
        for request in closed:
            state.audit.append(
                recorded(
                    ApprovalWithdrawn(
                        kind=request.kind.value,
                        subject_id=request.subject_id,
                        run_id=request.run_id,
                        reason="its run has ended",
                    ),
                    actor=GUARD_ITSELF,
                    subject=f"approval:{request.approval_id}",
                    at=now,
                    incident_id=request.incident_id,
                )
            )
    return [request.approval_id for request in closed]


def tell_orphans(deps: Dependencies) -> list[str]:
    """Report the closed questions in one notice, each question once; of a drill only its end is told. Returns the text.

    Raises NotificationFailed when the channel failed; the next check reports them again.
    """
    with deps.state.transaction() as state:
        orphans = state.approvals.orphans_to_tell()
    if not orphans:
        return []
    real = [each for each in orphans if not each.request.is_drill]
    notices = [_notice(deps, real)] if real else []
    for notice in notices:
        notify(deps, notice)
    with deps.state.transaction() as state:
        for each in orphans:
            state.approvals.orphan_told(each.request.approval_id, deps.wall_clock.now())
    return [notice.summary for notice in notices]


def _notice(deps: Dependencies, orphans: list[Approval]) -> Notice:
    shown, incidents = orphans[: deps.policy.notification.list_at_most], {each.request.incident_id for each in orphans}
    count = counted(len(orphans), "question has", "questions have")
    more = len(orphans) - len(shown)
    return Notice(
        title="watch · questions without a run",
        summary=f"{count} no run any more: it was ended by hand, timed out or was deleted before an answer. Nothing was written.",
        facts=(
            *((each.request.kind.value, f"{each.request.subject_id}, asked by {each.request.requested_by}") for each in shown),
            *((("More", f"{more} others"),) if more else ()),
            ("Next", "start a new run if it is still needed"),
        ),
        incident_id=incidents.pop() if len(incidents) == 1 else None,
    )
