"""check_secrets, plan_secret_rotation and request_review: which cause is the likeliest, and what is put on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.triggers import T1, T2, T3
from tests.use_cases.flags.flag_stores import dotenv_store
from tests.use_cases.notify.moments import NOON, WINDOW

from ledger_guard.adapters.secrets.dotenv_secrets import DotenvSecretSource
from ledger_guard.domain.errors import BadInputError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.facts.codec import json_of
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.secrets import SecretFinding
from ledger_guard.domain.signals import Reading, SensedWindow, WindowState
from ledger_guard.domain.windows import Window
from ledger_guard.ports.platform import FailureGroup
from ledger_guard.signals.check_secrets import check_secrets
from ledger_guard.signals.registry import topics_of
from ledger_guard.signals.secret_ages import look_at_secrets
from ledger_guard.signals.signature_causes import CauseKind, FlagFacts, RecentChange, by_provider, likeliest_cause
from ledger_guard.use_cases.flags.record_deploy import record_deploy
from ledger_guard.use_cases.flags.watch_flags import watch_flags
from ledger_guard.use_cases.remediation.plan_secret_rotation import complete_rotation, plan_one_rotation, plan_secret_rotation
from ledger_guard.use_cases.remediation.remediation_steps import request_review

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
        pytest.param(HEALTHY, [], ON, 100, "no secret is suspected", id="no failures"),
        pytest.param(HEALTHY, [_group("mockpsp", 0, 50)], ON, 0, "no secret is suspected", id="calls but no failures"),
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
            "Only calls of mockpsp are refused, and the format of that secret is valid",
            id="one of several fails, its secret looks right",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 20, 41)],
            JUST_ENABLED,
            0,
            "Only calls of mockpsp are refused, and the format of that secret is valid",
            id="half of the calls is not the header fault",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 50, 50)],
            JUST_ENABLED,
            500,
            "completely since webhook_signature_enforced was enabled at 2026-03-01T11:45:00Z: the platform's header fault",
            id="refused wholly from the moment of enabling",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 50, 50), _group("stripe", 9, 10)],
            ON,
            0,
            "Every provider is refused completely while webhook_signature_enforced is enforced",
            id="all refused, moment not on record",
        ),
        pytest.param(
            HEALTHY,
            [_group("mockpsp", 50, 50), _group("stripe", 9, 10)],
            UNKNOWN,
            None,
            "Every provider is refused completely",
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
            "Every provider is refused completely",
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
            "scanners or a wrong address",
            id="only names that nobody has a secret for",
        ),
        pytest.param(
            HEALTHY,
            [_group("(unknown)", 60, 60)],
            JUST_ENABLED,
            0,
            "scanners or a wrong address",
            id="strangers are not the header fault",
        ),
    ],
)
def test_the_likeliest_cause(findings, groups, flag, other_calls, says):
    assert says in likeliest_cause(findings, by_provider(groups), flag, other_calls).words


DEPLOY = RecentChange("deploy", NOON - 4 * WINDOW, "deploy v2.3 at 2026-03-01T11:40:00Z", None)
ROTATED = RecentChange("rotation", NOON - 5 * WINDOW, "SECRET_MOCKPSP's rotation was recorded as done at 11:35", "mockpsp")
ALL = [_group("mockpsp", 50, 50), _group("stripe", 50, 50)]
ONE = [_group("mockpsp", 40, 41)]


@pytest.mark.parametrize(
    ("findings", "groups", "flag", "recent", "says"),
    [
        pytest.param(HEALTHY, ALL, ON, [DEPLOY], "Every provider has been refused since shortly after the deploy", id="deploy"),
        pytest.param(HEALTHY, ALL, JUST_ENABLED, [DEPLOY], "the platform's header fault", id="enabled as well as deployed"),
        pytest.param(HEALTHY, ONE, ON, [DEPLOY], "Only mockpsp has been refused since shortly after", id="deploy, one"),
        pytest.param(HEALTHY, ONE, ON, [ROTATED], "rotation was recorded as done at 11:35, and calls of mockpsp", id="rotation"),
        pytest.param(HEALTHY, ONE, ON, [DEPLOY, ROTATED], "one side still uses the old secret", id="rotation and deploy"),
        pytest.param(ONE_WRONG, ONE, ON, [DEPLOY, ROTATED], "SECRET_MOCKPSP is a placeholder", id="a wrong secret explains more"),
        pytest.param(HEALTHY, ALL, OFF, [DEPLOY, ROTATED], "rolling it back would change nothing", id="flag off"),
    ],
)
def test_what_changed_shortly_before_is_the_likeliest_cause(findings, groups, flag, recent, says):
    others = 0 if groups is ALL else 500
    assert says in likeliest_cause(findings, by_provider(groups), flag, others, recent).words


def test_a_secret_that_could_not_be_read_is_not_called_well_formed():
    unseen = replace(_finding("mockpsp"), is_value_known=False, not_known=("its value is a reference to VAULT_X",))
    words = likeliest_cause((unseen, _finding("stripe")), by_provider(ONE), ON, 500).words
    assert "the secret of mockpsp can't be read here" in words
    assert "its format is valid" not in words


def test_someone_enabled_past_the_guard_is_a_flip_and_said():
    """Two of three providers, wholly refused: without the enabling this would be these two secrets."""
    flag = FlagFacts(FLAG, True, None, is_enabled_unrecorded=True)
    cause = likeliest_cause(HEALTHY, by_provider(ALL), flag, 500)
    assert cause.kind is CauseKind.FLIP
    assert "which someone enabled past the guard" in cause.words
    assert likeliest_cause(HEALTHY, by_provider(ALL), ON, 500).kind is CauseKind.CREDENTIAL


def test_only_the_header_fault_calls_for_a_rollback():
    everyone = by_provider([_group("mockpsp", 50, 50), _group("stripe", 50, 50)])
    assert "a rollback is right" in likeliest_cause(HEALTHY, everyone, ON, 0).words
    assert "rollback is right" not in likeliest_cause(ONE_WRONG, by_provider([_group("mockpsp", 50, 50)]), ON, 500).words


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
        sensed = SensedWindow(T2, window, WindowState.COMPLETE, "", NOON)
        state.readings.record([sensed], [Reading(T2, "acme", window, 40, 541, 40)])
    return open_incident(T2)


def _audited(world, verb):
    with world.state.transaction() as state:
        return [entry.event for entry in state.audit.entries() if entry.event.verb == verb]


def test_no_rotation_is_planned_where_enabling_the_flag_is_the_likeliest_cause(world, open_incident):
    """It would mend nothing, and hold the restore up until it is done."""
    world.flags.put(FLAG, "*", is_enabled=True)
    for provider, name in (("mockpsp", "WEBHOOK_SECRET_MOCKPSP"), ("stripe", "STRIPE_WEBHOOK_SECRET")):
        world.secrets.inspect(provider, name, STRONG)
        world.triage.fail(_group(provider, 73, 73))
    incident_id = open_incident(T2).incident_id
    found = plan_secret_rotation(world.deps, incident_id, "oncall")
    assert found.plans == ()
    assert "No secret fixes it; a rollback is right" in found.refused[0]
    with world.state.transaction() as state:
        assert state.rotations.pending() == []
    assert [event.detail["stage"] for event in _audited(world, "plan_secret_rotation")] == ["refused"]


def test_the_report_names_secrets_calls_and_cause_and_is_on_record(world, incident):
    report = check_secrets(world.deps, incident.incident_id)
    assert report.likeliest_cause.startswith("mockpsp: WEBHOOK_SECRET_MOCKPSP is a placeholder that ships with the platform")
    fingerprints = {finding.name: finding.fingerprint for finding in report.findings}
    assert fingerprints["WEBHOOK_SECRET_MOCKPSP"] is None
    assert dict(report.as_facts()) == {
        "Calls of mockpsp": "40 of 41 calls refused (98%), first at 2026-03-01T11:45:00Z; WEBHOOK_SIGNATURE_INVALID",
        "Secret WEBHOOK_SECRET_MOCKPSP": (
            "set, no fingerprint (the secret could be guessed); is a placeholder that ships with the platform"
        ),
        "Secret STRIPE_WEBHOOK_SECRET": (
            f"set, fingerprint {fingerprints['STRIPE_WEBHOOK_SECRET']}; its format is valid; "
            "in use since at least 2026-03-01T12:00:00Z"
        ),
    }
    (event,) = _audited(world, "check_secrets")
    assert json_of(report.on_record()) == event.detail
    assert (event.incident_id, event.actor) == (incident.incident_id, "ledger_guard")


def test_a_flag_that_is_off_everywhere_is_not_the_cause_and_one_tenant_is_enough_to_be_on(world, incident):
    world.flags.put(FLAG, "*", is_enabled=False)
    assert "is off" in check_secrets(world.deps, incident.incident_id).likeliest_cause
    world.flags.put(FLAG, "pilot", is_enabled=True)
    assert "is off" not in check_secrets(world.deps, incident.incident_id).likeliest_cause


def test_a_flag_enabled_past_the_guard_shortly_before_is_among_the_causes_and_named(world, open_incident):
    """Two of three providers, wholly refused, and no rollback on record that would say that it should be off."""
    world.flags.put(FLAG, "*", is_enabled=False)
    watch_flags(world.deps)
    world.flags.put(FLAG, "*", is_enabled=True, by="mallory", at=NOON - 4 * WINDOW)
    watch_flags(world.deps)
    for provider, name in (("mockpsp", "WEBHOOK_SECRET_MOCKPSP"), ("stripe", "STRIPE_WEBHOOK_SECRET")):
        world.secrets.inspect(provider, name, STRONG)
        world.triage.fail(_group(provider, 73, 73))
    report = check_secrets(world.deps, open_incident(T2).incident_id)
    assert report.cause_kind is CauseKind.FLIP
    assert "which someone enabled past the guard (noticed 2026-03-01T12:00:00Z)" in report.likeliest_cause
    (change,) = [each for each in report.recent if each.kind == "flag"]
    assert (change.at, change.provider) == (NOON - 4 * WINDOW, None)
    assert change.words.startswith(f"{FLAG} for everyone: off → on, changed past the guard")


class Away:
    def findings(self):
        raise SourceUnavailable("secrets: the env file x can't be read")

    def failures_by_provider(self, trigger, start, end):
        raise SourceUnavailable("access events: connection refused")


def test_a_flag_that_the_store_can_not_tell_is_not_called_off(world, incident, tmp_path):
    deps = replace(world.deps, flags=dotenv_store(tmp_path, b"A=1\n"))
    cause = check_secrets(deps, incident.incident_id).likeliest_cause
    assert "is off, so it does not cause these refusals" not in cause
    dotenv_store(tmp_path, b"WEBHOOK_SIGNATURE_ENFORCED=False\n")
    cause = check_secrets(deps, incident.incident_id).likeliest_cause
    assert "is off, so it does not cause these refusals" in cause


def test_secrets_that_can_not_be_read_are_not_taken_for_absent_or_right(world, incident):
    report = check_secrets(replace(world.deps, secrets=Away()), incident.incident_id)
    assert report.likeliest_cause == "The cause is not known: secrets: the env file x can't be read."
    assert dict(report.as_facts())["Could not be read"] == "secrets: the env file x can't be read"
    assert len(_audited(world, "check_secrets")) == 1


def test_without_a_source_of_secrets_no_secret_is_accused_or_acquitted(world, incident, monkeypatch):
    for name in ("LEDGER_GUARD_ENV_FILE", *world.deps.policy.secrets.names.values()):
        monkeypatch.delenv(name, raising=False)
    deps = replace(world.deps, secrets=DotenvSecretSource(world.deps.policy))
    report = check_secrets(deps, incident.incident_id)
    assert (report.cause_kind, report.findings) == (CauseKind.NOT_KNOWN, ())
    assert report.in_short().startswith("The cause is not known: secrets: no source configured: neither LEDGER_GUARD_ENV_FILE")
    facts = dict(report.as_facts())
    assert set(facts) == {"Calls of mockpsp", "Could not be read"}
    assert facts["Could not be read"].startswith("secrets: no source configured")
    (event,) = _audited(world, "check_secrets")
    assert "not set" not in str(event.detail)


def test_failures_that_can_not_be_read_leave_what_is_known_of_the_secrets(world, incident):
    report = check_secrets(replace(world.deps, triage=Away()), incident.incident_id)
    assert report.likeliest_cause == (
        "The cause is not known: access events: connection refused. "
        "Could be read: WEBHOOK_SECRET_MOCKPSP is a placeholder that ships with the platform."
    )


def test_an_incident_that_is_not_known_is_bad_input(world):
    for use_case in (check_secrets, lambda g, i: plan_secret_rotation(g, i, "x"), lambda g, i: request_review(g, i, "x")):
        with pytest.raises(BadInputError):
            use_case(world.deps, new_id())
    with world.state.transaction() as state:
        assert list(state.audit.entries()) == []


def test_each_failing_provider_with_a_secret_gets_one_rotation(world, incident):
    world.triage.fail(_group("stripe", 60, 60), _group("wp-login", 5, 5), _group("adyen", 0, 9))
    plans = plan_secret_rotation(world.deps, incident.incident_id, "oncall").plans
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
    (plan,) = plan_secret_rotation(world.deps, incident.incident_id, "oncall").plans
    assert (plan.owner, plan.planned_at, plan.due_at) == ("payments-lead", NOON, NOON + timedelta(hours=24))
    steps = " ".join(plan.steps)
    places = [steps.index(words) for words in ("side by side for 24 hours", "restart each", "Validate in the test", FLAG)]
    assert places == sorted(places)


def test_a_rotation_that_is_planned_already_is_returned_instead_of_a_second_one(world, incident):
    first = plan_secret_rotation(world.deps, incident.incident_id, "oncall")
    world.wall_clock.advance(timedelta(hours=1))
    assert plan_secret_rotation(world.deps, incident.incident_id, "oncall") == first
    with world.state.transaction() as state:
        assert len(state.rotations.pending()) == 1
    assert [event.detail["was_planned_before"] for event in _audited(world, "plan_secret_rotation")] == [False, True]


@pytest.mark.parametrize(
    ("hours", "refused"), [pytest.param(23, True, id="within the overlap"), pytest.param(24, False, id="when it is over")]
)
def test_no_second_rotation_is_planned_within_the_overlap_of_one_that_is_done(world, incident, hours, refused):
    (first,) = plan_secret_rotation(world.deps, incident.incident_id, "oncall").plans
    complete_rotation(world.deps, first.rotation_id, "payments-lead")
    world.wall_clock.advance(timedelta(hours=hours))
    plans = plan_secret_rotation(world.deps, incident.incident_id, "oncall").plans
    assert len(plans) == (0 if refused else 1)
    event = _audited(world, "plan_secret_rotation")[-1]
    assert (event.detail.get("stage") == "refused") is refused
    if refused:
        assert "was done by payments-lead and overlaps until 2026-03-02T12:00:00" in event.detail["why"][0]
        with pytest.raises(SafetyRefusal, match="overlaps until"):
            plan_one_rotation(world.deps, "mockpsp", None, "anna", "anna")


def test_a_rotation_planned_by_hand_is_refused_while_one_is_pending(world, incident):
    plan = plan_one_rotation(world.deps, "mockpsp", None, "anna", "oncall")
    assert (plan.owner, plan.overlap_hours, plan.secret_name) == ("anna", 24, "WEBHOOK_SECRET_MOCKPSP")
    with pytest.raises(SafetyRefusal, match=f"{plan.rotation_id} by anna is pending, planned"):
        plan_one_rotation(world.deps, "mockpsp", None, "bert", "oncall")
    assert len(_audited(world, "plan_secret_rotation")) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"provider": "paypal"}, "'paypal' is unknown; allowed: adyen, generic, mockpsp, stripe", id="provider"),
        pytest.param({"owner": " "}, "the owner is empty", id="owner"),
        pytest.param({"actor": ""}, "the name of the person planning it is empty", id="actor"),
        pytest.param({"incident_id": new_id()}, "does not exist", id="incident"),
    ],
)
def test_a_rotation_by_hand_needs_a_provider_an_owner_and_a_planner(world, given, says):
    known = {"provider": "mockpsp", "incident_id": None, "owner": "anna", "actor": "oncall"}
    with pytest.raises(BadInputError, match=says):
        plan_one_rotation(world.deps, **{**known, **given})


@pytest.mark.parametrize(
    ("minutes_before", "counts"),
    [
        pytest.param(-1, False, id="after the first refusal"),
        pytest.param(0, True, id="at the first refusal"),
        pytest.param(120, True, id="two hours before"),
        pytest.param(121, False, id="long before"),
    ],
)
def test_a_deploy_is_held_against_failures_that_begin_within_two_hours(world, incident, minutes_before, counts):
    world.secrets.inspect("mockpsp", "WEBHOOK_SECRET_MOCKPSP", STRONG)
    first_refusal = NOON - 3 * WINDOW
    record_deploy(world.deps, "v2.3", first_refusal - timedelta(minutes=minutes_before), "anna")
    report = check_secrets(world.deps, incident.incident_id)
    assert ("deploy v2.3" in report.likeliest_cause) is counts
    assert ("Shortly before" in dict(report.as_facts())) is counts


def test_a_rotation_whose_overlap_has_just_ended_is_the_likeliest_cause(world, incident):
    """The provider withdrew the old secret, and the platform never got the new one."""
    world.secrets.inspect("mockpsp", "WEBHOOK_SECRET_MOCKPSP", STRONG)
    ended = NOON - 4 * WINDOW - timedelta(hours=24)
    world.wall_clock.advance(ended - NOON)
    plan = plan_one_rotation(world.deps, "mockpsp", None, "anna", "oncall")
    complete_rotation(world.deps, plan.rotation_id, "anna")
    world.wall_clock.advance(NOON - ended)
    cause = check_secrets(world.deps, incident.incident_id).likeliest_cause
    assert cause.startswith(
        "the overlap of WEBHOOK_SECRET_MOCKPSP's rotation ended at 2026-03-01T11:40:00Z, and calls of mockpsp"
    )


def test_a_secret_that_changed_shortly_before_is_the_likeliest_cause(world, incident):
    world.secrets.inspect("mockpsp", "WEBHOOK_SECRET_MOCKPSP", STRONG)
    world.wall_clock.advance(-timedelta(hours=5))
    look_at_secrets(world.deps)
    world.wall_clock.advance(timedelta(hours=5))
    world.secrets.inspect("mockpsp", "WEBHOOK_SECRET_MOCKPSP", f"{STRONG}x")
    cause = check_secrets(world.deps, incident.incident_id).likeliest_cause
    assert cause.startswith("WEBHOOK_SECRET_MOCKPSP changed between 2026-03-01T07:00:00Z and 2026-03-01T12:00:00Z")


@pytest.mark.parametrize(("days", "is_old"), [(180, False), (181, True)])
def test_a_secret_is_as_old_as_the_guard_has_seen_it(world, days, is_old):
    world.secrets.inspect("stripe", "STRIPE_WEBHOOK_SECRET", STRONG)
    look_at_secrets(world.deps)
    world.wall_clock.advance(timedelta(days=days))
    (finding,) = look_at_secrets(world.deps)
    assert finding.seen_since == NOON
    expected = ("has been in use since at least 2026-03-01T12:00:00Z; the policy allows 180 days",)
    assert finding.problems == (expected if is_old else ())


def test_a_rotation_that_changed_no_secret_is_found_out(world):
    world.secrets.inspect("stripe", "STRIPE_WEBHOOK_SECRET", STRONG)
    look_at_secrets(world.deps)
    world.wall_clock.advance(timedelta(hours=1))
    plan = plan_one_rotation(world.deps, "stripe", None, "anna", "oncall")
    complete_rotation(world.deps, plan.rotation_id, "anna")
    (finding,) = look_at_secrets(world.deps)
    assert finding.problems == ("did not change in the rotation that anna recorded as done at 2026-03-01T13:00:00Z",)
    world.secrets.inspect("stripe", "STRIPE_WEBHOOK_SECRET", f"{STRONG}x")
    (finding,) = look_at_secrets(world.deps)
    assert finding.problems == ()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"version": " "}, "the version is empty", id="no version"),
        pytest.param({"by": ""}, "the name of the person recording it is empty", id="nobody"),
        pytest.param({"deployed_at": NOON + timedelta(seconds=1)}, "is in the future", id="in the future"),
    ],
)
def test_a_deploy_has_a_version_a_recorder_and_took_place(world, given, says):
    with pytest.raises(BadInputError, match=says):
        record_deploy(world.deps, **{"version": "v1", "deployed_at": NOON, "by": "anna", **given})


def test_where_nothing_has_a_secret_nothing_is_planned_and_that_is_on_record(world, open_incident):
    incident = open_incident(T2)
    world.triage.fail(_group("wp-login", 5, 5))
    assert plan_secret_rotation(world.deps, incident.incident_id, "oncall").plans == ()
    (event,) = _audited(world, "plan_secret_rotation")
    assert event.detail == {"planned": 0, "failing_without_a_secret": ["wp-login"]}


def test_without_the_failures_nothing_is_planned(world, incident):
    with pytest.raises(SourceUnavailable):
        plan_secret_rotation(replace(world.deps, triage=Away()), incident.incident_id, "oncall")
    assert _audited(world, "plan_secret_rotation") == []


@pytest.mark.parametrize(
    ("trigger", "topics"),
    [
        pytest.param(T1, ["Business rules"], id="T1"),
        pytest.param(T2, ["Signature integration"], id="T2"),
        pytest.param(T3, ["Backfill strategy", "Operations and engineering inquiry"], id="T3"),
    ],
)
def test_each_trigger_has_its_review(world, open_incident, trigger, topics):
    incident = open_incident(trigger)
    said = request_review(world.deps, incident.incident_id, "oncall")
    assert [label for label, _ in topics_of(world.deps.policy, trigger)] == topics
    assert all(f"{topic}:" in said for topic in topics)
    (event,) = _audited(world, "request_review")
    assert (event.actor, event.detail["topics"]) == ("oncall", topics)
