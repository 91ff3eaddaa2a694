"""The same use cases on guard state in Postgres."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.triggers import T2
from tests.use_cases.notify.moments import NOON, WINDOW

from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.incidents import Incident, IncidentStatus
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports.platform import FailureGroup
from ledger_guard.signals.check_secrets import check_secrets
from ledger_guard.use_cases.notify.notify import incident_notice, notify
from ledger_guard.use_cases.remediation.plan_secret_rotation import plan_secret_rotation
from ledger_guard.use_cases.remediation.remediation_steps import request_review

pytestmark = pytest.mark.postgres


def test_thread_secrets_check_rotation_and_review_are_stored_and_chained(world, database_uri):
    from ledger_guard.adapters.postgres.connection import ConnectionSettings
    from ledger_guard.adapters.postgres.state import PostgresGuardState
    from ledger_guard.domain.audit import first_fault

    state = PostgresGuardState(ConnectionSettings.parse(database_uri, "ledger_guard_db"))
    deps = replace(world.deps, state=state)
    world.flags.put("webhook_signature_enforced", "*", is_enabled=True)
    world.secrets.inspect("mockpsp", "WEBHOOK_SECRET_MOCKPSP", None)
    world.triage.fail(FailureGroup("mockpsp", "WEBHOOK_SIGNATURE_INVALID", 40, 41, NOON - WINDOW))
    incident = Incident(
        incident_id=new_id(),
        trigger=T2,
        status=IncidentStatus.OPEN,
        severity=Severity.SEVERE,
        scope=Scope.ISOLATED,
        tenants=("acme",),
        opened_at=NOON,
        first_window_start=NOON - WINDOW,
        last_alarm_window_start=NOON - WINDOW,
    )
    with state.transaction() as stores:
        stores.incidents.add(incident)

    ref = notify(deps, incident_notice(deps, incident.incident_id, "classify"))
    check_secrets(deps, incident.incident_id)
    (plan,) = plan_secret_rotation(deps, incident.incident_id, "oncall").plans
    assert plan_secret_rotation(deps, incident.incident_id, "oncall").plans == (plan,)
    request_review(deps, incident.incident_id, "oncall")
    notify(deps, incident_notice(deps, incident.incident_id, "check_secrets"))

    with state.transaction() as stores:
        stored = stores.incidents.get(incident.incident_id)
        entries = list(stores.audit.entries())
        fault = first_fault(entries, *stores.audit.head())
    assert (stored.thread_channel, stored.thread_ts) == (ref.channel, ref.ts)
    assert world.notifier.posted[-1].thread == ref
    assert fault is None
    verbs = ["notify", "check_secrets", "plan_secret_rotation", "plan_secret_rotation", "request_review", "notify"]
    assert [entry.event.verb for entry in entries] == verbs
