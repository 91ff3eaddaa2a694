"""take_up_drills: what the health check does for drills: it starts what people asked for, and ends what was killed."""

from __future__ import annotations

from typing import Any

from ledger_guard.domain.drills import DAG_ID, Drill, DrillOutcome, drills
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import Scheduler
from ledger_guard.use_cases.approvals.granted_runs import as_airflow_run, grant_run
from ledger_guard.use_cases.drills.end import end_drill
from ledger_guard.use_cases.drills.request import purpose_of


def take_up_drills(deps: Dependencies, scheduler: Scheduler) -> list[dict[str, Any]]:
    """Grant a run for each drill that waits for one, and return what Airflow needs to start it.

    A drill whose run has ended without its end on record, or whose time is over, is ended here as timed out.

    Raises SourceUnavailable when guard state or Airflow does not answer; the next check takes them up.
    """
    with deps.state.transaction() as state:
        standing = [each for each in drills(state.audit) if each.ended is None]
    killed = _killed(standing, scheduler)
    found = []
    for each in standing:
        if each.run_id in killed:
            end_drill(deps, each.drill_id, DrillOutcome.TIMED_OUT, "its run was ended before anybody answered")
        elif deps.wall_clock.now() > each.request.ends_by:
            why = "its run never began" if each.begun_at is None else "its time was over before its run ended"
            end_drill(deps, each.drill_id, DrillOutcome.TIMED_OUT, why)
        elif each.begun_at is None:
            found.append(_granted(deps, each))
    return found


def _killed(standing: list[Drill], scheduler: Scheduler) -> set[str]:
    run_ids = sorted(each.run_id for each in standing if each.run_id is not None)
    return set(scheduler.ended(DAG_ID, run_ids)) if run_ids else set()


def _granted(deps: Dependencies, drill: Drill) -> dict[str, Any]:
    with deps.state.transaction() as state:
        grant = grant_run(
            deps,
            state,
            DAG_ID,
            purpose_of(drill),
            {"trigger": drill.trigger},
            # a name that was only stated asks no question
            requested_by=GUARD_ITSELF,
            incident_id=None,
        )
    return as_airflow_run(grant)
