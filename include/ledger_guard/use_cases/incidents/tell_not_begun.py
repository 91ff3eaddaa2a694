"""tell_not_begun: report runs that should have started and did not."""

from __future__ import annotations

from datetime import timedelta

from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import RunGrant
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.notify.notify import notify

#: a granted run that has not started after so many minutes is reported
BEGIN_WITHIN_MINUTES = 5


def tell_not_begun(deps: Dependencies) -> list[str]:
    """Report granted runs that did not start within `BEGIN_WITHIN_MINUTES`, once each; returns their run ids.

    Possible causes: a paused DAG, no free run slot, a deleted run, or a run id that someone else took.
    Raises NotificationFailed when the channel failed; the next check reports it again.
    """
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        late = state.runs.not_begun(now - timedelta(minutes=BEGIN_WITHIN_MINUTES))
    for grant in late:
        notify(deps, _not_begun_notice(deps, grant))
        with deps.state.transaction() as state:
            state.runs.told(grant.run_id, now)
    return [grant.run_id for grant in late]


def _not_begun_notice(deps: Dependencies, grant: RunGrant) -> Notice:
    waits = int((deps.wall_clock.now() - grant.granted_at).total_seconds() // 60)
    conf = ", ".join(f"{name} {value}" for name, value in sorted(grant.conf.items()) if value and name != "reason")
    return Notice(
        title=f"start · {grant.dag_id} · not started",
        summary=f"A run of {grant.dag_id} should have started {waits} minutes ago and has not: {conf}.",
        facts=(
            (
                "Look at",
                f"is {grant.dag_id} paused? Are all run slots taken? Did someone else take {grant.run_id}?",
            ),
            ("Next", f"start {grant.dag_id} by hand"),
            ("Asked by", grant.requested_by),
        ),
        incident_id=grant.incident_id,
    )
