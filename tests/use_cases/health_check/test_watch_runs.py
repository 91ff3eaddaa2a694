"""Blocked slots: paused DAGs, emergencies that stay queued and questions without a run are told, once, by whoever looks next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from health_worlds import INCIDENT_ID, NOON, audited, incident, world_at
from tests.adapters.guard_state.samples import a_question, a_yes
from tests.triggers import T1, T2, T3

from ledger_guard.adapters.memory.dependencies import MemoryWorld
from ledger_guard.adapters.memory.scheduler import InMemoryScheduler
from ledger_guard.domain.errors import LedgerGuardError, NotificationFailed, SourceUnavailable
from ledger_guard.domain.guard_alerts import QUEUED_AT_MOST
from ledger_guard.domain.runs import DAG_IDS, EMERGENCY_DAG_IDS
from ledger_guard.use_cases.approvals.escalate import escalate
from ledger_guard.use_cases.approvals.granted_runs import grant_run
from ledger_guard.use_cases.approvals.held_up import BEGIN_WITHIN_MINUTES, FORGOTTEN_AFTER, RECORDED_WITHIN, held_up
from ledger_guard.use_cases.health_check.watch import LOOK_EVERY, tell_from_outside, watch_runs
from ledger_guard.use_cases.reports.board import board

SECOND = timedelta(seconds=1)


@dataclass
class Watched:
    """A guard in memory, and Airflow as it shows itself to a task."""

    world: MemoryWorld
    scheduler: InMemoryScheduler

    def look(self, *, after: timedelta = LOOK_EVERY, and_verdicts: bool = False) -> list[str]:
        """The first task of some DAG looks, so much later; gives the titles told by it."""
        self.world.wall_clock.advance(after)
        before = len(self.world.notifier.posted)
        watch_runs(self.world.deps, self.scheduler, and_verdicts=and_verdicts)
        return [each.notice.title for each in self.world.notifier.posted[before:]]

    def ask(self, *run_ids: str, **changes) -> list:
        """Questions of runs that go on."""
        asked = [
            a_question(run_id=run_id, requested_at=NOON, expires_at=NOON + timedelta(hours=1), **changes) for run_id in run_ids
        ]
        with self.world.state.transaction() as state:
            for question in asked:
                state.approvals.request(question)
                self.scheduler.runs[question.dag_id, question.run_id] = "running"
        return asked

    def known(self) -> list[str]:
        with self.world.state.snapshot() as state:
            return held_up(self.world.deps, state)


@pytest.fixture
def watched() -> Watched:
    """A guard whose health check has just judged."""
    found = Watched(world_at(NOON), InMemoryScheduler())
    with found.world.state.transaction() as state:
        for trigger in (T1, T2, T3):
            state.verdicts.save_engine_state(trigger, NOON, NOON, b"")
    return found


def test_where_nothing_is_held_up_nothing_is_told(watched):
    watched.ask("run-1")
    watched.scheduler.runs["flag_rollback", "parked"] = "running"
    assert (watched.look(), watched.look(), watched.known(), audited(watched.world)) == ([], [], [], [])


# --- paused DAGs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_paused_dag_is_told_once_by_the_next_look_and_stays_known(watched, dag_id):
    watched.scheduler.paused.add(dag_id)
    assert watched.look() == [f"watch · {dag_id} · paused"]
    assert (watched.look(), watched.look(after=timedelta(days=2))) == ([], [])
    assert watched.known() == [
        f"{dag_id} is paused (seen since 2026-03-01T12:01:00Z): its runs do not begin, emergencies included."
    ]


def test_a_dag_that_is_paused_again_is_told_again(watched):
    watched.scheduler.paused.add("flag_rollback")
    watched.look()
    watched.scheduler.paused.clear()
    assert (watched.look(), watched.known()) == ([], [])
    watched.scheduler.paused.add("flag_rollback")
    assert watched.look() == ["watch · flag_rollback · paused"]


# --- queued emergencies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("between", "is_told"),
    [
        pytest.param(QUEUED_AT_MOST - SECOND, False, id="just below two minutes"),
        pytest.param(QUEUED_AT_MOST, True, id="two minutes"),
        pytest.param(QUEUED_AT_MOST + SECOND, True, id="above"),
    ],
)
@pytest.mark.parametrize("dag_id", EMERGENCY_DAG_IDS)
def test_an_emergency_that_a_person_started_and_that_stays_queued_is_told_by_the_second_look(watched, dag_id, between, is_told):
    watched.scheduler.runs[dag_id, "manual__3am"] = "queued"
    assert watched.look() == []
    assert watched.look(after=between) == ([f"watch · {dag_id} · queued"] if is_told else [])
    assert bool(watched.known()) is is_told


def test_a_queued_emergency_calls_people_and_is_told_once(watched):
    watched.scheduler.runs["flag_rollback", "manual__3am"] = "queued"
    watched.look()
    watched.look(after=QUEUED_AT_MOST)
    [posted] = watched.world.notifier.posted
    assert posted.notice.mention == watched.world.deps.policy.notification.escalation_mention
    assert (
        posted.notice.summary
        == "Runs of flag_rollback have stayed queued since 2026-03-01T12:01:00Z; an emergency may be among them."
    )
    assert watched.look(after=timedelta(hours=1)) == []


def test_runs_that_were_queued_at_two_looks_and_begun_in_between_are_none_that_stay(watched):
    watched.scheduler.runs["flag_rollback", "first"] = "queued"
    watched.look()
    watched.scheduler.runs["flag_rollback", "first"] = "running"
    watched.look(after=QUEUED_AT_MOST)
    watched.scheduler.runs["flag_rollback", "second"] = "queued"
    assert watched.look(after=QUEUED_AT_MOST) == []
    assert watched.look(after=QUEUED_AT_MOST) == ["watch · flag_rollback · queued"]


# --- questions without a run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ended", ["failed", "success", None], ids=["marked failed or timed out", "marked success", "deleted"])
def test_a_question_whose_run_was_ended_by_hand_is_closed_on_record_and_told_once(watched, ended):
    [question, other] = watched.ask("run-1", "run-2")
    watched.scheduler.runs[question.dag_id, "run-1"] = ended
    assert watched.look() == ["watch · questions without a run"]
    assert watched.look() == []
    with watched.world.state.transaction() as state:
        [entry] = [each.event for each in state.audit.entries() if each.event.verb == "withdraw_approval"]
        assert [each.request for each in state.approvals.waiting(NOON)] == [other]
    assert (entry.subject, entry.detail["reason"]) == (f"approval:{question.approval_id}", "its run has ended")


def test_44_runs_ended_by_hand_leave_no_approvals_that_wait_and_one_message(watched):
    asked = watched.ask(*(f"run-{number}" for number in range(44)))
    watched.scheduler.runs.clear()
    assert watched.look() == ["watch · questions without a run"]
    [posted] = watched.world.notifier.posted
    assert posted.notice.summary.startswith("44 questions have no run any more")
    assert board(watched.world.deps).waiting == ()
    assert escalate(watched.world.deps) == []
    assert len(asked) == 44


def test_an_answered_question_of_a_run_that_ended_is_left_as_it_is(watched):
    [question] = watched.ask("run-1")
    with watched.world.state.transaction() as state:
        state.approvals.answer(a_yes(question))
    watched.scheduler.runs.clear()
    assert watched.look() == []
    with watched.world.state.transaction() as state:
        assert state.approvals.get(question.approval_id).orphaned_at is None


def test_a_question_that_expired_without_a_record_is_closed_once_its_run_has_ended(watched):
    [question] = watched.ask("run-1")
    assert watched.look(after=timedelta(hours=1, minutes=1)) == []
    watched.scheduler.runs[question.dag_id, "run-1"] = "failed"
    assert watched.look() == ["watch · questions without a run"]


def test_questions_of_one_incident_are_told_in_its_thread(watched):
    with watched.world.state.transaction() as state:
        state.incidents.add(incident())
    watched.ask("run-1", "run-2", incident_id=INCIDENT_ID)
    watched.scheduler.runs.clear()
    watched.look()
    assert watched.world.notifier.posted[-1].notice.incident_id == INCIDENT_ID


# --- runs that were granted -----------------------------------------------------------------------------------------


def granted(watched, purpose: str = "roll_back f@acme for remediation 1"):
    deps = watched.world.deps
    with deps.state.transaction() as state:
        return grant_run(deps, state, "flag_rollback", purpose, {}, requested_by="ledger_guard", incident_id=None)


def test_a_granted_run_that_has_not_begun_is_told_by_the_look_of_any_dag(watched):
    granted(watched)
    assert watched.look(after=timedelta(minutes=BEGIN_WITHIN_MINUTES)) == []
    assert watched.look() == ["start · flag_rollback · not begun"]
    assert watched.look() == []


@pytest.mark.parametrize(
    ("age", "is_known"),
    [
        pytest.param(timedelta(minutes=BEGIN_WITHIN_MINUTES), False, id="five minutes"),
        pytest.param(timedelta(minutes=BEGIN_WITHIN_MINUTES) + SECOND, True, id="above five minutes"),
        pytest.param(FORGOTTEN_AFTER, True, id="a day"),
        pytest.param(FORGOTTEN_AFTER + SECOND, False, id="more than a day: past"),
    ],
)
def test_a_granted_run_that_has_not_begun_stays_known_for_a_day_told_or_not(watched, age, is_known):
    grant = granted(watched)
    watched.look(after=age)
    expected = f"A run of flag_rollback should have started at 2026-03-01T12:00:00Z and has not: {grant.run_id}."
    assert watched.known() == ([expected] if is_known else [])


# --- how often, and what goes wrong ---------------------------------------------------------------------------------


def test_tasks_that_begin_at_once_look_once(watched):
    watched.look()
    watched.scheduler.paused.add("flag_rollback")
    assert watched.look(after=LOOK_EVERY - SECOND) == []
    assert watched.look(after=SECOND) == ["watch · flag_rollback · paused"]


def test_what_the_channel_did_not_take_is_told_by_the_next_look(watched):
    watched.ask("run-1")
    watched.scheduler.runs.clear()
    watched.scheduler.paused.add("flag_rollback")
    watched.world.notifier.break_down("down")
    with pytest.raises(LedgerGuardError, match="did not take the notice"):
        watched.look()
    watched.world.notifier.recover()
    assert watched.look() == ["watch · flag_rollback · paused", "watch · questions without a run"]


def test_one_part_that_fails_keeps_none_of_the_others(watched):
    granted(watched)
    watched.scheduler.go_away("503")
    with pytest.raises(LedgerGuardError, match="Airflow does not say: 503"):
        watched.look(after=timedelta(minutes=6))
    assert [each.notice.title for each in watched.world.notifier.posted] == ["start · flag_rollback · not begun"]


def test_what_airflow_does_not_say_ends_no_guard_alert_and_closes_no_question(watched):
    [question] = watched.ask("run-1")
    watched.scheduler.paused.add("flag_rollback")
    watched.look()
    watched.scheduler.go_away("503")
    with pytest.raises(LedgerGuardError):
        watched.look()
    assert watched.known()[0].startswith("flag_rollback is paused")
    with watched.world.state.transaction() as state:
        assert [each.request for each in state.approvals.waiting(NOON)] == [question]


def test_the_health_check_going_silent_is_told_by_another_dags_task(watched):
    watched.world.clock.advance(timedelta(minutes=10))
    assert watched.look(and_verdicts=True) == []
    watched.world.clock.advance(SECOND)
    assert watched.look(and_verdicts=True) == ["watch · the guard does not see"]
    assert watched.look(and_verdicts=True) == []
    assert watched.look() == [], "the health check has a task of its own for that"


# --- from outside of Airflow ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "is_overdue"),
    [
        pytest.param(RECORDED_WITHIN, False, id="ten minutes after it expired"),
        pytest.param(RECORDED_WITHIN + SECOND, True, id="later"),
    ],
)
def test_a_question_that_expired_without_a_record_is_overdue_for_who_can_not_ask_airflow(watched, late, is_overdue):
    watched.ask("run-1")
    watched.world.wall_clock.advance(timedelta(hours=1) + late)
    for _ in range(2):
        tell_from_outside(watched.world.deps)
    assert [each.notice.title for each in watched.world.notifier.posted] == (
        ["watch · questions · overdue"] if is_overdue else []
    )
    expected = "1 question(s) expired with no answer on record: their runs have ended, or Airflow is not running."
    assert watched.known() == ([expected] if is_overdue else [])


def test_overdue_questions_are_told_again_when_there_are_new_ones_after_the_old_were_closed(watched):
    watched.ask("run-1")
    watched.world.wall_clock.advance(timedelta(hours=2))
    tell_from_outside(watched.world.deps)
    watched.scheduler.runs.clear()
    assert watched.look() == ["watch · questions without a run"]
    assert watched.known() == []
    watched.ask("run-2")
    tell_from_outside(watched.world.deps)
    assert watched.world.notifier.posted[-1].notice.title == "watch · questions · overdue"


def test_what_a_task_saw_and_could_not_tell_is_told_from_outside(watched):
    watched.scheduler.paused.add("flag_rollback")
    watched.world.notifier.break_down("down")
    with pytest.raises(NotificationFailed):
        watched.look()
    watched.world.notifier.recover()
    tell_from_outside(watched.world.deps)
    assert [each.notice.title for each in watched.world.notifier.posted] == ["watch · flag_rollback · paused"]


def test_airflow_that_knows_nothing_of_one_dag_says_what_it_knows_of_the_others(watched, monkeypatch):
    def answer(dag_id):
        if dag_id == "flag_restore":
            raise SourceUnavailable("Airflow does not know it")
        return dag_id == "flag_rollback"

    monkeypatch.setattr(watched.scheduler, "is_paused", answer)
    with pytest.raises(SourceUnavailable, match="flag_restore: Airflow does not know it"):
        watched.look()
    assert [each.notice.title for each in watched.world.notifier.posted] == ["watch · flag_rollback · paused"]
