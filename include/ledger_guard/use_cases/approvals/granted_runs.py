"""Runs that start runs: a grant in guard state permits each one, and tasks of a run share data only through guard state.

Airflow passes the name of the person who started a run to the runs that it starts, and anyone who may edit a DAG's runs may edit
the results of their tasks. So neither decides anything: a run started by another run needs a grant for its run id and conf, and
tasks pass data through guard state.
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
    """Grant a run of `dag_id` with this conf; an earlier grant for the same purpose is returned instead.

    The run id begins with the purpose's first words, for people, and ends with a new random id.
    """
    # Airflow allows no @ in a run id
    run_id = f"{purpose.partition(' for ')[0].replace(' ', '__').replace('@', '__')}__{new_id()}"
    now = deps.wall_clock.now()
    return state.runs.grant(RunGrant(run_id, purpose, dag_id, dict(conf), requested_by, incident_id, now))


def as_airflow_run(grant: RunGrant) -> dict[str, Any]:
    """What Airflow needs to start the run; an edited copy starts a run that is refused."""
    return {"trigger_run_id": grant.run_id, "conf": grant.conf}


@dataclass(frozen=True)
class RunOnRecord:
    """A run with guard state: its requester, and the notes that its tasks leave for each other."""

    deps: Dependencies
    run: StartedRun

    @property
    def requester(self) -> str:
        """The requester of this run; also checks that the run is permitted.

        For a run started by a person: that person. For a run started by another run: the requester in guard state, never the name
        that Airflow gives.

        Raises:
            SafetyRefusal: another run started it without a grant or with another conf than granted; or a person started it by
            hand under a run id reserved for another run; or the person can't be identified. Nothing was written. Find out
            who did this, then start what is needed by hand, in your own name.
        """
        return self._leave().requested_by if self.run.is_started_by_run else self._by_hand() or GUARD_ITSELF

    @property
    def person(self) -> str:
        """The person who started this run by hand, who may act alone if the policy says so.

        Raises SafetyRefusal for every other run: to act alone, start your own run.
        """
        by = None if self.run.is_started_by_run else self._by_hand()
        if by is None:
            raise SafetyRefusal(
                f"{self._what}: no one started it by hand; allowed: only a person who starts the run by hand may act alone"
            )
        return by

    def leave(self, name: str, content: Mapping[str, Any]) -> None:
        """Keep what a task found for the run's other tasks; a later note of the same name replaces it."""
        with self.deps.state.transaction() as state:
            state.runs.note(self.run.dag_id, self.run.run_id, name, dict(content), self.deps.wall_clock.now())

    def note(self, name: str) -> dict[str, Any]:
        """The note of this name. Raises SafetyRefusal when there is none: clear the task that writes it."""
        found = self.note_if_any(name)
        if found is None:
            raise SafetyRefusal(f"{self._what}: has no {name} in guard state; clear the task before this one")
        return found

    def note_if_any(self, name: str) -> dict[str, Any] | None:
        """As `note`, but None when there is none. Raises SafetyRefusal, as `requester` does, for a run that is not permitted."""
        _ = self.requester
        with self.deps.state.transaction() as state:
            return state.runs.noted(self.run.dag_id, self.run.run_id, name)

    @property
    def _what(self) -> str:
        return f"run {self.run.run_id} of {self.run.dag_id}"

    def _by_hand(self) -> str | None:
        with self.deps.state.transaction() as state:
            if state.runs.granted(self.run.dag_id, self.run.run_id) is not None:
                why = "was started by hand under a run id reserved for another run; allowed: another run id"
                raise SafetyRefusal(f"{self._what}: {why}")
        if self.run.started_by is None and not self.run.is_scheduled:
            doubt = self.run.doubt or "Airflow names no one"
            raise SafetyRefusal(f"{self._what}: the person who started it by hand can't be identified: {doubt}")
        return self.run.started_by

    def _leave(self) -> RunGrant:
        conf = self.run.conf
        with self.deps.state.transaction() as state:
            grant = state.runs.granted(self.run.dag_id, self.run.run_id)
            if grant is None:
                why = "another run started it without a grant in guard state; allowed: a run started by hand"
                raise SafetyRefusal(f"{self._what}: {why}")
            if dict(conf) != grant.conf:
                names = sorted(name for name in {*conf, *grant.conf} if conf.get(name) != grant.conf.get(name))
                raise SafetyRefusal(f"{self._what}: its conf differs from the grant in: {', '.join(names)}")
            if grant.begun_at is None:
                state.runs.begun(grant.run_id, self.deps.wall_clock.now())
        return grant
