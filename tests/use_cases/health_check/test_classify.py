"""From sensed windows to verdicts and the incident, in one transaction."""

import json
import zlib
from dataclasses import replace
from datetime import timedelta

import pytest
from health_checks import FEW, MILD, QUIET, SEVERE, Checks
from health_worlds import LENGTH, NOON, POLICY, audited, deliver, incident, reading, window, world_at
from plain_engine import PlainEngine
from tests.triggers import T1

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.facts.codec import from_json, json_of
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.incidents import ActionStatus, IncidentStatus
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.use_cases.health_check import classify as classify_module
from ledger_guard.use_cases.health_check.classify import ClassifyOutcome, classify
from ledger_guard.use_cases.health_check.sense import sense


@pytest.fixture(autouse=True)
def plain_rule(monkeypatch):
    """The course of things is judged here, not the statistics: verdicts follow from the figures by a plain rule."""
    monkeypatch.setattr(classify_module, "make_engine", lambda _policy, trigger, **_: PlainEngine(trigger))


@pytest.fixture
def checks():
    return Checks()


def test_the_first_run_judges_the_whole_history_and_opens_nothing_when_it_is_quiet(checks):
    assert (checks.first.change, checks.first.judged_windows, checks.first.severity) == (Change.QUIET, 6, Severity.NONE)
    assert len(checks.verdicts()) == 18


def test_an_alarm_opens_an_incident_and_its_verdicts_hang_on_it(checks):
    outcome = checks.window(a=SEVERE)
    assert (outcome.change, outcome.severity, outcome.scope, outcome.judged_windows) == (
        Change.OPENED,
        Severity.SEVERE,
        Scope.ISOLATED,
        1,
    )
    assert checks.incident.incident_id == outcome.incident_id
    assert checks.incident.tenants == ("a",)
    of_window = checks.world.state.tables.verdicts[T1, window(6).start]
    assert {tenant: incident_id for tenant, (_, incident_id) in of_window.items()} == {
        "a": outcome.incident_id,
        "b": None,
        "c": None,
    }


def test_incident_times_are_event_time_and_audit_times_are_peoples(checks):
    checks.world.wall_clock.advance(timedelta(days=-30))
    checks.window(a=SEVERE)
    assert checks.incident.opened_at == checks.world.clock.now()
    with checks.deps.state.transaction() as state:
        assert state.audit.latest(1)[0].event.at == checks.world.wall_clock.now()


def test_many_tenants_in_alarm_are_widespread_when_the_engine_says_so(checks):
    assert checks.window(a=SEVERE, b=MILD, c=MILD).scope is Scope.WIDESPREAD


def test_the_same_alarm_again_continues_the_incident(checks):
    opened = checks.window(a=SEVERE)
    again = checks.window(a=SEVERE)
    assert (again.change, again.incident_id) == (Change.CONTINUED, opened.incident_id)
    assert checks.incident.last_alarm_window_start == window(7).start


def test_a_worse_alarm_escalates_and_opens_the_incident_again(checks):
    checks.window(a=MILD)
    checks.save(status=IncidentStatus.MITIGATING)
    outcome = checks.window(a=SEVERE)
    assert (outcome.change, outcome.severity) == (Change.ESCALATED, Severity.SEVERE)
    assert checks.incident.status is IncidentStatus.OPEN


def test_enough_quiet_windows_resolve_a_mitigated_incident(checks):
    opened = checks.window(a=SEVERE)
    checks.save(status=IncidentStatus.MITIGATED, mitigated_at=checks.world.clock.now())
    assert checks.window().change is Change.CONTINUED
    resolved = checks.window()
    assert (resolved.change, resolved.incident_id) == (Change.RESOLVED, opened.incident_id)
    assert checks.incident is None


def test_a_severe_incident_whose_repair_is_under_way_is_not_resolved_by_quiet_windows(checks):
    checks.window(a=SEVERE)
    checks.save(status=IncidentStatus.MITIGATING)
    checks.act("backfill", "a")
    for _ in range(5):
        assert checks.window().change is Change.CONTINUED


@pytest.mark.parametrize(
    "unclear",
    [
        pytest.param(lambda checks: checks.window(a=FEW), id="insufficient"),
        pytest.param(lambda checks: checks.blind_window(), id="no data"),
    ],
)
def test_windows_without_evidence_never_resolve_an_incident_nor_start_the_count_again(checks, unclear):
    checks.window(a=SEVERE)
    checks.save(status=IncidentStatus.MITIGATED)
    checks.window()
    for _ in range(4):
        unclear(checks)
        assert checks.incident.quiet_windows == 1
    assert checks.window().change is Change.RESOLVED


def test_a_new_alarm_after_the_end_opens_another_incident(checks):
    first = checks.window(a=MILD)
    checks.window()
    assert checks.window().change is Change.RESOLVED
    second = checks.window(a=MILD)
    assert second.change is Change.OPENED
    assert second.incident_id != first.incident_id


def test_old_alarms_of_the_history_open_no_incident_and_are_kept_as_verdicts():
    world = world_at(window(600).start)
    deliver(world, T1, range(600), {"a": QUIET, "b": QUIET})
    world.signals.deliver([reading(T1, "a", 100, *SEVERE)])
    sense(world.deps, T1)
    outcome = classify(world.deps, T1)
    assert (outcome.change, outcome.judged_windows) == (Change.QUIET, 600)
    with world.deps.state.transaction() as state:
        kept = state.verdicts.between(T1, NOON, window(600).end)
    assert kept[0].window == window(100)
    assert [each.tenant_id for each in kept if each.window < window(600 - 288)] == ["a"]
    assert len(kept) == 1 + 2 * 288


@pytest.mark.parametrize(
    ("ago", "change"),
    [
        pytest.param(12, Change.OPENED, id="within the hour up to the newest window's end"),
        pytest.param(13, Change.QUIET, id="before"),
    ],
)
def test_an_alarm_of_the_last_hour_opens_an_incident_even_if_the_newest_window_is_quiet(ago, change):
    world = world_at(window(60).start)
    deliver(world, T1, range(60), {"a": QUIET})
    world.signals.deliver([reading(T1, "a", 60 - ago, *SEVERE)])
    sense(world.deps, T1)
    assert classify(world.deps, T1).change is change


def test_several_windows_at_once_are_judged_in_order_of_time(checks):
    checks.sensed(a=MILD)
    checks.sensed(a=SEVERE)
    checks.sensed()
    outcome = classify(checks.deps, T1)
    assert (outcome.judged_windows, outcome.change, outcome.severity) == (3, Change.ESCALATED, Severity.SEVERE)
    assert (checks.incident.first_window_start, checks.incident.quiet_windows) == (window(6).start, 1)


def test_run_again_without_new_windows_it_stores_nothing_and_says_the_same(checks):
    opened = checks.window(a=SEVERE)
    entries = audited(checks.world)
    again = classify(checks.deps, T1)
    assert again == replace(opened, judged_windows=0)
    assert audited(checks.world) == entries
    quiet = Checks()
    assert classify(quiet.deps, T1).change is Change.QUIET


def test_a_repeated_run_does_not_repeat_what_a_later_window_has_overtaken(checks):
    checks.window(a=SEVERE)
    checks.window(a=SEVERE)
    assert classify(checks.deps, T1).change is Change.CONTINUED


def test_an_unreadable_newest_window_is_blind_and_counted(checks):
    first, second = checks.blind_window(), checks.blind_window()
    assert (first.change, first.blind_windows, first.has_just_gone_blind(2)) == (Change.BLIND, 1, False)
    assert (second.change, second.blind_windows, second.has_just_gone_blind(2)) == (Change.BLIND, 2, True)
    third, seeing = checks.blind_window(), checks.window()
    assert (third.change, third.has_just_gone_blind(2)) == (Change.BLIND, False)
    assert (seeing.change, seeing.blind_windows) == (Change.QUIET, 0)


def test_unreadable_windows_leave_an_incident_as_it_is(checks):
    opened = checks.window(a=SEVERE)
    before = checks.incident
    outcome = checks.blind_window()
    assert (outcome.change, outcome.incident_id) == (Change.BLIND, opened.incident_id)
    assert checks.incident == before
    assert set(checks.verdicts(7).values()) == {Severity.NO_DATA}


def test_without_any_sensed_window_the_guard_is_blind_and_nothing_is_stored():
    world = world_at()
    outcome = classify(world.deps, T1)
    assert (outcome.change, outcome.judged_windows, outcome.window_start) == (Change.BLIND, 0, None)
    assert audited(world) == []


@pytest.mark.parametrize(
    ("kind", "target", "status", "finished_before", "expected"),
    [
        pytest.param("backfill", "a", ActionStatus.STARTED, None, ["a"], id="a backfill under way"),
        pytest.param("backfill", "a", ActionStatus.DONE, timedelta(minutes=59), ["a"], id="a backfill of the last hour"),
        pytest.param("backfill", "a", ActionStatus.DONE, timedelta(minutes=61), [], id="an older backfill"),
        pytest.param(
            "roll_back", "ledger_enforce_balance", ActionStatus.DONE, timedelta(0), ["a", "b"], id="a rollback touches all"
        ),
        pytest.param("triage", "", ActionStatus.STARTED, None, [], id="looking touches nobody"),
        pytest.param("backfill", "z", ActionStatus.STARTED, None, [], id="a tenant outside the incident"),
    ],
)
def test_tenants_under_repair_are_quarantined(checks, kind, target, status, finished_before, expected):
    checks.window(a=SEVERE, b=SEVERE)
    start_of_next = window(checks.next).start
    finished = None if finished_before is None else start_of_next - finished_before
    checks.act(kind, target, status, started=start_of_next - timedelta(hours=2), finished=finished)
    checks.window(a=SEVERE, b=SEVERE)
    assert checks.quarantined == expected


def test_a_repair_that_began_after_a_window_does_not_quarantine_it(checks):
    checks.window(a=SEVERE)
    checks.act("backfill", "a", started=window(checks.next).end)
    checks.window(a=SEVERE)
    assert checks.quarantined == []


def test_a_state_of_another_version_is_learned_again_from_the_history(checks):
    checks.window(a=SEVERE)
    with checks.deps.state.transaction() as state:
        through, at = state.verdicts.judged_through(T1), state.verdicts.last_judged_at(T1)
        state.verdicts.save_engine_state(T1, through, at, json.dumps(["plain-0", [], [], []]).encode())
    before = dict(checks.world.state.tables.verdicts)
    assert checks.window(a=SEVERE).change is Change.CONTINUED
    after = checks.world.state.tables.verdicts
    assert {key: after[key] for key in before} == before
    with checks.deps.state.transaction() as state:
        assert len(json.loads(state.verdicts.engine_state(T1))[2]) == 8


@pytest.mark.parametrize("old", [b"LGS1" + zlib.compress(bytes(9)), b"\x80\x04K\x01."], ids=["of the format before", "damaged"])
def test_the_shipped_rule_learns_an_unreadable_state_again_as_if_it_had_never_been(monkeypatch, old):
    from ledger_guard.detection.registry import make_engine

    monkeypatch.setattr(classify_module, "make_engine", make_engine)
    worlds = [world_at(window(60).start) for _ in range(2)]
    for world in worlds:
        deliver(world, T1, range(60), {"a": (2, 200), "b": (3, 200)})
        sense(world.deps, T1)
        classify(world.deps, T1)
    upgraded, untouched = worlds
    with upgraded.deps.state.transaction() as state:
        state.verdicts.save_engine_state(T1, window(60).start, upgraded.clock.now(), old)
    for world in worlds:
        deliver(world, T1, range(60, 61), {"a": (2, 200), "b": (3, 200)})
        world.clock.advance(LENGTH)
        sense(world.deps, T1)
        assert classify(world.deps, T1).judged_windows == 1
    assert upgraded.state.tables.verdicts == untouched.state.tables.verdicts
    with upgraded.deps.state.transaction() as state, untouched.deps.state.transaction() as other:
        assert state.verdicts.engine_state(T1) == other.verdicts.engine_state(T1)


def test_an_incident_described_by_hand_is_not_judged_by_the_history_before_it():
    world = world_at(window(60).start)
    deliver(world, T1, range(60), {"a": QUIET})
    by_hand = incident(
        opened_at=world.clock.now(), first_window_start=world.clock.now(), last_alarm_window_start=world.clock.now()
    )
    with world.deps.state.transaction() as state:
        state.incidents.add(by_hand)
    sense(world.deps, T1)
    assert classify(world.deps, T1).change is Change.CONTINUED
    with world.deps.state.transaction() as state:
        assert state.incidents.get(by_hand.incident_id).quiet_windows == 0


def test_a_failure_while_judging_leaves_no_trace(checks, monkeypatch):
    checks.sensed(a=SEVERE)
    before = audited(checks.world)

    def broken(self, batch):
        raise RuntimeError("cut off")

    monkeypatch.setattr(PlainEngine, "judge", broken)
    with pytest.raises(RuntimeError, match="cut off"):
        classify(checks.deps, T1)
    assert (checks.incident, audited(checks.world)) == (None, before)


def test_the_outcome_travels_as_json_and_back(checks):
    outcome = checks.window(a=SEVERE)
    assert from_json(json.loads(json.dumps(json_of(outcome))), ClassifyOutcome) == outcome
    assert from_json(json_of(checks.first), ClassifyOutcome) == checks.first


@pytest.mark.parametrize(
    ("field", "word"),
    [("trigger", "T 9"), ("change", "worse"), ("severity", "grave"), ("scope", "global"), ("incident_id", "7")],
)
def test_an_unknown_word_in_an_outcome_is_refused(checks, field, word):
    with pytest.raises(BadInputError, match="allowed"):
        from_json({**json_of(checks.first), field: word}, ClassifyOutcome)


def test_an_outcome_that_lacks_a_field_is_refused():
    with pytest.raises(BadInputError, match="has no field"):
        from_json({}, ClassifyOutcome)


def test_with_the_shipped_rule_a_spike_opens_an_incident_and_calm_resolves_it(monkeypatch):
    from ledger_guard.detection.registry import make_engine

    monkeypatch.setattr(classify_module, "make_engine", make_engine)
    world = world_at(window(300).start)
    healthy = dict.fromkeys("abcdefgh", (2, 200))
    deliver(world, T1, range(300), healthy)
    sense(world.deps, T1)
    assert classify(world.deps, T1).change is Change.QUIET
    deliver(world, T1, range(300, 303), {**healthy, "a": (120, 200)})
    world.clock.advance(3 * LENGTH)
    sense(world.deps, T1)
    opened = classify(world.deps, T1)
    assert (opened.change, opened.severity, opened.scope) == (Change.OPENED, Severity.SEVERE, Scope.ISOLATED)
    with world.deps.state.transaction() as state:
        found = state.incidents.open_for(T1)
        assert found.tenants == ("a",)
        state.incidents.save(replace(found, status=IncidentStatus.MITIGATED))
    deliver(world, T1, range(303, 306), healthy)
    world.clock.advance(3 * LENGTH)
    sense(world.deps, T1)
    assert classify(world.deps, T1).change is Change.RESOLVED
    assert POLICY.detection_of(T1).resolve_after_windows <= 3
