"""Airflow's DAGs and runs, as its API server may read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from ledger_guard.domain.errors import SourceUnavailable

_GOING_ON = (DagRunState.QUEUED, DagRunState.RUNNING)


class MetadataScheduler:
    """Scheduler over Airflow's metadata database; reads only."""

    def is_paused(self, dag_id: str) -> bool:
        """See Scheduler."""
        with _session() as session:
            found = session.scalar(select(DagModel.is_paused).where(DagModel.dag_id == dag_id))
        if found is None:
            raise SourceUnavailable(f"Airflow does not know {dag_id}")
        return bool(found)

    def queued(self, dag_id: str) -> int:
        """See Scheduler."""
        asked = select(func.count()).select_from(DagRun).where(DagRun.dag_id == dag_id, DagRun.state == DagRunState.QUEUED)
        with _session() as session:
            return int(session.scalar(asked) or 0)

    def ended(self, dag_id: str, run_ids: Sequence[str]) -> list[str]:
        """See Scheduler."""
        asked = select(DagRun.run_id).where(
            DagRun.dag_id == dag_id, DagRun.run_id.in_(list(run_ids)), DagRun.state.in_(_GOING_ON)
        )
        with _session() as session:
            going_on = set(session.scalars(asked))
        return [run_id for run_id in run_ids if run_id not in going_on]


@contextmanager
def _session() -> Iterator[Any]:
    try:
        with create_session() as session:
            yield session
    except SQLAlchemyError as error:
        raise SourceUnavailable(f"Airflow's database does not answer: {type(error).__name__}") from error
