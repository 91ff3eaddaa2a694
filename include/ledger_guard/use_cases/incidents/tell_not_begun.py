"""tell_not_begun: people hear of runs that were to start and did not."""

from __future__ import annotations

from datetime import timedelta

from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import RunGrant
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.notify.notify import notify

#: a granted run that has not begun after so many minutes is told
BEGIN_WITHIN_MINUTES = 5


def tell_not_begun(deps: Dependencies) -> list[str]:
    """Tell people of runs that have leave and did not begin within `BEGIN_WITHIN_MINUTES`, once each; returns their run ids.

    A paused DAG, slots that are all taken, a run that somebody deleted, or a run id that somebody else took look like this.
    Raises NotificationFailed when the channel did not take it; it is told again then.
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
        title=f"start · {grant.dag_id} · not begun",
        summary=f"{waits} minutes ago a run of {grant.dag_id} was to start, and it has not begun: {conf}.",
        facts=(
            (
                "Look at",
                f"is {grant.dag_id} paused? Are all its runs taken? Did somebody take {grant.run_id}?",
            ),
            ("Then", f"start {grant.dag_id} by hand"),
            ("Asked by", grant.requested_by),
        ),
        incident_id=grant.incident_id,
    )
