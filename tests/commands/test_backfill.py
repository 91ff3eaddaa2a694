"""The `backfill` command: names, JSON keys and what goes where."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from ledger_guard.adapters.memory.guard import MemoryWorld, memory_world
from ledger_guard.adapters.memory.ledger import LedgerMovement
from ledger_guard.commands.backfill import backfill
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.policy.loader import load_policy

TENANT = "casino_7"


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    """Four players: one lags behind, one has no wallet, one has a deposit of its own, one agrees."""
    shipped = load_policy()
    guardrails = shipped.guardrails.model_copy(update={"max_share_of_players": 1.0})
    found = memory_world(shipped.model_copy(update={"guardrails": guardrails}), datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc))
    monkeypatch.setitem(sys.modules, "ledger_guard.wiring", SimpleNamespace(open_guard=lambda: found.guard))
    for player_id, wallet in (("lags", 10.0), ("none", None), ("rich", 70.0), ("agrees", 20.0)):
        found.ledger.add_player(TENANT, player_id, 20.0)
        if wallet is not None:
            found.ledger.set_wallet(TENANT, player_id, wallet)
    found.ledger.add_movement(TENANT, "rich", LedgerMovement("deposit_captured", "credit", 50.0))
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(backfill, arguments)


def run_json(*arguments: str) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_dry_run_prints_the_plan_under_the_names_that_scripts_rely_on(world):
    plan = run_json("dry-run", "--tenant-id", TENANT)
    assert list(plan) == [
        *(
            "plan_id",
            "plan_hash",
            "tenant_id",
            "mode",
            "counts",
            "cents",
            "within_guardrails",
            "guardrails_exceeded",
            "expires_at",
        )
    ]
    assert plan["mode"] == "force"
    assert plan["counts"] == {
        "missing": 1,
        "stale_wallet": 1,
        "protected": 1,
        "unexplained": 0,
        "float_noise": 0,
        "other_currency": 0,
        "orphan": 0,
    }
    assert plan["cents"] == {"created": 2000, "increased": 1000, "decreased": 0}
    assert (plan["within_guardrails"], plan["guardrails_exceeded"]) == (True, [])


def test_create_missing_plans_the_missing_rows_alone(world):
    plan = run_json("dry-run", "--tenant-id", TENANT, "--mode", "create-missing")
    assert plan["mode"] == "create-missing"
    assert plan["cents"] == {"created": 2000, "increased": 0, "decreased": 0}


def test_force_verify_and_status_tell_one_story(world):
    dirty = run("verify", "--tenant-id", TENANT, "--json")
    assert dirty.exit_code == 1
    assert json.loads(dirty.stdout)["counts"]["stale_wallet"] == 1
    plan = run_json("dry-run", "--tenant-id", TENANT)
    assert run_json("force", "--plan", plan["plan_id"]) == {"applied": 2, "drifted": 0, "already_applied": 0}
    assert run_json("force", "--plan", plan["plan_id"]) == {"applied": 0, "drifted": 0, "already_applied": 2}
    verified = run_json("verify", "--tenant-id", TENANT)
    assert (verified["is_clean"], verified["counts"]["protected"], verified["counts"].keys()) == (True, 1, plan["counts"].keys())
    for found in (run_json("status", "--plan", plan["plan_id"]), run_json("status", "--tenant-id", TENANT)):
        assert (found["plan_id"], found["status"], found["rows"]) == (plan["plan_id"], "forced", {"applied": 2, "set_aside": 1})


def test_lines_for_people_name_plan_hash_and_counts(world):
    output = run("dry-run", "--tenant-id", TENANT).stdout
    assert "1 missing, 1 stale wallet, 1 protected" in output
    assert "creates 20.00 USD, adds 10.00 USD, takes 0.00 USD" in output


def test_who_did_it_is_on_the_audit_log(world):
    plan = run_json("dry-run", "--tenant-id", TENANT, "--actor", "alice")
    run_json("force", "--plan", plan["plan_id"], "--actor", "bob")
    with world.state.transaction() as state:
        assert {entry.event.actor for entry in state.audit.entries()} == {"alice", "bob"}


def test_undo_without_an_approval_is_refused(world):
    plan = run_json("dry-run", "--tenant-id", TENANT)
    run_json("force", "--plan", plan["plan_id"])
    result = run("undo", "--plan", plan["plan_id"])
    assert isinstance(result.exception, SafetyRefusal)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("dry-run", "--tenant-id", ""), id="empty tenant"),
        pytest.param(("dry-run", "--tenant-id", "%"), id="pattern"),
        pytest.param(("dry-run", "--tenant-id", "x" * 10_000), id="long tenant"),
        pytest.param(("dry-run", "--tenant-id", "nobody"), id="unknown tenant"),
        pytest.param(("dry-run", "--tenant-id", TENANT, "--mode", "all"), id="unknown mode"),
        pytest.param(("force", "--plan", "latest"), id="no id"),
        pytest.param(("verify", "--tenant-id", "nobody"), id="unknown tenant to verify"),
        pytest.param(("status",), id="neither plan nor tenant"),
        pytest.param(("status", "--plan", "a", "--tenant-id", TENANT), id="plan and tenant"),
        pytest.param(("status", "--tenant-id", TENANT), id="tenant without a plan"),
    ],
)
def test_bad_input_is_one_sentence_that_says_what_is_allowed(world, arguments):
    result = run(*arguments)
    assert isinstance(result.exception, BadInputError)
    assert "allowed: " in str(result.exception)
    assert "\n" not in str(result.exception)
    assert world.ledger.wallets[TENANT, "lags", "USD"].balance == (10.0, 0.0)


@pytest.mark.parametrize("command", ["dry-run", "force", "verify", "undo", "status"])
def test_each_help_text_has_an_example(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"python -m ledger_guard backfill {command}" in result.output
