"""Runs that start runs: leave is given in guard state and checked there, and a run's tasks hand each other nothing else.

Airflow hands the name of whoever started a run down to the runs that this one starts, and whoever may edit a DAG's runs may edit
what their tasks return. So neither decides anything: a run that another run started needs a grant for its run id and conf, and
what one task leaves for another stands in guard state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.runs import GUARD_ITSELF, RunGrant, StartedRun
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork


def grant_run(
    deps: Dependencies,
    state: UnitOfWork,
    dag_id: str,
    purpose: str,
    conf: Mapping[str, Any],
    *,
    requested_by: str,
    incident_id: str | None,
) -> RunGrant:
    """Give leave for a run of `dag_id` with this conf; leave that was given for the same purpose before is returned instead.

    The run id begins with what the purpose names first, for people, and ends with a fresh random id.
    """
    # Airflow allows no @ in a run id
    run_id = f"{purpose.partition(' for ')[0].replace(' ', '__').replace('@', '__')}__{new_id()}"
    now = deps.wall_clock.now()
    return state.runs.grant(RunGrant(run_id, purpose, dag_id, dict(conf), requested_by, incident_id, now))


def as_airflow_run(grant: RunGrant) -> dict[str, Any]:
    """What Airflow needs to start the run; editing it gets a run that is refused."""
    return {"trigger_run_id": grant.run_id, "conf": grant.conf}


@dataclass(frozen=True)
class RunOnRecord:
    """A run with guard state: who asks in it, and what its tasks leave for each other."""

    deps: Dependencies
    run: StartedRun

    @property
    def requester(self) -> str:
        """Who asks for what this run does, and that it may be there at all.

        For a run that a person started it is that person. For one that another run started it is whoever guard state says
        asked, never whom Airflow names.

        Raises:
            SafetyRefusal: another run started it without leave, or with another conf than it has leave for; or a person
                started it by hand under a run id that another run was to get, or it can't be told which person. Nothing
                was written. Find out who did that; start what is needed by hand, in your own name.
        """
        return self._leave().requested_by if self.run.is_started_by_run else self._by_hand() or GUARD_ITSELF

    @property
    def person(self) -> str:
        """Who started this run by hand, and may act alone if the policy says so.

        Raises SafetyRefusal for every other run: whoever is meant to act alone starts a run of their own.
        """
        by = None if self.run.is_started_by_run else self._by_hand()
        if by is None:
            raise SafetyRefusal(f"{self._what}: nobody started it by hand; allowed to act alone: who did")
        return by

    def leave(self, name: str, content: Mapping[str, Any]) -> None:
        """Keep what a task found for the other tasks of its run; a later note of the same name takes its place."""
        with self.deps.state.transaction() as state:
            state.runs.note(self.run.dag_id, self.run.run_id, name, dict(content), self.deps.wall_clock.now())

    def note(self, name: str) -> dict[str, Any]:
        """What a task left under this name. Raises SafetyRefusal when there is nothing: clear the task that leaves it."""
        found = self.note_if_any(name)
        if found is None:
            raise SafetyRefusal(f"{self._what}: left no {name} in guard state; clear the task before this one")
        return found

    def note_if_any(self, name: str) -> dict[str, Any] | None:
        """As `note`; None when there is nothing. Raises SafetyRefusal, as `requester` does, for a run that may not be there."""
        _ = self.requester
        with self.deps.state.transaction() as state:
            return state.runs.noted(self.run.dag_id, self.run.run_id, name)

    @property
    def _what(self) -> str:
        return f"run {self.run.run_id} of {self.run.dag_id}"

    def _by_hand(self) -> str | None:
        with self.deps.state.transaction() as state:
            if state.runs.granted(self.run.dag_id, self.run.run_id) is not None:
                why = "was started by hand under a run id that another run was to get; allowed: an own id"
                raise SafetyRefusal(f"{self._what}: {why}")
        if self.run.started_by is None and not self.run.is_scheduled:
            doubt = self.run.doubt or "Airflow names nobody"
            raise SafetyRefusal(f"{self._what}: it can't be told who started it by hand: {doubt}")
        return self.run.started_by

    def _leave(self) -> RunGrant:
        conf = self.run.conf
        with self.deps.state.transaction() as state:
            grant = state.runs.granted(self.run.dag_id, self.run.run_id)
            if grant is None:
                why = "another run started it, and guard state gave no leave; allowed: a run started by hand"
                raise SafetyRefusal(f"{self._what}: {why}")
            if dict(conf) != grant.conf:
                names = sorted(name for name in {*conf, *grant.conf} if conf.get(name) != grant.conf.get(name))
                raise SafetyRefusal(f"{self._what}: its conf is not the one it has leave for; other: {', '.join(names)}")
            if grant.begun_at is None:
                state.runs.begun(grant.run_id, self.deps.wall_clock.now())
        return grant
