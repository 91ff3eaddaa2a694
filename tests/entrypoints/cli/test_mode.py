"""`mode report|lower|raise`, which need guard state and no Airflow."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from ledger_guard import wiring
from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
ROW = "T1 severe isolated"
WHO = ["--reason", "two repairs were wrong", "--by", "anna"]
LOWERED = (
    f"{ROW}: propose since 2026-03-01T12:00:00Z (policy: act): lowered by anna (stated, not proved), "
    'who wrote "two repairs were wrong"'
)


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    world = memory_world(load_policy(), NOON)
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
    return world


def test_lower_then_report(world, capsys):
    assert (main(["mode", "lower", ROW, *WHO]), capsys.readouterr().out) == (0, f"{LOWERED}\n")
    assert main(["mode", "report"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "T1 mild: propose: the policy's mode",
        "  acted 0 times; would have acted 0 times; contradicted 0 (undone 0, drifted back 0, false alarm 0)",
        LOWERED,
        "  acted 0 times; would have acted 0 times; contradicted 0 (undone 0, drifted back 0, false alarm 0)",
    ]


def test_the_report_as_json(world, capsys):
    assert main(["mode", "report", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["row"] for each in found] == list(world.deps.policy.modes)
    assert found[1] == {
        "row": ROW,
        "mode": "act",
        "policy_mode": "act",
        "since": None,
        "why": "the policy's mode",
        "acted": {"plans": 0, "rows": 0, "cents": 0},
        "would_have_acted": {"plans": 0, "rows": 0, "cents": 0},
        "other_actions_in_shadow": 0,
        "contradicted": {"plans": 0, "undone": 0, "drifted_back": 0, "found_false": 0},
    }


def test_a_row_goes_down_to_shadow_and_not_up_again(world, capsys):
    assert main(["mode", "lower", ROW, "--to", "shadow", *WHO]) == 0
    capsys.readouterr()
    assert main(["mode", "lower", ROW, *WHO]) == 3
    assert capsys.readouterr().err.startswith(f"mode lower: {ROW}: shadow since")


def test_raising_is_refused_and_says_where_to_do_it(world, capsys):
    """A name on a command line proves nobody, so it can't let the guard write."""
    main(["mode", "lower", ROW, *WHO])
    capsys.readouterr()
    assert main(["mode", "raise", ROW, "--to", "act", "--reason", "the cause was found", "--by", "payments-lead"]) == 3
    assert "an approver starts the DAG guard_mode in Airflow, logged in" in capsys.readouterr().err
    assert main(["mode", "report", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[1]["mode"] == "propose"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["lower", "T9 severe", *WHO], "row: 'T9 severe' is unknown; allowed: T1 mild, T1 severe isolated"),
        (["lower", ROW, "--reason", "short", "--by", "anna"], "the reason has 5 characters"),
        (["lower", ROW, "--to", "auto", *WHO], "'auto' is not one of 'shadow', 'propose'"),
    ],
    ids=["an unknown row", "a reason that is too short", "an unknown mode"],
)
def test_bad_input_is_one_line(world, capsys, argv, says):
    assert main(["mode", *argv]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
