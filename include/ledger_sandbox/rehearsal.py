"""A scenario's tools for a running stack: let time pass, run checks, read what the guard wrote."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.windows import Window
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_sandbox import clock
from ledger_sandbox.access_events import complete_through
from ledger_sandbox.airflow_api import AirflowApi, wait_for
from ledger_sandbox.running import REPOSITORY
from ledger_sandbox.stack import Stack
from ledger_sandbox.traffic import play

#: an answer before the scheduler has recorded the wait can fail a gate; a person is slower anyway
SECONDS_BEFORE_AN_ANSWER = 8.0
PATIENCE_SECONDS = 150.0


@dataclass
class Rehearsal:
    """Drives a stack as people and time would."""

    stack: Stack
    tick: Callable[[str], None]
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(20260211))

    def __post_init__(self) -> None:
        self.oncall = AirflowApi(self.stack.url, "oncall")
        self.approver = AirflowApi(self.stack.url, "payments-lead")
        self.state = PostgresGuardState(ConnectionSettings.parse(self.stack.platform_uri, "ledger_guard_db"))

    def pass_time(self, windows: int) -> None:
        """Let so many windows go by, with the tenants' traffic in them, and end just after a window closed."""
        uri = self.stack.platform_uri
        length = timedelta(minutes=load_policy().window_minutes)
        target = Window.containing(clock.now(uri), length).start + windows * length + timedelta(seconds=30)
        with psycopg.connect(uri) as connection:
            delivered = complete_through(connection)
        if delivered is not None and delivered < target:
            play(uri, delivered, target, self.rng)
        clock.advance(uri, max(target - clock.now(uri), timedelta(0)))

    def check(self, *triggers: str) -> str:
        """Start a health check by hand and wait for its end; returns the run id. Raises RuntimeError when it failed."""
        conf = {"triggers": list(triggers)} if triggers else {}
        run_id = self.oncall.trigger("ledger_health_check", conf)
        self.ended("ledger_health_check", run_id, must_be="success")
        return run_id

    def ended(self, dag_id: str, run_id: str, must_be: str | None = None) -> str:
        """Wait until a run ended and return its state word."""
        words = f"{dag_id} {run_id}"
        state: str = wait_for(lambda: self._ending(dag_id, run_id), words, PATIENCE_SECONDS, self.tick)
        if must_be and state != must_be:
            raise RuntimeError(f"{words} ended as {state}: {self.oncall.task_states(dag_id, run_id)}")
        return state

    def _ending(self, dag_id: str, run_id: str) -> str | None:
        state = self.oncall.run_state(dag_id, run_id)
        return state if state in ("success", "failed") else None

    def newest_run(self, dag_id: str, containing: str = "") -> str:
        """Wait for a run of this DAG whose id contains the text and return its id."""

        def found() -> str | None:
            ids = [str(run["dag_run_id"]) for run in self.oncall.runs(dag_id) if containing in run["dag_run_id"]]
            return ids[0] if ids else None

        return str(wait_for(found, f"a run of {dag_id}", PATIENCE_SECONDS, self.tick))

    def parked_gate(self, dag_id: str) -> dict[str, Any]:
        """Wait until a gate of this DAG is parked, then as long as a person needs to read it."""
        gate: dict[str, Any] = wait_for(
            lambda: next(iter(self.approver.waiting_gates(dag_id)), None),
            f"{dag_id} to ask for approval",
            PATIENCE_SECONDS,
            self.tick,
        )
        self.pause(SECONDS_BEFORE_AN_ANSWER)
        return gate

    def answered(self, gate: dict[str, Any], option: str, reason: str) -> str:
        """Answer a gate as the approver, wait for its run to end well, and return the run id.

        A gate can fail although it was answered, when the scheduler had not yet booked its parking (Airflow then logs that
        the executor reported success for a queued task). On-call does what the gate's runbook says: clear it, so that it asks
        again. Raises RuntimeError when the answer is not taken or the run does not end well.
        """
        dag_id, run_id = gate["task_instance"]["dag_id"], str(gate["task_instance"]["dag_run_id"])
        task_id = gate["task_instance"]["task_id"]
        self._answer(gate, option, reason)
        if self.ended(dag_id, run_id) == "failed" and self.oncall.task_states(dag_id, run_id).get(task_id) == "failed":
            self.tick(f"{dag_id} to ask again: its gate failed and was cleared")
            self.oncall.clear(dag_id, run_id, task_id)
            self._answer(self.parked_gate(dag_id), option, reason)
        self.ended(dag_id, run_id, must_be="success")
        return run_id

    def _answer(self, gate: dict[str, Any], option: str, reason: str) -> None:
        answer = self.approver.answer(gate, option, reason)
        if answer.status_code != 200:
            raise RuntimeError(f"the answer was not taken: {answer.status_code} {answer.text}")

    def pause(self, seconds: float) -> None:
        """Wait so long."""
        try:
            wait_for(lambda: None, "the approver to read", seconds, self.tick)
        except TimeoutError:
            return

    def incident(self, trigger: str) -> Incident | None:
        """The trigger's newest incident, resolved or not."""
        found = self.look(lambda state: state.incidents.listed(include_resolved=True))
        return next((incident for incident in found if incident.trigger == trigger), None)

    def look(self, question: Callable[[UnitOfWork], Any]) -> Any:
        """Ask guard state something."""
        with self.state.transaction() as state:
            return question(state)

    def value(self, query: str, *parameters: object) -> Any:
        """The single value of a query on the platform."""
        with psycopg.connect(self.stack.platform_uri) as connection:
            row = connection.execute(query.encode(), parameters).fetchone()
        return row[0] if row else None

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m ledger_guard …` against the stack, as a person would."""
        return run_command(arguments, self.stack.command_environment())


def run_command(arguments: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the guard's command line and return what it printed and its exit code."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "ledger_guard", *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
