"""Airflow's DAGs and runs, as a task may ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.entrypoints.airflow.runs import run_state

#: states of a run that has not ended
_GOING_ON = ["queued", "running"]
#: most run ids in one request
_AT_ONCE = 50


class TaskScheduler:
    """Scheduler over the task's own Airflow API."""

    def __init__(self, task_instance: Any) -> None:
        self._ti = task_instance

    def is_paused(self, dag_id: str) -> bool:
        """See Scheduler."""
        with _answered(f"whether {dag_id} is paused"):
            return bool(self._ti.get_dag(dag_id=dag_id).is_paused)

    def queued(self, dag_id: str) -> int:
        """See Scheduler."""
        with _answered(f"how many runs of {dag_id} are queued"):
            return int(self._ti.get_dr_count(dag_id=dag_id, states=["queued"]))

    def ended(self, dag_id: str, run_ids: Sequence[str]) -> list[str]:
        """See Scheduler. One request while all of them are active."""
        found: list[str] = []
        with _answered(f"which runs of {dag_id} have ended"):
            for start in range(0, len(run_ids), _AT_ONCE):
                asked = list(run_ids[start : start + _AT_ONCE])
                if self._ti.get_dr_count(dag_id=dag_id, run_ids=asked, states=_GOING_ON) < len(asked):
                    found += [run_id for run_id in asked if run_state(self._ti, dag_id, run_id) not in _GOING_ON]
        return found


@contextmanager
def _answered(what: str) -> Iterator[None]:
    try:
        yield
    except AirflowRuntimeError as error:
        raise SourceUnavailable(f"Airflow does not say {what}: {error}") from error
