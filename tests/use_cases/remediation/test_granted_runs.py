"""What an Airflow user can edit (XCom, conf, run id, whose name a child run carries) gives no leave to anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.runs import GUARD_ITSELF, StartedRun
from ledger_guard.domain.windows import UTC
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord, as_airflow_run, grant_run
from ledger_guard.use_cases.approvals.held_up import BEGIN_WITHIN_MINUTES, tell_not_begun

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
CONF = {"flag": "ledger_enforce_balance", "tenant_id": "acme", "incident_id": None, "reason": "T1 severe"}
BY_HAND = StartedRun("flag_rollback", "manual__1", "oncall", is_started_by_run=False, conf={"break_glass": "nobody answers"})


@pytest.fixture
def world():
    return memory_world(load_policy(), NOW)


@pytest.fixture
def child(world) -> StartedRun:
    """A run that the schedule's remediation was given leave for; Airflow names on-call, who started the parent."""
    with world.deps.state.transaction() as state:
        grant = grant_run(
            world.deps,
            state,
            "flag_rollback",
            "roll_back ledger_enforce_balance@acme for remediation 1",
            CONF,
            requested_by=GUARD_ITSELF,
            incident_id=None,
        )
    run = as_airflow_run(grant)
    return StartedRun("flag_rollback", run["trigger_run_id"], "oncall", is_started_by_run=True, conf=run["conf"])


def test_a_granted_run_is_asked_for_by_whom_guard_state_says_never_by_whom_airflow_names(world, child):
    assert RunOnRecord(world.deps, child).requester == GUARD_ITSELF


def test_a_run_by_hand_is_asked_for_by_who_started_it(world):
    run = RunOnRecord(world.deps, BY_HAND)
    assert (run.requester, run.person) == ("oncall", "oncall")


def test_a_run_of_the_schedule_is_the_guards_and_acts_alone_in_nothing(world):
    scheduled = replace(BY_HAND, started_by=None, is_scheduled=True)
    assert RunOnRecord(world.deps, scheduled).requester == GUARD_ITSELF
    with pytest.raises(SafetyRefusal, match="no one started it by hand"):
        _ = RunOnRecord(world.deps, scheduled).person


@pytest.mark.parametrize(
    ("doubt", "why"),
    [
        pytest.param("", "Airflow names no one", id="no name"),
        pytest.param("the auth manager acme.Sso is not known", "acme.Sso is not known", id="a name that says nothing"),
    ],
)
def test_who_can_not_be_told_asks_for_nothing_and_acts_alone_in_nothing(world, doubt, why):
    run = RunOnRecord(world.deps, replace(BY_HAND, started_by=None, doubt=doubt))
    with pytest.raises(SafetyRefusal, match=f"can't be told who started it by hand: .*{why}"):
        _ = run.requester
    with pytest.raises(SafetyRefusal, match=f"can't be told who started it by hand: .*{why}"):
        _ = run.person


def test_glass_broken_in_anothers_name_by_an_edited_list_of_runs(world, child):
    with pytest.raises(SafetyRefusal, match="its conf differs from the grant in: break_glass"):
        _ = RunOnRecord(world.deps, replace(child, conf={**CONF, "break_glass": "I am on call and nobody answers"})).requester
    with pytest.raises(SafetyRefusal, match="no one started it by hand"):
        _ = RunOnRecord(world.deps, child).person


@pytest.mark.parametrize(
    ("edited", "names"),
    [
        pytest.param({"tenant_id": "*"}, "tenant_id", id="everybody instead of one tenant"),
        pytest.param({"flag": "webhook_signature_enforced"}, "flag", id="the flag of another trigger"),
        pytest.param({"incident_id": "x", "reason": "y"}, "incident_id, reason", id="another incident"),
    ],
)
def test_a_conf_that_was_edited_on_its_way_is_refused_and_named(world, child, edited, names):
    with pytest.raises(SafetyRefusal, match=f"other: {names}$"):
        _ = RunOnRecord(world.deps, replace(child, conf={**CONF, **edited})).requester


def test_a_run_that_another_run_started_without_leave_is_refused(world, child):
    for run in (replace(child, run_id="roll_back__mine"), replace(child, dag_id="tenant_backfill")):
        with pytest.raises(SafetyRefusal, match="without a grant in guard state"):
            _ = RunOnRecord(world.deps, run).requester


def test_a_run_id_that_somebody_took_beforehand_is_refused(world, child):
    with pytest.raises(SafetyRefusal, match="started by hand under a run id reserved for another run"):
        _ = RunOnRecord(world.deps, replace(child, is_started_by_run=False, started_by="mallory")).requester


def test_run_ids_can_not_be_guessed_and_stay_the_same_for_one_purpose(world):
    def run_id(purpose: str) -> str:
        with world.deps.state.transaction() as state:
            given = {"requested_by": "oncall", "incident_id": None}
            return grant_run(world.deps, state, "flag_rollback", purpose, CONF, **given).run_id

    first = run_id("roll_back x@acme for remediation 1")
    assert first.startswith("roll_back__x__acme__")
    assert len(first) == len("roll_back__x__acme__") + 36
    assert run_id("roll_back x@acme for remediation 1") == first
    assert run_id("roll_back x@acme for remediation 2") != first


def test_what_a_task_left_is_read_from_guard_state(world, child):
    assert RunOnRecord(world.deps, child).note_if_any("plan") is None
    with pytest.raises(SafetyRefusal, match="left no plan in guard state"):
        RunOnRecord(world.deps, child).note("plan")
    RunOnRecord(world.deps, child).leave("plan", {"plan_id": "1"})
    assert RunOnRecord(world.deps, child).note("plan") == {"plan_id": "1"}
    assert RunOnRecord(world.deps, BY_HAND).note_if_any("plan") is None


def test_a_run_without_leave_reads_no_notes_so_its_end_is_recorded_on_no_incident(world, child):
    """Its last task runs whatever became of the first one, and would call another run's action failed."""
    with pytest.raises(SafetyRefusal, match="without a grant in guard state"):
        RunOnRecord(world.deps, replace(child, run_id="roll_back__mine")).note_if_any("question")


def test_a_run_that_has_not_begun_is_told_once(world, child):
    world.wall_clock.advance(timedelta(minutes=BEGIN_WITHIN_MINUTES))
    assert tell_not_begun(world.deps) == []
    world.wall_clock.advance(timedelta(seconds=1))
    assert tell_not_begun(world.deps) == [child.run_id]
    notice = world.notifier.posted[-1].notice
    assert "A run of flag_rollback should have started 5 minutes ago and has not" in notice.summary
    assert "tenant_id acme" in notice.summary
    assert tell_not_begun(world.deps) == []


def test_a_run_that_began_is_not_told(world, child):
    _ = RunOnRecord(world.deps, child).requester
    world.wall_clock.advance(timedelta(hours=1))
    assert tell_not_begun(world.deps) == []
