"""A world in memory with a T1 and a T2 incident, and Slack's stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from tests.triggers import T1
from tests.use_cases.notify.moments import NOON, WINDOW

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.loader import load_policy, policy_path


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world(load_policy(policy_path()), NOON)


@pytest.fixture
def open_incident(world) -> Callable[..., Incident]:
    """Store an incident whose first alarm was at 11:45 and whose newest is the window of 11:55."""

    def opened(
        trigger: Trigger = T1,
        severity: Severity = Severity.SEVERE,
        scope: Scope = Scope.ISOLATED,
        tenants: tuple[str, ...] = ("acme",),
    ) -> Incident:
        incident = Incident(
            incident_id=new_id(),
            trigger=trigger,
            status=IncidentStatus.OPEN,
            severity=severity,
            scope=scope,
            tenants=tenants,
            opened_at=NOON,
            first_window_start=NOON - 3 * WINDOW,
            last_alarm_window_start=NOON - WINDOW,
            summary="acme rose to 30 %",
        )
        with world.state.transaction() as state:
            state.incidents.add(incident)
        return incident

    return opened


@pytest.fixture
def slack() -> Iterator[object]:
    from ledger_sandbox.slack import SlackStandIn

    stand_in = SlackStandIn().start()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def slack_connection(slack, monkeypatch) -> str:
    """The Airflow connection `slack_ledger_ops`, leading to the stand-in."""
    connection = {"conn_type": "slack", "password": slack.token, "extra": {"base_url": f"{slack.base_url}/api/"}}
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_LEDGER_OPS", json.dumps(connection))
    return "slack_ledger_ops"
