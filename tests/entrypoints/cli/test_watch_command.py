"""`watch`: a watcher outside of the health check and of Airflow, for cron."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from tests.adapters.guard_state.samples import a_question
from tests.triggers import TRIGGERS

from ledger_guard import wiring
from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.dark_tenants import DarkTenant
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.guard_alerts import GuardAlertKind
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.approvals.granted_runs import grant_run

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
PAUSED = "flag_rollback is paused (seen since 2026-03-01T12:00:00Z): none of its runs starts, not even emergencies."


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    """A guard whose health check has just judged."""
    world = memory_world(load_policy(), NOON)
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
    with world.state.transaction() as state:
        for trigger in TRIGGERS:
            state.verdicts.save_engine_state(trigger, NOON, NOON, b"")
    return world


def pause(world: MemoryWorld) -> None:
    with world.state.transaction() as state:
        state.guard_alerts.seen(GuardAlertKind.PAUSED, "flag_rollback", NOON)


def titles(world: MemoryWorld) -> list[str]:
    return [posted.notice.title for posted in world.notifier.posted]


def test_a_guard_that_works_exits_with_0(world, capsys):
    assert main(["watch"]) == 0
    assert capsys.readouterr().out == "no problems\n"
    assert titles(world) == []


@pytest.mark.parametrize(("late", "code"), [(timedelta(0), 0), (timedelta(seconds=1), 1)], ids=["two windows", "above"])
def test_a_health_check_that_gave_no_verdicts_for_two_windows_is_said_and_reported(world, capsys, late, code):
    world.clock.advance(timedelta(minutes=10) + late)
    assert main(["watch"]) == code
    assert titles(world) == ["watch · the guard is blind"] * code
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("no verdict has been produced since 2026-03-01T12:00:00Z.") for line in lines] == [bool(code)] * len(
        lines
    )


def test_everything_is_printed_each_time_and_reported_once(world, capsys):
    pause(world)
    with world.state.transaction() as state:
        grant_run(world.deps, state, "tenant_backfill", "backfill acme for r", {}, requested_by="ledger_guard", incident_id=None)
        state.approvals.request(a_question(requested_at=NOON, expires_at=NOON + timedelta(hours=1)))
    world.wall_clock.advance(timedelta(hours=2))
    assert (main(["watch"]), main(["watch"])) == (1, 1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == lines[3:]
    assert lines[0] == PAUSED
    assert lines[1] == "1 question(s) expired with no answer on record: their runs have ended, or Airflow is not running."
    assert lines[2].startswith(
        "A run of tenant_backfill should have started at 2026-03-01T12:00:00Z and has not: backfill__acme__"
    )
    assert sorted(titles(world)) == [
        "start · tenant_backfill · not started",
        "watch · flag_rollback · paused",
        "watch · questions · overdue",
    ]


def test_without_telling_it_only_prints_and_writes_nothing(world, capsys):
    pause(world)
    assert main(["watch", "--no-tell", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"at": "2026-03-01T12:00:00Z", "problems": [PAUSED]}
    with world.state.transaction() as state:
        assert (titles(world), list(state.audit.entries())) == ([], [])


def test_a_channel_that_is_down_is_said_and_hides_nothing(world, capsys):
    pause(world)
    world.notifier.break_down("no route")
    assert main(["watch"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith(PAUSED)
    assert said.err.startswith("not posted: the channel")


@pytest.mark.parametrize(("options", "posts"), [([], 1), (["--no-tell"], 0)], ids=["told once an hour", "only printed"])
def test_without_guard_state_it_says_so_in_one_line_exits_with_1_and_tells_people(
    world, capsys, monkeypatch, tmp_path, options, posts
):
    def away():
        raise SourceUnavailable("guard state: connection refused")

    monkeypatch.setenv("LEDGER_GUARD_MARKER_DIR", str(tmp_path / "told"))
    monkeypatch.setattr(world.state, "transaction", away)
    monkeypatch.setattr(world.state, "snapshot", away)
    for _ in range(2):
        assert main(["watch", *options]) == 1
        said = capsys.readouterr()
        assert (said.out, said.err) == ("", "guard state: connection refused\n")
    assert titles(world) == ["watch · the guard is blind"] * posts


def test_without_guard_state_and_channel_both_are_said(world, capsys, monkeypatch, tmp_path):
    def away():
        raise SourceUnavailable("guard state: connection refused")

    monkeypatch.setenv("LEDGER_GUARD_MARKER_DIR", str(tmp_path / "told"))
    monkeypatch.setattr(world.state, "transaction", away)
    world.notifier.break_down("away too")
    assert main(["watch"]) == 1
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == ["not posted", "guard state"]


def test_tenants_that_went_dark_are_a_problem_and_told_once(world, capsys):
    with world.state.transaction() as state:
        state.tenants.see_dark(TRIGGERS[0], [DarkTenant("casino_a", NOON, 40)])
    for _ in range(2):
        assert main(["watch"]) == 1
        assert capsys.readouterr().out == "T1: no request arrives any more of casino_a.\n"
    assert titles(world) == ["watch · T1 insufficient_funds · dark"]
