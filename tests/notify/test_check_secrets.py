"""check_secrets, plan_secret_rotation and request_review: which cause is the likeliest, and what is put on record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.notify.moments import NOON, WINDOW

from ledger_guard.domain.errors import BadInputError, SourceUnavailable
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.secrets import SecretFinding
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger, WindowState
from ledger_guard.domain.windows import Window
from ledger_guard.ports import FailureGroup
from ledger_guard.use_cases.check_secrets import check_secrets
from ledger_guard.use_cases.plan_secret_rotation import plan_secret_rotation
from ledger_guard.use_cases.request_review import request_review, review_topics
from ledger_guard.use_cases.signature_causes import FlagFacts, by_provider, likeliest_cause

FLAG = "webhook_signature_enforced"
STRONG = "whsec-4fJk29dkQpZ7vT1x"


def _group(provider: str, failures: int, calls: int, code: str = "WEBHOOK_SIGNATURE_INVALID") -> FailureGroup:
    return FailureGroup(provider, code, failures, calls, NOON - 3 * WINDOW)


def _finding(provider: str, *problems: str) -> SecretFinding:
    return SecretFinding(provider, f"SECRET_{provider.upper()}", is_present=True, fingerprint="0" * 12, problems=problems)


HEALTHY = (_finding("mockpsp"), _finding("stripe"))
ONE_WRONG = (_finding("mockpsp", "is a placeholder"), _finding("stripe"))
ON, OFF, UNKNOWN = FlagFacts(FLAG, True, None), FlagFacts(FLAG, False, None), FlagFacts(FLAG, None, None)
JUST_ENABLED = FlagFacts(FLAG, True, NOON - 3 * WINDOW)


@pytest.mark.parametrize(
    ("findings", "groups", "flag", "other_calls", "says"),
    [
        pytest.param(HEALTHY, [], ON, 100, "nothing points to a secret", id="no failures"),
        pytest.param(HEALTHY, [_group("mockpsp", 0, 50)], ON, 0, "nothing points to a secret", id="calls but no failures"),
        pytest.param(HEALTHY, [_group("mockpsp", 50, 50)], OFF, 0, "rolling it back would change nothing", id="flag off"),
        pytest.param(
            ONE_WRONG,
            [_group("mockpsp", 40, 41)],
            ON,
            500,
            "SECRET_MOCKPSP is a placeholder, and 98% of its calls are refused: a secret",
            id="the failing one has a wrong secret",
        ),
        pytest.param(
            ONE_WRONG,
            [_group("mockpsp", 50, 50)],
            JUST_ENABLED,
            0,
            "a secret in the platform's environment",
            id="the only caller, wrong secret, just enabled",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 40, 41)],
            ON,
            500,
            "Only calls of mockpsp are refused, and nothing is wrong",
            id="one of several fails, its secret looks right",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 20, 41)],
            JUST_ENABLED,
            0,
            "Only calls of mockpsp are refused, and nothing is wrong",
            id="half of the calls is not the header fault",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 50, 50)],
            JUST_ENABLED,
            500,
            "mockpsp is refused wholly since webhook_signature_enforced was enabled at 2026-03-01T11:45:00Z: the platform's own",
            id="refused wholly from the moment of enabling",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 50, 50), _group("stripe", 9, 10)],
            ON,
            0,
            "Every provider is refused wholly while webhook_signature_enforced is enforced",
            id="all refused, moment not on record",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 50, 50), _group("stripe", 9, 10)],
            UNKNOWN,
            None,
            "Every provider is refused wholly",
            id="all refused, flag store away",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 50, 50), _group("stripe", 8, 10)],
            ON,
            0,
            "Only calls of mockpsp, stripe are refused",
            id="one just below refused wholly",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 90, 100)],
            ON,
            10,
            "Every provider is refused wholly",
            id="others call hardly at all, at the limit",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 90, 100)],
            ON,
            11,
            "Only calls of mockpsp are refused",
            id="others call, just above the limit",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 50, 50)],
            ON,
            None,
            "Only calls of mockpsp are refused",
            id="one provider alone does not speak for all",
        ),
        pytest.param(
            ONE_WRONG,
            [_group("mockpsp", 50, 50), _group("stripe", 50, 50)],
            ON,
            0,
            "Also: mockpsp: SECRET_MOCKPSP is a placeholder",
            id="all refused, and one has a wrong secret too",
        ),
        pytest.param(
            HEALTHY,
            [_group("wp-login", 60, 60)],
            ON,
            500,
            "scanners or a misspelt address",
            id="only names that nobody has a secret for",
        ),
        pytest.param(
            HEALTHY,
            [_group("(unknown)", 60, 60)],
            JUST_ENABLED,
            0,
            "scanners or a misspelt address",
            id="strangers are not the header fault",
        ),
    ],
)
def test_the_likeliest_cause(findings, groups, flag, other_calls, says):
    assert says in likeliest_cause(findings, by_provider(groups), flag, other_calls)


def test_only_the_header_fault_calls_for_a_rollback():
    everyone = by_provider([_group("mockpsp", 50, 50), _group("stripe", 50, 50)])
    assert "a rollback is right" in likeliest_cause(HEALTHY, everyone, ON, 0)
    assert "rollback is right" not in likeliest_cause(ONE_WRONG, by_provider([_group("mockpsp", 50, 50)]), ON, 500)


def test_the_codes_of_one_provider_are_put_together():
    (provider,) = by_provider([_group("mockpsp", 3, 50, "TIMESTAMP"), _group("mockpsp", 7, 50)])
    assert (provider.failures, provider.calls, provider.codes) == (10, 50, ("WEBHOOK_SIGNATURE_INVALID", "TIMESTAMP"))
    assert provider.share == pytest.approx(0.2)


@pytest.fixture
def incident(world, open_incident):
    """T2: mockpsp fails with a placeholder for a secret, stripe's calls all pass."""
    world.flags.put(FLAG, "*", is_enabled=True)
    world.secrets.inspect("mockpsp", "WEBHOOK_SECRET_MOCKPSP", "changeme", placeholders=("changeme",))
    world.secrets.inspect("stripe", "STRIPE_WEBHOOK_SECRET", STRONG)
    world.triage.fail(_group("mockpsp", 40, 41))
    window = Window(NOON - WINDOW, WINDOW)
    with world.state.transaction() as state:
        sensed = SensedWindow(Trigger.WEBHOOK_SIGNATURE, window, WindowState.COMPLETE, "", NOON)
        state.readings.record([sensed], [Reading(Trigger.WEBHOOK_SIGNATURE, "acme", window, 40, 541, 40)])
    return open_incident(Trigger.WEBHOOK_SIGNATURE)


def _audited(world, verb):
    with world.state.transaction() as state:
        return [entry.event for entry in state.audit.entries() if entry.event.verb == verb]


def test_the_report_names_secrets_calls_and_cause_and_is_on_record(world, incident):
    report = check_secrets(world.guard, incident.incident_id)
    assert report.likeliest_cause.startswith("mockpsp: WEBHOOK_SECRET_MOCKPSP is a placeholder that ships with the platform")
    fingerprints = {finding.name: finding.fingerprint for finding in report.findings}
    assert dict(report.as_facts()) == {
        "Calls of mockpsp": "40 of 41 calls refused (98%), first at 2026-03-01T11:45:00Z; WEBHOOK_SIGNATURE_INVALID",
        "Secret WEBHOOK_SECRET_MOCKPSP": (
            f"set, fingerprint {fingerprints['WEBHOOK_SECRET_MOCKPSP']}; is a placeholder that ships with the platform"
        ),
        "Secret STRIPE_WEBHOOK_SECRET": f"set, fingerprint {fingerprints['STRIPE_WEBHOOK_SECRET']}; nothing wrong with its form",
    }
    (event,) = _audited(world, "check_secrets")
    assert json.loads(json.dumps(report.as_json())) == event.detail
    assert (event.incident_id, event.actor) == (incident.incident_id, "ledger_guard")


def test_a_flag_that_is_off_everywhere_is_not_the_cause_and_one_tenant_is_enough_to_be_on(world, incident):
    world.flags.put(FLAG, "*", is_enabled=False)
    assert "is off" in check_secrets(world.guard, incident.incident_id).likeliest_cause
    world.flags.put(FLAG, "pilot", is_enabled=True)
    assert "is off" not in check_secrets(world.guard, incident.incident_id).likeliest_cause


class Away:
    def findings(self):
        raise SourceUnavailable("secrets: the env file x can't be read")

    def failures_by_provider(self, start, end):
        raise SourceUnavailable("access events: connection refused")


def test_secrets_that_can_not_be_read_are_not_taken_for_absent_or_right(world, incident):
    report = check_secrets(replace(world.guard, secrets=Away()), incident.incident_id)
    assert report.likeliest_cause == "The cause is not known: secrets: the env file x can't be read."
    assert dict(report.as_facts())["Could not be read"] == "secrets: the env file x can't be read"
    assert len(_audited(world, "check_secrets")) == 1


def test_failures_that_can_not_be_read_leave_what_is_known_of_the_secrets(world, incident):
    report = check_secrets(replace(world.guard, triage=Away()), incident.incident_id)
    assert report.likeliest_cause == (
        "The cause is not known: access events: connection refused. "
        "What could be read: WEBHOOK_SECRET_MOCKPSP is a placeholder that ships with the platform."
    )


def test_an_incident_that_is_not_known_is_bad_input(world):
    for use_case in (check_secrets, lambda g, i: plan_secret_rotation(g, i, "x"), lambda g, i: request_review(g, i, "x")):
        with pytest.raises(BadInputError):
            use_case(world.guard, new_id())
    with world.state.transaction() as state:
        assert list(state.audit.entries()) == []


def test_each_failing_provider_with_a_secret_gets_one_rotation(world, incident):
    world.triage.fail(_group("stripe", 60, 60), _group("wp-login", 5, 5), _group("adyen", 0, 9))
    plans = plan_secret_rotation(world.guard, incident.incident_id, "oncall")
    assert [(plan.provider, plan.secret_name) for plan in plans] == [
        ("stripe", "STRIPE_WEBHOOK_SECRET"),
        ("mockpsp", "WEBHOOK_SECRET_MOCKPSP"),
    ]
    with world.state.transaction() as state:
        assert {plan.rotation_id for plan in state.rotations.pending(incident.incident_id)} == {
            plan.rotation_id for plan in plans
        }
    assert [(event.actor, event.subject) for event in _audited(world, "plan_secret_rotation")] == [
        ("oncall", f"rotation:{plan.rotation_id}") for plan in plans
    ]


def test_a_rotation_has_owner_due_date_overlap_validation_and_then_the_restore(world, incident):
    (plan,) = plan_secret_rotation(world.guard, incident.incident_id, "oncall")
    assert (plan.owner, plan.planned_at, plan.due_at) == ("payments-lead", NOON, NOON + timedelta(hours=24))
    steps = " ".join(plan.steps)
    places = [steps.index(words) for words in ("side by side for 24 hours", "restart each", "Validate in the test", FLAG)]
    assert places == sorted(places)


def test_a_rotation_that_is_planned_already_is_returned_instead_of_a_second_one(world, incident):
    first = plan_secret_rotation(world.guard, incident.incident_id, "oncall")
    world.wall_clock.advance(timedelta(hours=1))
    assert plan_secret_rotation(world.guard, incident.incident_id, "oncall") == first
    with world.state.transaction() as state:
        assert len(state.rotations.pending()) == 1
    assert [event.detail["was_planned_before"] for event in _audited(world, "plan_secret_rotation")] == [False, True]


def test_where_nothing_has_a_secret_nothing_is_planned_and_that_is_on_record(world, open_incident):
    incident = open_incident(Trigger.WEBHOOK_SIGNATURE)
    world.triage.fail(_group("wp-login", 5, 5))
    assert plan_secret_rotation(world.guard, incident.incident_id, "oncall") == []
    (event,) = _audited(world, "plan_secret_rotation")
    assert event.detail == {"planned": 0, "failing_without_a_secret": ["wp-login"]}


def test_without_the_failures_nothing_is_planned(world, incident):
    with pytest.raises(SourceUnavailable):
        plan_secret_rotation(replace(world.guard, triage=Away()), incident.incident_id, "oncall")
    assert _audited(world, "plan_secret_rotation") == []


@pytest.mark.parametrize(
    ("trigger", "topics"),
    [
        pytest.param(Trigger.INSUFFICIENT_FUNDS, ["Business rules"], id="T1"),
        pytest.param(Trigger.WEBHOOK_SIGNATURE, ["Signature integration"], id="T2"),
        pytest.param(Trigger.BALANCE_MISMATCH, ["Backfill strategy", "Operations and engineering inquiry"], id="T3"),
    ],
)
def test_each_trigger_has_its_review(world, open_incident, trigger, topics):
    incident = open_incident(trigger)
    said = request_review(world.guard, incident.incident_id, "oncall")
    assert [label for label, _ in review_topics(trigger)] == topics
    assert all(f"{topic}:" in said for topic in topics)
    (event,) = _audited(world, "request_review")
    assert (event.actor, event.detail["topics"]) == ("oncall", topics)
