"""A write that stopped half-way: told as what it is, resumed by a later try, corrected on its incident, and no one else's end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.triggers import T1
from tests.use_cases.backfill.backfill_worlds import approve

from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import SourceUnavailable, WriterSuperseded
from ledger_guard.domain.incidents import ActionStatus, Incident, IncidentStatus
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.domain.runs import StartedRun
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.domain.writer_leases import LEASE, WriterClaim, claim_of
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.granted_runs import RunOnRecord
from ledger_guard.use_cases.backfill.backfill_ending import close_run
from ledger_guard.use_cases.backfill.backfill_run import force_run, plan_run, undo_run, verify_run
from ledger_guard.use_cases.backfill.force import force
from ledger_guard.use_cases.backfill.halfway import stopped_writing

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=timezone.utc)
INCIDENT = "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a11"
PARAMS = {"tenant_id": "acme", "operation": "backfill", "mode": "force", "incident_id": INCIDENT, "reason": ""}
DAG, RUN = "tenant_backfill", "manual__1"


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def world():
    """A tenant of twenty players of whom five have a wallet without a hand of poker; batches of two rows."""
    shipped = load_policy()
    autonomy = shipped.autonomy.model_copy(update={"repaired_again_days": 0, "cool_down_minutes": 0, "settle_minutes": 0})
    rails = shipped.guardrails.model_copy(update={"batch_rows": 2, "max_share_of_players": 1.0})
    world = memory_world(shipped.model_copy(update={"autonomy": autonomy, "guardrails": rails}), NOW)
    for number in range(20):
        world.ledger.add_player("acme", f"p{number:02}", 100.0)
        world.ledger.set_wallet("acme", f"p{number:02}", 40.0 if number < 5 else 100.0)
        if number < 5:
            world.ledger.add_movement("acme", f"p{number:02}", LedgerRow("poker_win", "credit", 60.0, NOW, status="success"))
    incident = Incident(
        incident_id=INCIDENT,
        trigger=T1,
        status=IncidentStatus.OPEN,
        severity=Severity.SEVERE,
        scope=Scope.ISOLATED,
        tenants=("acme",),
        opened_at=NOW,
        first_window_start=NOW,
        last_alarm_window_start=NOW,
    )
    with world.state.transaction() as state:
        state.incidents.add(incident)
    return world


@pytest.fixture
def run(world) -> RunOnRecord:
    return RunOnRecord(world.deps, StartedRun(DAG, RUN, "oncall", is_started_by_run=False, conf=PARAMS))


def at_batch(world, number: int, happens) -> None:
    """Let something happen once before this batch, counted from 1 from now on."""
    seen = 0

    def before() -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            happens()

    world.deps.backfill.before_a_batch = before


def killed() -> None:
    raise Killed


def planned(run: RunOnRecord, params=PARAMS) -> dict[str, object]:
    plan = plan_run(run.deps, params, "oncall")
    run.leave("plan", plan)
    return plan


def forced(run: RunOnRecord, plan, try_number: int):
    return force_run(run.deps, PARAMS, plan, "oncall", None, claim_of(DAG, RUN, try_number))


def killed_half_way(world, run: RunOnRecord, plan, *, batch: int = 2) -> None:
    at_batch(world, batch, killed)
    with pytest.raises(Killed):
        forced(run, plan, 1)
    at_batch(world, 0, killed)


def closed(run: RunOnRecord, plan, *, is_verified: bool = False) -> tuple[ActionStatus, str]:
    return close_run(run, PARAMS, plan, verify_run(run.deps, PARAMS, plan) if is_verified else None)


def actions(world) -> list[tuple[ActionStatus, str]]:
    with world.state.transaction() as state:
        return [(each.status, (each.outcome or "").split(";")[0]) for each in state.actions.of_incident(INCIDENT)]


def repaired(world) -> int:
    return sum(world.ledger.wallets["acme", f"p{number:02}", "USD"].balance[0] == 100.0 for number in range(5))


@pytest.mark.parametrize(("batch", "rows"), [(1, 0), (2, 2), (3, 4)])
def test_a_force_that_stopped_half_way_says_after_how_many_rows_and_what_goes_on(world, run, batch, rows):
    plan = planned(run)
    killed_half_way(world, run, plan, batch=batch)
    status, words = closed(run, plan)
    assert status is ActionStatus.FAILED
    assert words.startswith(f"stopped after {rows} of 5 rows; clear task force and what follows it to go on")
    assert stopped_writing(run.deps, DAG, RUN, "force") == f"stopped after {rows} of 5 rows"


def test_the_cleared_run_ends_well_and_its_action_says_so(world, run):
    plan = planned(run)
    killed_half_way(world, run, plan)
    closed(run, plan)
    assert actions(world) == [(ActionStatus.FAILED, "by hand: stopped after 2 of 5 rows")]
    assert forced(run, plan, 2)["applied"] == 3
    closed(run, plan, is_verified=True)
    assert actions(world) == [(ActionStatus.DONE, "by hand: forced: 5 rows written")]
    assert repaired(world) == 5


def test_a_stopped_force_whose_plan_has_expired_needs_a_new_run(world, run):
    plan = planned(run)
    killed_half_way(world, run, plan)
    with world.state.transaction() as state:
        expires_at = state.plans.get(plan["plan_id"]).expires_at
    world.wall_clock.advance(expires_at - world.wall_clock.now())
    assert "clear task force" in closed(run, plan)[1]
    world.wall_clock.advance(timedelta(seconds=1))
    assert closed(run, plan)[1].startswith("stopped after 2 of 5 rows; the plan expired at ")
    assert "start a new run for the rest" in closed(run, plan)[1]


def test_an_undo_that_stopped_half_way_says_so_too(world, run):
    plan = planned(run)
    forced(run, plan, 1)
    with world.state.transaction() as state:
        stored = state.plans.get(plan["plan_id"])
    approve(world.state, ApprovalKind.BACKFILL_UNDO, stored, at=NOW)
    wished = {**PARAMS, "operation": "undo", "plan_id": plan["plan_id"]}
    at_batch(world, 2, killed)
    with pytest.raises(Killed):
        undo_run(world.deps, wished, plan, "oncall", claim_of(DAG, RUN, 1))
    at_batch(world, 0, killed)
    status, words = close_run(run, wished, plan, None)
    assert (status, words.split(";")[0]) == (ActionStatus.FAILED, "stopped after 2 of 5 rows")
    assert "clear task undo and what follows it" in words
    assert undo_run(world.deps, wished, plan, "oncall", claim_of(DAG, RUN, 2)) == {"restored": 3, "kept": 0}
    assert close_run(run, wished, plan, None)[0] is ActionStatus.DONE


def test_what_another_task_wrote_is_not_how_far_this_one_came(run):
    plan = planned(run)
    assert stopped_writing(run.deps, DAG, RUN, "force") == "stopped before its first row"
    forced(run, plan, 1)
    assert stopped_writing(run.deps, DAG, RUN, "force") == "stopped after its last row"
    assert stopped_writing(run.deps, DAG, RUN, "undo") == "stopped before its first row"
    assert stopped_writing(run.deps, DAG, "manual__2", "force") == ""


def test_an_undo_that_was_refused_on_a_half_forced_plan_does_not_tell_of_the_force(world, run):
    plan = planned(run)
    killed_half_way(world, run, plan)
    wished = {**PARAMS, "operation": "undo", "plan_id": plan["plan_id"]}
    status, words = close_run(run, wished, plan, None)
    assert (status, words.split(";")[0]) == (ActionStatus.FAILED, "ended before it wrote")


def test_a_run_that_never_began_to_write_is_still_told_as_that(run):
    assert closed(run, planned(run)) == (ActionStatus.FAILED, "ended before it wrote; see the run's log")


# --- beside a living writer ---------------------------------------------------------------------------------------


def begins_beside(run: RunOnRecord, plan, try_number: int) -> None:
    """A later try begins while the first one is between two batches: its lease is taken, its lock is not free yet."""
    with pytest.raises(SourceUnavailable, match="taken over"):
        forced(run, plan, try_number)


def test_an_orphan_writes_no_row_after_the_takeover_and_the_next_try_writes_the_rest(world, run):
    plan = planned(run)
    at_batch(world, 2, lambda: begins_beside(run, plan, 2))
    with pytest.raises(WriterSuperseded, match="try 1 of run tenant_backfill/manual__1 ends here") as superseded:
        forced(run, plan, 1)
    assert superseded.value.by_own_run
    assert repaired(world) == 2
    at_batch(world, 0, killed)
    assert forced(run, plan, 3)["applied"] == 3
    assert repaired(world) == 5
    with world.state.transaction() as state:
        assert not [entry for entry in state.audit.entries() if "refused" in entry.event.detail]


@pytest.mark.parametrize(
    ("quiet", "is_passed"),
    [(timedelta(0), False), (LEASE - timedelta(seconds=1), False), (LEASE, True), (LEASE + timedelta(hours=1), True)],
)
def test_another_run_passes_a_living_writer_only_once_it_gave_no_sign_for_a_lease(world, run, quiet, is_passed):
    plan = planned(run)
    said: list[str] = []

    def another() -> None:
        world.wall_clock.advance(quiet)
        try:
            force(world.deps, plan["plan_id"], "oncall", claim=WriterClaim("tenant_backfill/manual__2", 1))
        except Exception as error:  # noqa: BLE001 which one is the point
            said.append(type(error).__name__)

    at_batch(world, 2, another)
    if is_passed:
        with pytest.raises(WriterSuperseded) as superseded:
            forced(run, plan, 1)
        assert not superseded.value.by_own_run
    else:
        forced(run, plan, 1)
    assert said == ["SourceUnavailable" if is_passed else "ConcurrentWriterError"]
    assert repaired(world) == (2 if is_passed else 5)


def test_the_run_that_was_passed_tells_who_goes_on_and_does_not_end_it(world, run):
    plan = planned(run)
    other = WriterClaim("tenant_backfill/manual__2", 1)

    def another() -> None:
        world.wall_clock.advance(LEASE)
        with pytest.raises(SourceUnavailable):
            force(world.deps, plan["plan_id"], "oncall", claim=other)

    at_batch(world, 2, another)
    with pytest.raises(WriterSuperseded):
        forced(run, plan, 1)
    status, words = closed(run, plan)
    who = "try 1 of run tenant_backfill/manual__2"
    assert (status, words.split(";")[0]) == (ActionStatus.FAILED, f"stopped after 2 of 5 rows, where {who} has taken over")
    at_batch(world, 0, killed)
    force(world.deps, plan["plan_id"], "oncall", claim=replace(other, try_number=2))
    assert closed(run, plan, is_verified=True)[0] is ActionStatus.DONE
