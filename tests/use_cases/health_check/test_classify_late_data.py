"""Late data for windows that were judged: judged again, said so, and nothing undone that was decided."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from health_checks import MILD, QUIET, SEVERE, Checks
from health_worlds import LENGTH, NOON, audited, window
from plain_engine import PlainEngine
from tests.triggers import T1

from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.incidents import ActionStatus, IncidentStatus
from ledger_guard.domain.signals import Reading
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.ports.guard_state import Checkpoint
from ledger_guard.use_cases.health_check import classify as classify_module
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.sense import sense

#: a state of another version of the rule
OLDER = json.dumps(["plain-0", [], [], []]).encode()


@pytest.fixture(autouse=True)
def plain_rule(monkeypatch):
    """The course of things is judged here, not the statistics: verdicts follow from the figures by a plain rule."""
    monkeypatch.setattr(classify_module, "make_engine", lambda _policy, trigger, **_: PlainEngine(trigger))


@pytest.fixture
def checks():
    return Checks()


@pytest.fixture
def judged(monkeypatch):
    """Starts of all windows that an engine judged, in order."""
    found = []
    judge = PlainEngine.judge

    def watched(self, batch):
        found.append(batch.window.start)
        return judge(self, batch)

    monkeypatch.setattr(PlainEngine, "judge", watched)
    return found


def last_entry(checks):
    with checks.deps.state.transaction() as state:
        return state.audit.latest(1)[0].event


def severity(checks, number, tenant="a"):
    return checks.verdicts(number)[window(number).start, tenant]


def hangs_on(checks, number, tenant="a"):
    return checks.world.state.tables.verdicts[T1, window(number).start][tenant][1]


def remembered(checks):
    """What the engine saw: windows, and the quarantine of each."""
    with checks.deps.state.transaction() as state:
        _, _, windows, quarantined = json.loads(state.verdicts.engine_state(T1))
    return dict(zip(windows, quarantined, strict=True))


def with_lateness(checks, hours):
    policy = checks.deps.policy
    sensing = policy.sensing.model_copy(update={"allowed_lateness_seconds": hours * 3600})
    checks.deps = replace(checks.deps, policy=policy.model_copy(update={"sensing": sensing}))


# --- what is judged again ------------------------------------------------------------------------------------------


def test_late_data_replace_the_verdict_of_their_window(checks):
    checks.window()
    checks.late(6, a=(15, 100), b=(99, 100))
    outcome = classify(checks.deps, T1)
    assert (severity(checks, 6, "a"), severity(checks, 6, "b")) == (Severity.NONE, Severity.SEVERE)
    assert (outcome.judged_windows, outcome.judged_again, outcome.verdicts_changed) == (0, 1, 1)


def test_new_windows_are_judged_after_the_revised_ones_in_the_same_run(checks, judged):
    checks.window()
    checks.window()
    del judged[:]
    checks.late(6, b=MILD)
    outcome = checks.window(c=MILD)
    assert judged[-3:] == [window(6).start, window(7).start, window(8).start]
    assert (outcome.judged_windows, outcome.judged_again, outcome.verdicts_changed) == (1, 2, 1)
    assert (severity(checks, 6, "b"), severity(checks, 8, "c")) == (Severity.MILD, Severity.MILD)


def test_the_audit_log_says_what_was_judged_again_and_what_turned(checks):
    checks.window(b=MILD)
    checks.window()
    checks.late(6, b=SEVERE)
    classify(checks.deps, T1)
    detail = last_entry(checks).detail
    assert (detail["judged_again"], detail["verdicts_changed"]) == (2, 1)
    assert detail["late_data"] == {
        "since": "2026-03-01T12:30:00Z",
        "windows_revised": ["2026-03-01T12:30:00Z"],
        "severities_changed": 1,
        "first_changes": ["2026-03-01T12:30:00Z b: mild isolated → severe isolated"],
    }


def test_a_run_without_late_data_says_nothing_of_any(checks):
    checks.window()
    assert "late_data" not in last_entry(checks).detail


def test_late_data_that_change_no_verdict_are_said_to_have_changed_none(checks):
    checks.window()
    checks.late(6, a=(2, 100))
    outcome = classify(checks.deps, T1)
    assert (outcome.judged_again, outcome.verdicts_changed) == (1, 0)
    assert last_entry(checks).detail["late_data"]["severities_changed"] == 0


def test_once_judged_again_a_window_is_left_alone(checks):
    checks.window()
    checks.late(6, a=MILD)
    opened = classify(checks.deps, T1)
    before, entries = checks.world.state.tables.copy(), audited(checks.world)
    again = classify(checks.deps, T1)
    assert again == replace(opened, judged_again=0, verdicts_changed=0)
    assert (checks.world.state.tables, audited(checks.world)) == (before, entries)


def test_a_second_revision_of_the_same_window_is_judged_too(checks):
    checks.window()
    for late, expected in ((MILD, Severity.MILD), (SEVERE, Severity.SEVERE), (QUIET, Severity.NONE)):
        checks.late(6, a=late)
        classify(checks.deps, T1)
        assert severity(checks, 6) is expected


def test_an_unreadable_window_whose_source_comes_back_is_judged(checks):
    checks.blind_window()
    assert severity(checks, 6) is Severity.NO_DATA
    checks.late(6, a=QUIET, b=SEVERE, c=QUIET)
    checks.window()
    assert (severity(checks, 6, "a"), severity(checks, 6, "b")) == (Severity.NONE, Severity.SEVERE)


def test_a_tenant_that_late_data_show_for_the_first_time_is_judged_from_there_on(checks):
    checks.window()
    checks.window()
    checks.late(6, new=QUIET)
    classify(checks.deps, T1)
    assert (severity(checks, 6, "new"), severity(checks, 7, "new")) == (Severity.NONE, Severity.NO_DATA)


def test_a_tenant_that_late_data_take_away_again_loses_its_verdicts(checks):
    checks.window(mistaken=QUIET)
    checks.window()
    _take_away(checks, "mistaken", 6)
    outcome = classify(checks.deps, T1)
    assert {tenant for _, tenant in checks.verdicts()} == {"a", "b", "c"}
    assert outcome.verdicts_changed == 2
    first = last_entry(checks).detail["late_data"]["first_changes"][0]
    assert first == "2026-03-01T12:30:00Z mistaken: none isolated → no verdict"


def _take_away(checks, tenant, number):
    with checks.deps.state.transaction() as state:
        [sensed] = state.readings.windows(T1, window(number).start, window(number).end)
        left = state.readings.readings(T1, window(number).start, window(number).end)
        assert state.readings.record([sensed], [each for each in left if each.tenant_id != tenant]) == 1


def test_a_failure_while_judging_again_leaves_no_trace(checks, monkeypatch):
    checks.window()
    checks.late(6, a=SEVERE)
    before = checks.world.state.tables

    def broken(self):
        raise RuntimeError("cut off")

    monkeypatch.setattr(PlainEngine, "dump", broken)
    with pytest.raises(RuntimeError, match="cut off"):
        classify(checks.deps, T1)
    assert checks.world.state.tables is before


# --- the incident --------------------------------------------------------------------------------------------------


def test_an_alarm_that_comes_late_opens_an_incident(checks):
    checks.window()
    checks.window()
    checks.late(6, a=SEVERE)
    outcome = classify(checks.deps, T1)
    assert (outcome.change, outcome.severity, outcome.window_start) == (Change.OPENED, Severity.SEVERE, window(7).start)
    assert checks.incident.incident_id == outcome.incident_id == hangs_on(checks, 6)
    assert (checks.incident.first_window_start, checks.incident.quiet_windows) == (window(6).start, 0)


def test_the_windows_judged_quiet_since_do_not_end_an_incident_that_opened_late(checks):
    checks.window()
    for _ in range(5):
        checks.window()
    checks.late(6, a=MILD)
    classify(checks.deps, T1)
    assert checks.window().change is Change.CONTINUED
    assert checks.window().change is Change.RESOLVED


def test_a_graver_alarm_that_comes_late_escalates(checks):
    checks.window(a=MILD)
    checks.window(a=MILD)
    checks.save(status=IncidentStatus.MITIGATING)
    checks.late(6, a=SEVERE)
    outcome = classify(checks.deps, T1)
    assert (outcome.change, outcome.severity) == (Change.ESCALATED, Severity.SEVERE)
    assert (checks.incident.status, checks.incident.last_alarm_window_start) == (IncidentStatus.OPEN, window(7).start)


def test_an_incident_that_late_data_show_to_be_widespread_escalates(checks):
    checks.window(a=MILD)
    checks.late(6, b=MILD, c=MILD)
    outcome = classify(checks.deps, T1)
    assert (outcome.change, outcome.scope, checks.incident.tenants) == (Change.ESCALATED, Scope.WIDESPREAD, ("a", "b", "c"))


def test_an_incident_begins_with_the_earliest_alarm_even_if_that_came_last(checks):
    checks.window()
    checks.window(a=SEVERE)
    checks.late(6, a=SEVERE)
    classify(checks.deps, T1)
    assert (checks.incident.first_window_start, checks.incident.last_alarm_window_start) == (window(6).start, window(7).start)


def test_an_alarm_that_was_known_does_not_count_again(checks):
    checks.window(a=MILD)
    checks.window()
    before = checks.incident
    assert before.quiet_windows == 1
    checks.late(6, a=(31, 100))
    assert classify(checks.deps, T1).change is Change.CONTINUED
    assert checks.incident == before


def test_a_calmer_verdict_closes_nothing_and_stays_with_the_incident_that_it_was_part_of(checks):
    opened = checks.window(a=SEVERE)
    checks.save(status=IncidentStatus.MITIGATED)
    before = checks.incident
    for late in (MILD, QUIET):
        checks.late(6, a=late)
        outcome = classify(checks.deps, T1)
        assert (outcome.change, outcome.incident_id, checks.incident) == (Change.CONTINUED, opened.incident_id, before)
    assert severity(checks, 6) is Severity.NONE
    assert hangs_on(checks, 6) == opened.incident_id
    assert last_entry(checks).detail["late_data"]["severities_changed"] == 1


def test_late_data_without_an_alarm_do_not_end_an_incident_that_only_waited_for_its_repair(checks):
    checks.window(a=SEVERE)
    checks.save(status=IncidentStatus.MITIGATING)
    for _ in range(3):
        checks.window()
    checks.save(status=IncidentStatus.MITIGATED)
    before = checks.incident
    checks.late(9, b=(1, 2))
    assert classify(checks.deps, T1).change is Change.CONTINUED
    assert checks.incident == before


def test_an_alarm_that_became_less_grave_takes_no_evidence_of_health_away(checks):
    checks.window(b=SEVERE)
    checks.window()
    assert checks.incident.healthy_tenants == ("b",)
    checks.late(6, a=MILD, b=MILD)
    classify(checks.deps, T1)
    assert (checks.incident.tenants, checks.incident.healthy_tenants) == (("a", "b"), ("b",))


def test_the_newest_windows_end_an_incident_whose_alarm_was_taken_back_as_they_end_any_other(checks):
    checks.window(a=MILD)
    checks.late(6, a=QUIET)
    assert checks.window().change is Change.CONTINUED
    assert checks.window().change is Change.RESOLVED


def test_an_alarm_that_comes_late_after_the_end_opens_an_incident_of_its_own(checks):
    first = checks.window(a=MILD)
    checks.window()
    assert checks.window().change is Change.RESOLVED
    checks.late(7, b=SEVERE)
    second = classify(checks.deps, T1)
    assert second.change is Change.OPENED
    assert (hangs_on(checks, 6, "a"), hangs_on(checks, 7, "b")) == (first.incident_id, second.incident_id)
    checks.late(6, a=SEVERE)
    assert classify(checks.deps, T1).incident_id == second.incident_id
    assert (checks.incident.tenants, hangs_on(checks, 6, "a")) == (("a", "b"), first.incident_id)


@pytest.mark.parametrize(
    ("windows_since", "change"),
    [
        pytest.param(11, Change.OPENED, id="within the hour up to the newest window's end"),
        pytest.param(12, Change.QUIET, id="before"),
    ],
)
def test_an_alarm_that_comes_too_late_to_be_fresh_opens_nothing_and_is_kept_as_a_verdict(checks, windows_since, change):
    with_lateness(checks, hours=3)
    checks.window()
    checks.world.signals.complete(T1, window(40).start)
    for _ in range(windows_since):
        checks.window()
    checks.late(6, a=SEVERE)
    assert classify(checks.deps, T1).change is change
    assert severity(checks, 6) is Severity.SEVERE


# --- quarantine ----------------------------------------------------------------------------------------------------


def test_a_window_that_is_judged_again_keeps_the_quarantine_of_its_time(checks):
    checks.window(a=SEVERE, b=SEVERE)
    checks.act("roll_back", "ledger_enforce_balance", started=window(7).start)
    checks.window(a=SEVERE, b=SEVERE)
    checks.window(c=SEVERE)
    checks.window()
    before = remembered(checks)
    assert list(before.values())[6:] == [[], ["a", "b"], ["a", "b"], ["a", "b", "c"]]
    checks.late(6, c=MILD)
    classify(checks.deps, T1)
    assert remembered(checks) == before


def test_the_end_of_an_incident_does_not_lift_the_quarantine_of_earlier_windows(checks):
    checks.window(a=MILD)
    checks.act("backfill", "a", ActionStatus.DONE, started=window(6).start, finished=window(7).start)
    checks.window()
    assert checks.window().change is Change.RESOLVED
    before = remembered(checks)
    assert ["a"] in before.values()
    checks.late(7, b=(2, 100))
    classify(checks.deps, T1)
    assert remembered(checks) == before


# --- checkpoints ---------------------------------------------------------------------------------------------------


def moments(checks):
    with checks.deps.state.transaction() as state:
        return state.replay.checkpoint_moments(T1)


@pytest.mark.parametrize("hours", [1, 2])
def test_at_most_three_states_are_kept_and_one_is_older_than_whatever_may_change(checks, hours):
    with_lateness(checks, hours)
    age = checks.deps.policy.lateness
    checks.world.signals.complete(T1, window(100).start)
    for _ in range(60):
        checks.window()
        kept, end = moments(checks), window(checks.next).start
        assert 1 <= len(kept) <= 3
        assert kept[0] == NOON or end - age - age / 2 - LENGTH <= kept[0] <= end - age
    with checks.deps.state.transaction() as state:
        assert [each.window_start for each in state.replay.judged_revisions(T1)] == [
            window(number).start for number in range(checks.next) if window(number).start >= kept[0]
        ]


def test_a_replay_begins_at_the_newest_checkpoint_before_the_oldest_revised_window(checks, judged):
    for _ in range(40):
        checks.window()
    revised = window(checks.next - 9).start
    expected = max(each for each in moments(checks) if each <= revised)
    checks.late(checks.next - 9, a=(2, 100))
    del judged[:]
    classify(checks.deps, T1)
    assert (judged[0], len(judged)) == (expected, (window(checks.next).start - expected) // LENGTH)


def test_a_first_run_over_a_long_history_leaves_checkpoints_of_its_end_only(judged):
    checks = Checks(healthy_windows=400)
    assert moments(checks) == [window(400 - 12).start, window(400 - 6).start]
    del judged[:]
    checks.late(400 - 12, a=(2, 100))
    outcome = classify(checks.deps, T1)
    assert (outcome.judged_again, len(judged)) == (12, 12)


def test_revised_windows_that_are_judged_again_leave_checkpoints_of_what_they_are_now(checks):
    for _ in range(30):
        checks.window()
    checks.late(checks.next - 11, new=QUIET)
    classify(checks.deps, T1)
    with checks.deps.state.transaction() as state:
        newest = state.replay.checkpoint(T1, window(checks.next).start)
    assert "new" in json.loads(newest.state)[1]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda state: state.replay.save_checkpoint(T1, Checkpoint(window(6).start, OLDER)), id="another version"),
        pytest.param(lambda state: state.replay.forget_before(T1, window(99).start), id="none, as after an upgrade"),
    ],
)
def test_without_a_checkpoint_that_serves_the_stored_history_is_learned_again(checks, judged, spoil):
    for _ in range(3):
        checks.window()
    checks.late(7, a=MILD)
    with checks.deps.state.transaction() as state:
        spoil(state)
    del judged[:]
    outcome = classify(checks.deps, T1)
    assert judged == [window(number).start for number in range(9)]
    assert (outcome.judged_windows, outcome.judged_again, outcome.verdicts_changed) == (0, 2, 1)
    assert (outcome.change, severity(checks, 7)) == (Change.OPENED, Severity.MILD)
    assert moments(checks) == [NOON, window(6).start]


def test_a_window_that_an_older_version_judged_before_its_late_data_is_judged_again_once(checks, judged):
    checks.window()
    checks.late(6, a=SEVERE)
    with checks.deps.state.transaction() as state:
        state.replay.forget_before(T1, window(99).start)
    assert classify(checks.deps, T1).change is Change.OPENED
    del judged[:]
    assert classify(checks.deps, T1).judged_again == 0
    assert judged == []


def test_a_damaged_state_learns_the_history_and_still_replaces_only_what_late_data_changed(checks):
    checks.window(b=MILD)
    checks.window()
    with checks.deps.state.transaction() as state:
        through, at = state.verdicts.judged_through(T1), state.verdicts.last_judged_at(T1)
        state.verdicts.save_engine_state(T1, through, at, OLDER)
    outcome = classify(checks.deps, T1)
    assert (outcome.judged_windows, outcome.judged_again, outcome.verdicts_changed) == (0, 0, 0)
    checks.late(7, b=SEVERE)
    assert classify(checks.deps, T1).judged_again == 1


def test_readings_of_before_the_lateness_are_not_read_again_and_so_not_judged_again(checks):
    for _ in range(20):
        checks.window()
    checks.world.signals.deliver([Reading(T1, "a", window(6), 99, 100, 99)])
    sense(checks.deps, T1)
    assert classify(checks.deps, T1).judged_again == 0
    assert severity(checks, 6) is Severity.NONE


def test_a_source_that_was_away_for_hours_is_judged_over_all_its_windows_when_it_is_back(checks):
    checks.world.clock.advance(timedelta(hours=4))
    checks.next += 48
    outcome = checks.window()
    assert outcome.judged_windows == 49
    assert moments(checks) == [window(checks.next - 12).start, window(checks.next - 6).start]
