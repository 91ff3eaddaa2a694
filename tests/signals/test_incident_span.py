"""Every look at an incident takes the same span of time, also of a case that a person opened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.triggers import T2

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.access_events import AccessEvent
from ledger_guard.domain.incidents import Incident
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports.platform import AffectedSubject, FailureGroup
from ledger_guard.signals.check_secrets import check_secrets
from ledger_guard.signals.forged_calls import refused_calls_of
from ledger_guard.signals.incident_facts import incident_span
from ledger_guard.signals.signature_causes import CauseKind
from ledger_guard.signals.triage import triage
from ledger_guard.use_cases.notify.notices import incident_notice
from ledger_guard.use_cases.remediation.plan_secret_rotation import plan_secret_rotation
from ledger_guard.use_cases.remediation.remediate import open_case

POLICY = load_policy()
#: when somebody opens the case: off the grid of windows
TYPED = datetime(2026, 3, 1, 12, 3, 10, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
SAID = {"trigger": "T2", "severity": "severe", "scope": "isolated", "tenants": ["acme"]}


def call(number: int, at: datetime, status: int) -> AccessEvent:
    code = None if status == 200 else "WEBHOOK_SIGNATURE_INVALID"
    return AccessEvent(
        f"{number}", at, "acme", f"e-{number}", "POST", "/api/v1/payments/webhook/mockpsp", "mockpsp", status, code
    )


@pytest.fixture
def world():
    """40 of 50 calls of mockpsp were refused twenty minutes before somebody says so; its secret looks right."""
    world = memory_world(POLICY, TYPED)
    world.ledger.tenants.add("acme")
    world.flags.put("webhook_signature_enforced", "*", is_enabled=True)
    world.secrets.inspect("mockpsp", "WEBHOOK_SECRET_MOCKPSP", "whsec-4fJk29dkQpZ7vT1x")
    refused_at = TYPED - 20 * MINUTE
    world.triage.receive(POLICY, [call(number, refused_at, 401 if number < 40 else 200) for number in range(50)])
    world.triage.fail(FailureGroup("mockpsp", "WEBHOOK_SIGNATURE_INVALID", 40, 50, refused_at))
    world.triage.affect(T2, refused_at, AffectedSubject("acme", "e-1", 40))
    return world


@pytest.fixture
def incident(world) -> Incident:
    case = open_case(world.deps, SAID, "oncall", "manual__1")
    with world.state.transaction() as state:
        return state.incidents.get(case.incident_id)


def test_a_case_by_hand_is_about_the_hour_before_it(world, incident):
    assert incident_span(world.deps, incident) == (datetime(2026, 3, 1, 11, 0, tzinfo=timezone.utc), TYPED)


def test_check_secrets_of_a_case_by_hand_names_the_cause_and_a_rotation_is_planned(world, incident):
    report = check_secrets(world.deps, incident.incident_id)
    assert report.cause_kind is CauseKind.CREDENTIAL
    assert report.likeliest_cause.startswith("Only calls of mockpsp are refused")
    planned = plan_secret_rotation(world.deps, incident.incident_id, "oncall")
    assert ([plan.secret_name for plan in planned.plans], planned.refused) == (["WEBHOOK_SECRET_MOCKPSP"], ())


def test_triage_the_notice_and_the_look_for_forged_calls_see_the_same_refusals(world, incident):
    assert "40 of 50 calls refused" in dict(triage(world.deps, incident.incident_id).facts)["Provider mockpsp"]
    assert dict(incident_notice(world.deps, incident.incident_id, "triage").facts)["Webhooks"] == "e-1 of acme (40)"
    assert refused_calls_of(world.deps, incident).ids.refused == 40


@pytest.mark.parametrize(
    ("minutes", "failures"), [pytest.param(62, 40, id="within"), pytest.param(64, 0, id="before the window of an hour ago")]
)
def test_what_is_older_than_the_hour_is_another_matter(minutes, failures):
    world = memory_world(POLICY, TYPED)
    world.ledger.tenants.add("acme")
    world.triage.fail(FailureGroup("mockpsp", "WEBHOOK_SIGNATURE_INVALID", 40, 50, TYPED - minutes * MINUTE))
    case = open_case(world.deps, SAID, "oncall", "manual__1")
    assert sum(each.failures for each in check_secrets(world.deps, case.incident_id).providers) == failures


def test_an_incident_that_was_sensed_is_about_its_windows_in_alarm(world, incident):
    noon = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    sensed = replace(incident, first_window_start=noon - 10 * MINUTE, last_alarm_window_start=noon - 5 * MINUTE)
    assert incident_span(world.deps, sensed) == (noon - 10 * MINUTE, noon)
