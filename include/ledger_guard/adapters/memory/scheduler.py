"""Airflow's DAGs and runs, as a test or a rehearsal says they are."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.domain.errors import SourceUnavailable


class InMemoryScheduler:
    """Scheduler; by default every DAG of the guard is known, switched on, and has no runs."""

    def __init__(self) -> None:
        self.paused: set[str] = set()
        #: by DAG and run id: its state word
        self.runs: dict[tuple[str, str], str] = {}
        self._fault: str | None = None

    def go_away(self, fault: str) -> None:
        """Answer nothing from now on, for this reason."""
        self._fault = fault

    def is_paused(self, dag_id: str) -> bool:
        """See Scheduler."""
        self._answer()
        return dag_id in self.paused

    def queued(self, dag_id: str) -> int:
        """See Scheduler."""
        self._answer()
        return sum(1 for (each, _), state in self.runs.items() if (each, state) == (dag_id, "queued"))

    def ended(self, dag_id: str, run_ids: Sequence[str]) -> list[str]:
        """See Scheduler."""
        self._answer()
        return [run_id for run_id in run_ids if self.runs.get((dag_id, run_id)) not in ("queued", "running")]

    def _answer(self) -> None:
        if self._fault is not None:
            raise SourceUnavailable(f"Airflow does not say: {self._fault}")
