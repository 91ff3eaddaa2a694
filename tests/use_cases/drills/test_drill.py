"""A drill: verdict, notice and question are real, the incident is not, and nothing of it is left but its record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.signals.fourth_trigger import GENERIC, T4, policy_with
from tests.triggers import T1, TRIGGERS

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.adapters.memory.drill_room import InMemoryDrillRoom
from ledger_guard.adapters.memory.scheduler import InMemoryScheduler
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.drills import Drill, drills, last_drills
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, NotificationFailed, SafetyRefusal
from ledger_guard.domain.runs import StartedRun
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.escalate import escalate
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.approvals.held_up import see_overdue
from ledger_guard.use_cases.approvals.orphaned_questions import close_orphans, tell_orphans
from ledger_guard.use_cases.approvals.permission import verify_approval
from ledger_guard.use_cases.approvals.record_answer import record_answer
from ledger_guard.use_cases.approvals.request_approval import request_approval
from ledger_guard.use_cases.approvals.status import guard_status
from ledger_guard.use_cases.approvals.stop import stop
from ledger_guard.use_cases.drills.ask import GATE, check_drill_answer, close_drill, drill_question
from ledger_guard.use_cases.drills.play import play_drill, tell_drill
from ledger_guard.use_cases.drills.request import PATIENCE, begin_drill, request_drill
from ledger_guard.use_cases.drills.take_up import take_up_drills
from ledger_guard.use_cases.reports.board import board

NOON = datetime(2026, 3, 1, 12, 2, tzinfo=timezone.utc)
REASON = "I would let it, the rise is real"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world() -> MemoryWorld:
    return memory_world(load_policy(), NOON)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def deps(request: pytest.FixtureRequest, world: MemoryWorld) -> Dependencies:
    if request.param == "memory":
        return world.deps
    from ledger_guard.adapters.postgres.connection import ConnectionSettings
    from ledger_guard.adapters.postgres.state import PostgresGuardState

    settings = ConnectionSettings.parse(request.getfixturevalue("database_uri"), "ledger_guard_db")
    return replace(world.deps, state=PostgresGuardState(settings))


def by_hand(deps: Dependencies, person: str = "anna", run_id: str = "manual__1") -> RunOnRecord:
    return RunOnRecord(deps, StartedRun("guard_drill", run_id, person, is_started_by_run=False, conf={"trigger": "T1"}))


def granted(deps: Dependencies, start: dict) -> RunOnRecord:
    return RunOnRecord(deps, StartedRun("guard_drill", start["trigger_run_id"], None, is_started_by_run=True, conf=start["conf"]))


def play(run: RunOnRecord, trigger: str = "T1", *, is_told: bool = True) -> str:
    """Everything up to the open question; gives the id of that."""
    deps, drill = run.deps, begin_drill(run, trigger)
    notice = play_drill(deps, drill.drill_id, InMemoryDrillRoom)
    if is_told:
        tell_drill(deps, drill.drill_id, notice, "http://localhost/answer")
    asked = request_approval(
        deps,
        ApprovalKind.DRILL,
        **drill_question(deps, {}, run.requester, drill.drill_id),
        requested_by=run.requester,
        dag_id="guard_drill",
        run_id=run.run.run_id,
        task_id=GATE,
        link="http://localhost/answer",
    )
    return asked.approval_id


def answer(deps: Dependencies, approval_id: str, option: str = "Approve", *, by: str | None = "ops-lead", reason: str = REASON):
    given = {"chosen_options": [option], "reason": reason, "answered_by": by, "answered_at": deps.wall_clock.now()}
    record_answer(deps, approval_id, **given, timed_out=by is None)


def only(deps: Dependencies) -> Drill:
    with deps.state.snapshot() as state:
        (found,) = drills(state.audit)
    return found


def titles(world: MemoryWorld) -> list[str]:
    return [posted.notice.title for posted in world.notifier.posted]


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_severe_rise_of_the_canary_alone_is_judged_severe_whatever_the_signal_and_its_source(world, trigger):
    play(by_hand(world.deps), trigger.value)
    judged = only(world.deps).judged
    assert (judged.severity, judged.scope, judged.is_alarm) == ("severe", "isolated", True)
    assert judged.actions == world.deps.policy.row_for(trigger, *severe_isolated()).actions


def severe_isolated():
    from ledger_guard.domain.verdicts import Scope, Severity

    return Severity.SEVERE, Scope.ISOLATED


def test_a_signal_that_only_the_policy_names_is_drilled_as_any_other():
    world = memory_world(policy_with(GENERIC), NOON)
    play(by_hand(world.deps), T4.value)
    assert only(world.deps).judged.is_alarm


def test_it_ends_with_who_answered_what_and_how_long_each_step_took(deps, world):
    request_drill(deps, "T1", "anna", is_proved=False)
    world.wall_clock.advance(2 * MINUTE)
    (start,) = take_up_drills(deps, InMemoryScheduler())
    run = granted(deps, start)
    asked = play(run)
    world.wall_clock.advance(MINUTE)
    answer(deps, asked)
    assert check_drill_answer(deps, only(deps).drill_id, run.run.run_id) == "ops-lead approved the drill; nothing follows"
    assert close_drill(run).sentence == f'approved by ops-lead, who wrote "{REASON}"'
    found = only(deps)
    assert (found.state, found.ended.answer, found.ended.answered_by) == ("answered", "approved", "ops-lead")
    assert found.seconds == {"begin": 120, "verdict": 120, "notice": 120, "answer": 180}
    assert take_up_drills(deps, InMemoryScheduler()) == []


@pytest.mark.parametrize(
    ("given", "state"),
    [
        pytest.param({}, "answered", id="approved"),
        pytest.param({"option": "Reject"}, "answered", id="rejected: an answer as well"),
        pytest.param({"by": None, "option": "Reject"}, "timed_out", id="no one"),
        pytest.param({"by": "anna"}, "failed", id="by who asked for it"),
        pytest.param({"by": "mallory"}, "failed", id="by someone who may not"),
        pytest.param({"reason": "ok"}, "failed", id="without a reason"),
    ],
)
def test_what_the_answer_makes_of_the_drill(deps, given, state):
    run = by_hand(deps)
    answer(deps, play(run), **given)
    close_drill(run)
    assert only(deps).state == state


def test_every_notice_begins_with_drill_says_what_would_be_done_and_belongs_to_no_incident(deps, world):
    run = by_hand(deps)
    answer(deps, play(run))
    close_drill(run)
    notices = [posted.notice for posted in world.notifier.posted]
    assert [notice.title for notice in notices] == [
        "DRILL · classify · T1 insufficient_funds · severe · isolated",
        "DRILL · end · T1 insufficient_funds · answered",
    ]
    assert {notice.incident_id for notice in notices} == {None}
    assert dict(notices[0].facts)["Would do"] == "notify, triage, backfill, request_review"
    assert notices[0].links[0] == ("Answer the drill here", "http://localhost/answer")


def test_nothing_real_is_touched(deps, world):
    """Readings, verdicts, incidents, engine, flags and wallets stay as they are, also where the guard is stopped."""
    run = by_hand(deps)
    answer(deps, play(run))
    close_drill(run)
    with deps.state.snapshot() as state:
        assert state.readings.sensed_through(T1) is None
        assert (state.verdicts.judged_through(T1), state.verdicts.engine_state(T1)) == (None, None)
        assert state.incidents.listed(include_resolved=True) == []
        assert {entry.event.verb for entry in state.audit.entries()}.isdisjoint({"sense", "classify", "force", "roll_back"})
    found = board(deps)
    assert (found.incidents, [each.window for each in found.triggers]) == ((), [None] * 3)


@pytest.mark.parametrize("kind", [kind for kind in ApprovalKind if kind is not ApprovalKind.DRILL])
def test_its_approval_permits_no_write_of_any_kind(deps, kind):
    run = by_hand(deps)
    answer(deps, play(run))
    drill_id = only(deps).drill_id
    subject_hash = drill_question_hash(deps, drill_id)
    with pytest.raises(SafetyRefusal, match="no approval was requested"):
        verify_approval(deps, kind, drill_id, subject_hash, run.run.run_id)


def drill_question_hash(deps: Dependencies, drill_id: str) -> str:
    return drill_question(deps, {}, "anna", drill_id)["subject_hash"]


def test_its_question_is_counted_and_shown_apart_and_wakes_no_one_who_watches_real_ones(deps, world):
    run = by_hand(deps)
    play(run)
    status, shown = guard_status(deps), board(deps)
    assert (status.waiting_approvals, status.waiting_drills) == (0, 1)
    assert "drills     1 waiting for an answer" in status.lines()
    assert (shown.waiting, len(shown.waiting_drills)) == ((), 1)
    before = titles(world)
    world.wall_clock.advance(timedelta(minutes=9))
    assert escalate(deps) == []
    world.wall_clock.advance(timedelta(hours=1))
    see_overdue(deps)
    scheduler = InMemoryScheduler()
    scheduler.runs["guard_drill", run.run.run_id] = "failed"
    assert len(close_orphans(deps, scheduler)) == 1
    assert tell_orphans(deps) == []
    with deps.state.snapshot() as state:
        assert (state.guard_alerts.standing(), state.approvals.orphans_to_tell()) == ([], [])
    assert titles(world) == before


def test_a_stopped_guard_plays_it_and_says_that_it_is_stopped(deps, world):
    stop(deps, "two tenants were paid twice", "boris", is_proved=True)
    run = by_hand(deps)
    answer(deps, play(run))
    assert close_drill(run).outcome == "answered"
    notices = [each.notice for each in world.notifier.posted if each.notice.title.startswith("DRILL")]
    assert all("stopped since" in dict(notice.facts)["Guard"] for notice in notices)
    with deps.state.snapshot() as state:
        proposal = state.approvals.of_gate("guard_drill", "manual__1", GATE).request.proposal
    assert proposal.startswith("DRILL · Nothing is written, whatever you answer.")
    assert "The guard is stopped since" in proposal


def test_a_second_one_of_the_same_trigger_is_refused_until_the_first_has_ended_and_others_are_not(deps):
    request_drill(deps, "T1", "anna", is_proved=False)
    with pytest.raises(SafetyRefusal, match=r"one of T1 was asked for at .* by anna \(stated, not proved\) and has not ended"):
        request_drill(deps, "T1", "boris", is_proved=False)
    request_drill(deps, "T2", "boris", is_proved=False)


def test_of_several_people_at_once_one_starts_it(deps):
    def ask(person: str) -> bool:
        try:
            request_drill(deps, "T1", person, is_proved=False)
        except SafetyRefusal:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, ["anna", "boris", "clara", "dario"])) == [False, False, False, True]


def test_a_canary_tenant_that_exists_is_refused_when_asked_for_and_when_it_begins(world):
    deps = world.deps
    request_drill(deps, "T1", "anna", is_proved=False)
    (start,) = take_up_drills(deps, InMemoryScheduler())
    world.ledger.add_player("drill_canary", "p1", 1.0)
    with pytest.raises(SafetyRefusal, match="tenant drill_canary exists on the platform"):
        request_drill(deps, "T2", "anna", is_proved=False)
    with pytest.raises(SafetyRefusal, match="tenant drill_canary exists on the platform"):
        begin_drill(granted(deps, start), "T1")
    assert only(deps).state == "failed"


@pytest.mark.parametrize(
    ("trigger", "by", "said"),
    [
        pytest.param("T9", "anna", "'T9' is unknown; allowed: T1, T2, T3", id="an unknown trigger"),
        pytest.param("t1", "anna", "'t1' is unknown; allowed: T1, T2, T3", id="another case"),
        pytest.param("", "anna", "allowed: T1, T2, T3", id="none"),
        pytest.param("T1", "  ", "the name of the person is empty", id="no name"),
    ],
)
def test_bad_input_is_named_with_what_is_allowed(world, trigger, by, said):
    with pytest.raises(BadInputError, match=said):
        request_drill(world.deps, trigger, by, is_proved=False)


def test_without_a_canary_tenant_none_starts(world):
    deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"drill": type(world.deps.policy.drill)()}))
    with pytest.raises(BadInputError, match="names no canary tenant"):
        request_drill(deps, "T1", "anna", is_proved=False)


def test_the_only_approver_does_not_ask_himself(world):
    rules = world.deps.policy.drill.model_copy(update={"approvers": ("anna",)})
    deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"drill": rules}))
    with pytest.raises(SafetyRefusal, match="someone else asks"):
        request_drill(deps, "T1", "Anna", is_proved=True)
    assert request_drill(deps, "T1", "boris", is_proved=True).state == "requested"


def test_a_name_that_was_only_stated_is_not_the_one_who_asks_the_question(world):
    """Else anybody could keep an approver from answering, or put a question on record in their name."""
    request_drill(world.deps, "T1", "ops-lead", is_proved=False)
    (start,) = take_up_drills(world.deps, InMemoryScheduler())
    run = granted(world.deps, start)
    answer(world.deps, play(run), by="ops-lead")
    assert close_drill(run).outcome == "answered"
    with world.state.snapshot() as state:
        (asked,) = [entry.event.actor for entry in state.audit.entries() if entry.event.verb == "request_approval"]
    assert (asked, only(world.deps).by) == ("ledger_guard", "ops-lead (stated, not proved)")


def test_a_rise_that_is_no_alarm_fails_the_drill_and_says_so(world):
    detection = world.deps.policy.detection.model_copy(update={"minimum_events": 10**9})
    deps = replace(world.deps, policy=world.deps.policy.model_copy(update={"detection": detection}))
    run = by_hand(deps)
    drill = begin_drill(run, "T1")
    with pytest.raises(LedgerInvariantError, match="a severe rise was judged none"):
        play_drill(deps, drill.drill_id, InMemoryDrillRoom)
    assert only(deps).state == "failed"
    assert titles(world) == ["DRILL · end · T1 insufficient_funds · failed"]
    with pytest.raises(SafetyRefusal, match="is not to be asked about"):
        drill_question(deps, {}, "anna", drill.drill_id)


def test_an_answer_without_a_notice_is_a_failed_drill(world):
    run = by_hand(world.deps)
    asked = play(run, is_told=False)
    answer(world.deps, asked)
    assert close_drill(run).outcome == "failed"
    assert only(world.deps).ended.sentence.endswith("but no notice was posted")


def test_with_the_channel_down_the_drill_still_ends(world):
    run = by_hand(world.deps)
    drill = begin_drill(run, "T1")
    notice = play_drill(world.deps, drill.drill_id, InMemoryDrillRoom)
    world.notifier.break_down("channel_is_archived")
    with pytest.raises(NotificationFailed):
        tell_drill(world.deps, drill.drill_id, notice, "http://localhost/answer")
    assert close_drill(run).outcome == "failed"


def test_a_killed_run_is_ended_by_the_next_health_check_as_timed_out(deps, world):
    run = by_hand(deps)
    play(run)
    scheduler = InMemoryScheduler()
    scheduler.runs["guard_drill", run.run.run_id] = "running"
    assert take_up_drills(deps, scheduler) == []
    assert only(deps).state == "running"
    scheduler.runs["guard_drill", run.run.run_id] = "failed"
    assert take_up_drills(deps, scheduler) == []
    assert only(deps).state == "timed_out"
    request_drill(deps, "T1", "anna", is_proved=False)


@pytest.mark.parametrize(
    ("late", "state"),
    [(-MINUTE, "requested"), (timedelta(0), "requested"), (timedelta(microseconds=1), "timed_out")],
    ids=["before", "at its last moment", "after"],
)
def test_one_that_never_began_ends_when_its_time_is_over(world, late, state):
    request_drill(world.deps, "T1", "anna", is_proved=False)
    within = timedelta(minutes=world.deps.policy.drill.answer_within_minutes) + PATIENCE
    world.wall_clock.advance(within + late)
    starts = take_up_drills(world.deps, InMemoryScheduler())
    assert (only(world.deps).state, len(starts)) == (state, 1 if state == "requested" else 0)


def test_a_granted_run_that_comes_after_the_end_plays_nothing(world):
    request_drill(world.deps, "T1", "anna", is_proved=False)
    (start,) = take_up_drills(world.deps, InMemoryScheduler())
    world.wall_clock.advance(timedelta(hours=2))
    take_up_drills(world.deps, InMemoryScheduler())
    with pytest.raises(SafetyRefusal, match="has ended: its run never began"):
        begin_drill(granted(world.deps, start), "T1")


def test_the_same_run_is_granted_at_each_check_until_it_begins_and_a_run_without_a_grant_is_refused(deps):
    request_drill(deps, "T1", "anna", is_proved=False)
    first, second = (take_up_drills(deps, InMemoryScheduler()) for _ in range(2))
    assert first == second
    with pytest.raises(SafetyRefusal, match="without a grant"):
        begin_drill(granted(deps, {**first[0], "trigger_run_id": "drill__T1__guessed"}), "T1")
    with pytest.raises(SafetyRefusal, match="conf differs from the grant in: trigger"):
        begin_drill(granted(deps, {**first[0], "conf": {"trigger": "T2"}}), "T2")


def test_an_end_is_recorded_and_posted_once(deps, world):
    run = by_hand(deps)
    answer(deps, play(run))
    close_drill(run)
    told = titles(world)
    assert close_drill(run).outcome == "answered"
    assert titles(world) == told


@pytest.mark.parametrize(
    ("age", "is_due"),
    [(timedelta(days=29), False), (timedelta(days=30), False), (timedelta(days=30, seconds=1), True)],
    ids=["below", "at", "above"],
)
def test_a_trigger_without_a_drill_for_longer_than_the_policy_says_is_due(world, age, is_due):
    request_drill(world.deps, "T1", "anna", is_proved=False)
    world.wall_clock.advance(age)
    first, second, _ = board(world.deps).drills
    assert (first.age, first.is_due, second.age, second.is_due) == (age, is_due, None, True)
    assert second.sentence == "T2: never; due every 30 days"


def test_without_every_days_none_is_due(world):
    with world.deps.state.snapshot() as state:
        found = last_drills(world.deps.policy.triggers, state.audit, NOON, None)
    assert [(each.is_due, each.sentence) for each in found] == [(False, f"{t.value}: never") for t in TRIGGERS]
