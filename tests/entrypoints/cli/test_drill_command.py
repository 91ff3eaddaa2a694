"""`drill start` and `drill status`, which need guard state and no Airflow."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard import wiring
from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.drills import DrillOutcome, drills
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.drills.end import end_drill

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
ASKED = "asked for at 2026-03-01T12:00:00Z by anna (stated, not proved)"
START = ["drill", "start", "T1", "--by", "anna"]


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    world = memory_world(load_policy(), NOON)
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
    return world


def test_a_drill_is_asked_for_and_the_name_was_only_stated(world, capsys):
    assert main(START) == 0
    said = r"drill [0-9a-f-]{36} of T1, asked for by anna \(stated, not proved\): the next health check starts it\n"
    assert re.fullmatch(said, capsys.readouterr().out)


def test_start_as_json(world, capsys):
    assert main([*START, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.pop("drill_id")
    assert found == {"trigger": "T1", "state": "requested", "ends_by": "2026-03-01T12:40:00Z"}


def test_status_names_every_trigger_its_last_drill_and_each_step(world, capsys):
    main(START)
    with world.state.snapshot() as state:
        (drill,) = drills(state.audit)
    end_drill(world.deps, drill.drill_id, DrillOutcome.TIMED_OUT, "no one answered in time")
    world.wall_clock.advance(timedelta(days=2))
    capsys.readouterr()
    assert main(["drill", "status"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "T1: 2 days ago by anna (stated, not proved), timed out: no one answered in time",
        "T2: never; due every 30 days",
        "T3: never; due every 30 days",
    ]
    assert main(["drill", "status", "--json"]) == 0
    first, second, _ = json.loads(capsys.readouterr().out)
    assert second == {"trigger": "T2", "age_seconds": None, "is_due": True, "state": "never"}
    assert first == {
        "trigger": "T1",
        "age_seconds": 172800,
        "is_due": False,
        "state": "timed_out",
        "drill_id": drill.drill_id,
        "requested_by": "anna (stated, not proved)",
        "is_proved": False,
        "requested_at": "2026-03-01T12:00:00Z",
        "seconds_to": {"begin": None, "verdict": None, "notice": None, "answer": None},
        "answer": None,
        "answered_by": None,
        "sentence": "no one answered in time",
    }


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["drill", "start", "T9", "--by", "anna"], 2, "trigger: 'T9' is unknown; allowed: T1, T2, T3\n"),
        (["drill", "start", "T2", "--by", " "], 2, "drill: the name of the person is empty; allowed: a name\n"),
        (
            START,
            3,
            f"drill: one of T1 was {ASKED} and has not ended; needed: its end, at 2026-03-01T12:40:00Z at the latest\n",
        ),
    ],
    ids=["an unknown trigger", "no name", "a second one of the same trigger"],
)
def test_what_is_refused_says_so_in_one_line(world, capsys, argv, code, said):
    main(START)
    capsys.readouterr()
    assert (main(argv), capsys.readouterr().err) == (code, said)
