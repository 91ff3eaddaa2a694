"""`stop`, `release` and `status`, which need guard state and no Airflow."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from ledger_guard import wiring
from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.flags.freeze import freeze
from ledger_guard.use_cases.flags.watch_flags import watch_flags

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
STOP = ["stop", "--reason", "two tenants were paid twice", "--by", "anna"]
STOPPED = 'stopped since 2026-03-01T12:00:00Z by anna (stated, not proved), who wrote "two tenants were paid twice"'


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    world = memory_world(load_policy(), NOON)
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
    return world


def test_stop_then_status_then_release_by_another(world, capsys):
    assert (main(STOP), capsys.readouterr().out) == (0, f"{STOPPED}\n")
    assert (main(["status"]), capsys.readouterr().out.splitlines()[0]) == (3, f"guard      {STOPPED}")
    assert main(["release", "--reason", "it was a test payment", "--by", "boris"]) == 0
    assert capsys.readouterr().out == f"released; it was {STOPPED}\n"
    assert (main(["status"]), capsys.readouterr().out.splitlines()[0]) == (0, "guard      running: it may write")


def test_the_status_as_json(world, capsys):
    main(STOP)
    capsys.readouterr()
    assert main(["status", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert [each["period"] for each in found.pop("budgets")] == ["hourly", "daily"]
    assert {each["mode"] for each in found.pop("modes")} == {"propose"}
    assert found == {
        "is_stopped": True,
        "read_at": "2026-03-01T12:00:00Z",
        "currency": "USD",
        "stop": {
            "since": "2026-03-01T12:00:00Z",
            "stopped_by": ["anna"],
            "reason": "two tenants were paid twice",
            "is_proved": False,
        },
        "waiting_approvals": 0,
        "waiting_drills": 0,
        "open_incidents": 0,
        "standing_freezes": 0,
        "notes": [],
        "delegations": [],
        "flags_past_the_guard": 0,
        "flags_enabled_in_a_freeze": 0,
        "flags_not_compared": 2,
    }


def _flags_line(capsys) -> str:
    main(["status"])
    return capsys.readouterr().out.splitlines()[-1]


def test_the_status_says_how_the_flags_differ_from_the_record(world, capsys, monkeypatch):
    assert _flags_line(capsys) == "flags      2 not compared with the record"
    world.flags.put("ledger_enforce_balance", "*", is_enabled=False)
    watch_flags(world.deps)
    assert _flags_line(capsys) == "flags      as on record"
    world.flags.put("ledger_enforce_balance", "tenant-a", is_enabled=False)
    watch_flags(world.deps)
    assert _flags_line(capsys) == "flags      1 changed past the guard"
    freeze(world.deps, "ledger_enforce_balance", "*", None, "drift", "oncall")
    world.flags.put("ledger_enforce_balance", "*", is_enabled=True)
    watch_flags(world.deps)
    assert _flags_line(capsys) == "flags      1 ENABLED DURING A FREEZE; 2 changed past the guard"

    def away(flag):
        raise SourceUnavailable("flags: away")

    monkeypatch.setattr(world.flags, "scopes", away)
    watch_flags(world.deps)
    assert _flags_line(capsys).endswith("2 changed past the guard; 2 not compared with the record")


def test_the_budget_as_text_and_as_json(world, capsys):
    assert main(["budget", "status"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "hourly: 0 of 1,000 rows, 0.00 USD of 100,000.00 USD, 0 of 5 tenants"
    assert main(["budget", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[1] == {
        "period": "daily",
        "used": {"rows": 0, "cents": 0, "tenants": []},
        "allowed": {"rows": 2500, "cents": 25000000, "tenants": 12},
    }


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (STOP, 3, f"stop: the guard is already {STOPPED}; needed: nothing\n"),
        (
            ["release", "--reason", "it was a test payment", "--by", "Anna"],
            3,
            "release: Anna stopped the guard; needed: another person\n",
        ),
        (
            ["release", "--reason", "short", "--by", "boris"],
            2,
            "release: the reason has 5 characters; allowed: at least 10, at most 2000\n",
        ),
    ],
    ids=["a second stop", "a release by the same person", "a reason that is too short"],
)
def test_what_is_refused_says_so_in_one_line(world, capsys, argv, code, said):
    main(STOP)
    capsys.readouterr()
    assert (main(argv), capsys.readouterr().err) == (code, said)
