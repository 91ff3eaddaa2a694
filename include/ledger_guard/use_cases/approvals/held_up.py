"""held up: paused DAGs, runs that stay queued or never start, overdue questions; recorded by any task, reported once each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from ledger_guard.domain.drills import DAG_ID as DRILL_DAG_ID
from ledger_guard.domain.drills import MARK
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.guard_alerts import NOW_AND_THEN, GuardAlert, GuardAlertKind
from ledger_guard.domain.notices import Notice
from ledger_guard.domain.runs import DAG_IDS, EMERGENCY_DAG_IDS, RunGrant
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.ports.platform import Scheduler
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
        title=f"{MARK if grant.dag_id == DRILL_DAG_ID else ''}start · {grant.dag_id} · not started",
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


#: an unused grant older than this is over: someone has started what was needed
FORGOTTEN_AFTER = timedelta(days=1)
#: a gate records a timeout within a minute of its expiry
RECORDED_WITHIN = timedelta(minutes=10)

_REMEDIES = {
    GuardAlertKind.PAUSED: "switch it on in Airflow's list of DAGs",
    GuardAlertKind.QUEUED: "is the DAG paused? Does the scheduler run? Are all run slots taken? End parked runs no one needs",
    GuardAlertKind.OVERDUE: "does the scheduler run? Were runs ended by hand?",
    GuardAlertKind.UNKNOWN_TENANTS: "does a client invent ids, or does the source name tenants otherwise than the platform?",
    GuardAlertKind.TOO_LATE: "does the delivery lag behind? Nobody finds a rise among these lines: look at that time by hand",
    GuardAlertKind.FUTURE: "set that clock right; log lines that were refused are rejects of their file",
}


def see_dags(deps: Dependencies, scheduler: Scheduler) -> None:
    """Record which DAGs are paused, which emergency runs are queued, and which no longer are.

    Raises SourceUnavailable when Airflow does not answer for one; the others are recorded.
    """
    found, failures = dict[tuple[GuardAlertKind, str], bool](), []
    for dag_id in DAG_IDS:
        try:
            found[GuardAlertKind.PAUSED, dag_id] = scheduler.is_paused(dag_id)
            if dag_id in EMERGENCY_DAG_IDS:
                found[GuardAlertKind.QUEUED, dag_id] = scheduler.queued(dag_id) > 0
        except SourceUnavailable as error:
            failures.append(f"{dag_id}: {error}")
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        for (kind, about), stands in found.items():
            if stands:
                state.guard_alerts.seen(kind, about, now)
            else:
                state.guard_alerts.over(kind, about, now)
    if failures:
        raise SourceUnavailable("; ".join(failures))


def see_overdue(deps: Dependencies) -> None:
    """Record whether questions expired without any answer on record, not even a timeout."""
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        if _overdue(deps, state):
            state.guard_alerts.seen(GuardAlertKind.OVERDUE, "", now)
        else:
            state.guard_alerts.over(GuardAlertKind.OVERDUE, "", now)


def tell_held_up(deps: Dependencies) -> list[str]:
    """Report each alert that has lasted long enough, once until it is over. Returns the texts sent.

    Raises NotificationFailed when a post failed; the next check sends it again.
    """
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        due = [each for each in state.guard_alerts.standing() if each.told_at is None and each.is_firing(now)]
    for guard_alert in due:
        notify(deps, _notice(deps, guard_alert))
        with deps.state.transaction() as state:
            state.guard_alerts.told(guard_alert.kind, guard_alert.about, now)
    return [guard_alert.sentence for guard_alert in due]


def held_up(deps: Dependencies, state: UnitOfWork, paused: Sequence[str] | None = None) -> list[str]:
    """What blocks runs from starting, according to guard state: one sentence each. Read-only.

    `paused`: the DAGs paused now; None when Airflow was not asked: then the last check counts.
    """
    return list(_sentences(deps, state, paused))


def _sentences(deps: Dependencies, state: UnitOfWork, paused: Sequence[str] | None) -> Iterator[str]:
    now = deps.wall_clock.now()
    for dag_id in paused or ():
        yield f"{dag_id} is paused: none of its runs starts, not even emergencies."
    known_otherwise = {GuardAlertKind.OVERDUE} if paused is None else {GuardAlertKind.OVERDUE, GuardAlertKind.PAUSED}
    for guard_alert in state.guard_alerts.standing():
        is_news = guard_alert.kind not in NOW_AND_THEN or guard_alert.told_at is None
        if guard_alert.is_firing(now) and is_news and guard_alert.kind not in known_otherwise:
            yield guard_alert.sentence
    if overdue := _overdue(deps, state):
        yield f"{overdue} question(s) expired with no answer on record: their runs have ended, or Airflow is not running."
    for grant in state.runs.never_begun(now - FORGOTTEN_AFTER, now - timedelta(minutes=BEGIN_WITHIN_MINUTES)):
        yield _not_begun(grant)


def _overdue(deps: Dependencies, state: UnitOfWork) -> int:
    now = deps.wall_clock.now()
    unanswered = [each.request for each in state.approvals.unanswered() if not each.request.is_drill]
    return sum(1 for each in unanswered if now - each.expires_at > RECORDED_WITHIN)


def _not_begun(grant: RunGrant) -> str:
    return f"A run of {grant.dag_id} should have started at {iso(grant.granted_at)} and has not: {grant.run_id}."


def _notice(deps: Dependencies, guard_alert: GuardAlert) -> Notice:
    is_emergency = guard_alert.kind is GuardAlertKind.QUEUED
    return Notice(
        title=f"watch · {guard_alert.about or 'questions'} · {guard_alert.kind.value}",
        summary=guard_alert.sentence,
        facts=(("Look at" if is_emergency else "Then", _REMEDIES[guard_alert.kind]),),
        links=(("Board", f"{deps.ui_url.rstrip('/')}/plugin/ledger-guard"),),
        mention=deps.policy.notification.escalation_mention if is_emergency else "",
    )
