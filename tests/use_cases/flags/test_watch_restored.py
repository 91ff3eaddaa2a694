"""A flag that was enabled and could not be confirmed is watched; when its signal rises at once, people are asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.triggers import T1, T2, T3
from tests.use_cases.flags.rollout_world import BALANCE, NOW, RUN, SIGNATURE, TENANTS, RolloutWorld, rollout_world
from tests.use_cases.remediation.webhook_traffic import accepted, genuine, strangers

from ledger_guard.adapters.memory.probes import UNUSABLE
from ledger_guard.adapters.memory.probes import InMemoryFlagProbes as Probes
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, ChangeStatus
from ledger_guard.domain.incidents import ActionStatus
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.use_cases.flags import flag_run
from ledger_guard.use_cases.flags.confirm import confirm
from ledger_guard.use_cases.flags.freeze import freeze
from ledger_guard.use_cases.flags.watch_restored import watch_restored

FIVE_MINUTES = timedelta(minutes=5)


def _restored(world: RolloutWorld, flag: str = SIGNATURE, tenant_id: str = EVERYWHERE) -> RolloutWorld:
    """Enabled at event time 03:00, and looked at."""
    world.memory.flags.put(flag, EVERYWHERE, False)
    world.answer(world.ask_to_restore(None, flag, tenant_id))
    world.restore(None, flag, tenant_id)
    confirm(world.deps, flag, tenant_id)
    return world


@pytest.fixture
def world() -> RolloutWorld:
    return _restored(rollout_world())


def _pass_time(world: RolloutWorld, **passed: float) -> None:
    for clock in (world.memory.clock, world.memory.wall_clock):
        clock.advance(timedelta(**passed))


def _judged(world, word=Severity.INSUFFICIENT, *, trigger=T2, tenant="tenant-a", events=0, exposure=10, usual=0.001) -> None:
    """Let a window pass and store a verdict of it."""
    _pass_time(world, minutes=5)
    window = Window(Window.containing(world.deps.clock.now(), FIVE_MINUTES).start - FIVE_MINUTES, FIVE_MINUTES)
    figures = {"events": events, "exposure": exposure, "expected_events": usual}
    verdict = Verdict(trigger, tenant, window, word, Scope.ISOLATED, "put here by a test", figures)
    with world.deps.state.transaction() as state:
        state.verdicts.record([verdict], None)


def _incident(world, trigger=T2):
    with world.deps.state.transaction() as state:
        return state.incidents.open_for(trigger)


# --- when people are asked ----------------------------------------------------------------------------------------


def test_webhooks_that_are_refused_again_at_once_bring_the_question_back_with_the_evidence(world):
    _judged(world, events=9)
    (run,) = watch_restored(world.deps)
    incident = _incident(world)
    seen = (
        "T2 webhook_signature rose again in 1 tenant (tenant-a) after the flag was enabled at 2026-03-02T03:00:00Z "
        "(unconfirmed): 10 attempts with 9 failures in 1 windows where 0.001 are usual"
    )
    assert run["conf"] == {"flag": SIGNATURE, "tenant_id": EVERYWHERE, "incident_id": incident.incident_id, "reason": seen}
    assert (incident.severity, incident.scope, incident.tenants) == (Severity.MILD, Scope.ISOLATED, ("tenant-a",))
    question = flag_run.roll_back_question(world.deps, run["conf"], "ledger_guard")
    assert question["is_needed"]
    assert question["proposal"].count(f" {seen}.") == 1
    assert [entry["evidence"] for entry in world.audit("watch_restored")] == [seen]


def test_the_question_leads_to_a_rollback_by_the_ordinary_way(world):
    _judged(world, events=9)
    (run,) = watch_restored(world.deps)
    conf, run_id = run["conf"], run["trigger_run_id"]
    question = flag_run.roll_back_question(world.deps, conf, "ledger_guard")
    world.answer(world.ask_to_roll_back(conf["incident_id"], SIGNATURE, run_id=run_id))
    _judged(world, events=10)
    flag_run.roll_back_run(world.deps, conf, run_id, "flag_rollback")
    flag_run.confirm_run(world.deps, conf)
    status, _ = flag_run.close_run(world.on_record(run), ApprovalKind.FLAG_ROLLBACK, conf, question)
    assert status is ActionStatus.DONE
    assert not world.deps.flags.effective(SIGNATURE, "tenant-a")
    assert watch_restored(world.deps) == []


@pytest.mark.parametrize(
    ("judged", "is_asked"),
    [
        pytest.param({"events": 4}, False, id="four failures are never an alarm"),
        pytest.param({"events": 5}, True, id="five where none are usual"),
        pytest.param({"events": 8, "usual": 3.0}, False, id="eight where four and a half would be mild: one in twelve"),
        pytest.param({"events": 9, "usual": 3.0}, True, id="nine: one in twenty-five"),
        pytest.param({"word": Severity.MILD}, True, id="a tenant in alarm"),
        pytest.param({"word": Severity.SEVERE}, True, id="a tenant in severe alarm"),
        pytest.param({"word": Severity.NONE, "events": 9}, False, id="healthy by the tenant's own verdict"),
        pytest.param({"word": Severity.NO_DATA, "events": 50}, False, id="without data"),
        pytest.param({"word": Severity.SEVERE, "trigger": T1}, False, id="a signal of another flag"),
    ],
)
def test_what_counts_as_a_rise(world, judged, is_asked):
    _judged(world, **judged)
    assert bool(watch_restored(world.deps)) is is_asked


def test_an_alarm_is_told_in_its_own_words(world):
    _judged(world, Severity.SEVERE, events=40, exposure=60)
    (run,) = watch_restored(world.deps)
    assert run["conf"]["reason"].endswith("(unconfirmed): tenant-a: put here by a test")


def test_failures_of_small_tenants_are_added_up_over_tenants_and_windows(world):
    _judged(world, events=2)
    _judged(world, events=2, tenant="tenant-b")
    assert watch_restored(world.deps) == []
    _judged(world, events=1, tenant="tenant-c")
    assert len(watch_restored(world.deps)) == 1
    assert _incident(world).tenants == TENANTS


def test_windows_from_before_the_restore_say_nothing(world):
    world.attempts(50, failures=40)
    assert watch_restored(world.deps) == []


def test_windows_are_held_against_the_time_that_they_are_told_in():
    """A rehearsal's event time runs ahead of the time that people live in."""
    world = rollout_world()
    world.memory.clock.advance(timedelta(days=3))
    _restored(world.healthy())
    _judged(world, events=9)
    assert len(watch_restored(world.deps)) == 1


@pytest.mark.parametrize(("minutes", "is_asked"), [(115, True), (116, False)])
def test_a_flag_is_watched_for_as_long_as_the_policy_says(world, minutes, is_asked):
    _pass_time(world, minutes=minutes)
    _judged(world, events=9)
    assert bool(watch_restored(world.deps)) is is_asked


def test_a_tenants_restore_is_watched_in_that_tenant():
    world = _restored(rollout_world(), BALANCE, "tenant-a")
    _judged(world, Severity.SEVERE, trigger=T1, tenant="tenant-b")
    assert watch_restored(world.deps) == []
    _judged(world, Severity.SEVERE, trigger=T1)
    (run,) = watch_restored(world.deps)
    assert run["conf"]["tenant_id"] == "tenant-a"
    assert "@" not in run["trigger_run_id"]


def test_compared_balances_bring_no_flag_back():
    world = _restored(rollout_world(), BALANCE)
    _judged(world, Severity.SEVERE, trigger=T3)
    assert watch_restored(world.deps) == []


# --- what is watched ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probes", "status", "is_watched"),
    [
        pytest.param(Probes([True], shows=True), ChangeStatus.CONFIRMED, False, id="confirmed"),
        pytest.param(Probes([True]), ChangeStatus.UNCONFIRMED, True, id="without a canary"),
        pytest.param(Probes([True], shows=UNUSABLE), ChangeStatus.UNCONFIRMED, True, id="a canary that does not fit"),
        pytest.param(Probes([True], shows=False), ChangeStatus.NOT_IN_EFFECT, True, id="a canary that denies it"),
    ],
)
def test_what_is_confirmed_is_not_watched(probes, status, is_watched):
    world = rollout_world()
    world.deps = replace(world.deps, probes=probes)
    _restored(world)
    with world.deps.state.transaction() as state:
        assert state.flag_changes.latest(SIGNATURE, EVERYWHERE).status is status
    _judged(world, events=9)
    assert bool(watch_restored(world.deps)) is is_watched


def test_a_restore_that_only_lifted_a_freeze_enabled_nothing_and_is_not_watched():
    world = rollout_world()
    world.memory.flags.put(SIGNATURE, EVERYWHERE, True)
    freeze(world.deps, SIGNATURE, EVERYWHERE, None, "stop the rollout", "payments-lead")
    world.answer(world.ask_to_restore(None, SIGNATURE))
    world.restore(None, SIGNATURE)
    _judged(world, events=9)
    assert watch_restored(world.deps) == []


def test_a_flag_that_was_turned_off_past_the_guard_is_not_watched(world):
    world.memory.flags.put(SIGNATURE, EVERYWHERE, False)
    _judged(world, events=9)
    assert watch_restored(world.deps) == []


def test_while_the_flag_store_is_away_the_record_is_believed(world, monkeypatch):
    def away(flag):
        raise SourceUnavailable("flags: away")

    monkeypatch.setattr(world.memory.flags, "scopes", away)
    _judged(world, events=9)
    assert len(watch_restored(world.deps)) == 1


def test_a_rollback_is_not_watched():
    world = rollout_world()
    world.memory.flags.put(SIGNATURE, EVERYWHERE, True)
    world.approved_roll_back(world.incident(T2), SIGNATURE)
    _judged(world, events=9)
    assert watch_restored(world.deps) == []


# --- once ---------------------------------------------------------------------------------------------------------


def test_a_run_that_was_named_and_never_started_is_named_again_and_nothing_is_recorded_twice(world):
    _judged(world, events=9)
    (first,) = watch_restored(world.deps)
    _judged(world, events=9)
    (again,) = watch_restored(world.deps)
    assert again["trigger_run_id"] == first["trigger_run_id"]
    assert len(world.audit("watch_restored")) == 1


def test_people_who_said_no_are_not_asked_again_about_the_same_change(world):
    _judged(world, events=9)
    (run,) = watch_restored(world.deps)
    conf, run_id = run["conf"], run["trigger_run_id"]
    question = flag_run.roll_back_question(world.deps, conf, "ledger_guard")
    world.answer(world.ask_to_roll_back(conf["incident_id"], SIGNATURE, run_id=run_id), option="Reject")
    with pytest.raises(SafetyRefusal):
        flag_run.roll_back_run(world.deps, conf, run_id, "flag_rollback")
    flag_run.close_run(world.on_record(run), ApprovalKind.FLAG_ROLLBACK, conf, question)
    _judged(world, events=9)
    assert watch_restored(world.deps) == []


def test_the_open_incident_of_the_signal_is_joined_as_it_stands_and_its_own_rollback_is_enough(world):
    from ledger_guard.use_cases.remediation.remediate import child_runs, open_case

    incident = world.incident(T2)
    case = open_case(world.deps, {"incident_id": incident}, "ledger_guard", RUN)
    assert len(child_runs(world.deps, case, "roll_back")) == 1
    before = _incident(world)
    _judged(world, events=9)
    assert watch_restored(world.deps) == []
    assert _incident(world) == before


def test_a_second_restore_is_watched_anew(world):
    _judged(world, events=9)
    (first,) = watch_restored(world.deps)
    incident = first["conf"]["incident_id"]
    world.approved_roll_back(incident, SIGNATURE, run_id=first["trigger_run_id"])
    world.resolve(incident)
    _pass_time(world, hours=2)
    world.windows(Severity.NONE, triggers=(T2,))
    world.answer(world.ask_to_restore(incident, SIGNATURE, run_id="manual__second"))
    world.restore(incident, SIGNATURE, run_id="manual__second")
    assert watch_restored(world.deps) == []
    _judged(world, events=9)
    (second,) = watch_restored(world.deps)
    assert second["trigger_run_id"] != first["trigger_run_id"]


# --- where triage speaks against a rollback ------------------------------------------------------------------------


@pytest.fixture
def busy(world) -> RolloutWorld:
    """Four days of genuine webhook calls before the flag was enabled."""
    for days in range(4):
        begin, end = NOW - timedelta(days=days, hours=5), NOW - timedelta(days=days)
        world.memory.triage.receive(world.deps.policy, accepted(begin, end if days == 0 else end + timedelta(minutes=90)))
    return world


def _arrive(world, *, refuses=lambda _: False, forged=0) -> None:
    """The calls of the window that is open: everybody's own, and a stranger's."""
    begin = world.deps.clock.now()
    events = [*genuine(begin, begin + FIVE_MINUTES, refuses), *strangers(begin, forged, seconds=4.0)]
    world.memory.triage.receive(world.deps.policy, events)


def _flooded(world, refuses=lambda _: False) -> None:
    """A window with 72 forged calls, twelve for each tenant."""
    _arrive(world, refuses=refuses, forged=72)
    _judged(world, events=12)
    window = Window(world.deps.clock.now() - FIVE_MINUTES, FIVE_MINUTES)
    figures = {"events": 12, "exposure": 33, "expected_events": 0.001}
    others = [Verdict(T2, tenant, window, Severity.INSUFFICIENT, Scope.ISOLATED, "", figures) for tenant in TENANTS[1:]]
    with world.deps.state.transaction() as state:
        state.verdicts.record(others, None)


def test_downgrade_by_anonymous_after_a_restore_nobody_is_asked_and_people_are_told_once(busy):
    for _ in range(2):
        _flooded(busy)
        assert watch_restored(busy.deps) == []
    assert _incident(busy) is None
    (entry,) = busy.audit("watch_restored")
    assert "likely forged" in entry["withheld"]
    (notice,) = [each.notice for each in busy.memory.notifier.posted if "watch_restored" in each.notice.title]
    assert notice.summary.startswith("T2 webhook_signature rose again in 3 tenants (tenant-a, tenant-b, tenant-c)")
    assert notice.summary.endswith(
        "No rollback is proposed: refused webhooks are likely forged, and a rollback would accept them"
    )


def test_genuine_calls_that_are_refused_behind_forged_ones_bring_the_question_after_all(busy):
    _flooded(busy)
    assert watch_restored(busy.deps) == []
    for _ in range(3):
        _flooded(busy, refuses=lambda _: True)
    assert len(watch_restored(busy.deps)) == 1


def test_genuine_calls_that_are_refused_at_once_are_put_to_people(busy):
    _arrive(busy, refuses=lambda _: True)
    _judged(busy, events=9)
    assert len(watch_restored(busy.deps)) == 1


def test_where_the_access_log_can_not_be_read_people_are_asked(busy):
    _flooded(busy)
    busy.deps = replace(busy.deps, triage=_Away())
    assert len(watch_restored(busy.deps)) == 1


def test_a_channel_that_is_down_does_not_stop_the_check(busy):
    _flooded(busy)
    busy.memory.notifier.break_down("channel_is_archived")
    assert watch_restored(busy.deps) == []


class _Away:
    """Triage whose source does not answer."""

    def __getattr__(self, name):
        raise SourceUnavailable("access events: connection refused")


# --- how the restore itself ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probes", "ending", "says"),
    [
        pytest.param(None, ActionStatus.DONE, "unconfirmed", id="nobody can tell"),
        pytest.param(Probes([True], shows=False), ActionStatus.FAILED, "not_in_effect", id="the canary denies it"),
        pytest.param(Probes([True], shows=True), ActionStatus.DONE, "confirmed", id="confirmed"),
    ],
)
def test_the_end_of_a_restore_says_that_it_is_watched_unless_it_is_confirmed(probes, ending, says):
    world = rollout_world()
    world.deps = replace(world.deps, probes=probes)
    world.memory.flags.put(SIGNATURE, EVERYWHERE, False)
    params = {"flag": SIGNATURE, "tenant_id": EVERYWHERE, "incident_id": None}
    question = {"subject_id": f"{SIGNATURE}@*", "is_needed": True, "incident_id": None}
    _restored(world)
    status, words = flag_run.close_run(world.on_record(), ApprovalKind.FLAG_RESTORE, params, question)
    assert status is ending
    assert says in words
    watched = "watched for 120 minutes: if T2 webhook_signature rises again, approvers are asked for a rollback"
    assert words.endswith(watched) is (says != "confirmed")
    assert "unkeyed (no audit key is set)" in words


@pytest.mark.postgres
def test_on_postgres_the_question_comes_back_once(stored_world):
    world = stored_world
    incident = world.incident(T1)
    world.approved_roll_back(incident)
    world.resolve(incident)
    world.answer(world.ask_to_restore(incident))
    world.restore(incident)
    confirm(world.deps, BALANCE, EVERYWHERE)
    _judged(world, Severity.SEVERE, trigger=T1, tenant="tenant-c")
    (run,) = watch_restored(world.deps)
    assert watch_restored(world.deps) == [run]
    assert len(world.audit("watch_restored")) == 1
