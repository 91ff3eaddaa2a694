"""The `backfill` command: names, JSON keys and what goes where."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.entrypoints.cli.backfill import backfill
from ledger_guard.policy.loader import load_policy

TENANT = "casino_7"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    """Five players: a wallet without its poker, one missing, one with a deposit of its own, one right, and one for a human."""
    shipped = load_policy()
    guardrails = shipped.guardrails.model_copy(update={"max_share_of_players": 1.0})
    found = memory_world(shipped.model_copy(update={"guardrails": guardrails}), NOW)
    monkeypatch.setitem(sys.modules, "ledger_guard.wiring", SimpleNamespace(open_dependencies=lambda: found.deps))
    for player_id, wallet in (("lags", 10.0), ("none", None), ("rich", 70.0), ("agrees", 20.0), ("odd", 33.0)):
        found.ledger.add_player(TENANT, player_id, 20.0)
        if wallet is not None:
            found.ledger.set_wallet(TENANT, player_id, wallet)
    found.ledger.add_movement(TENANT, "lags", LedgerRow("poker_win", "credit", 10.0, NOW, status="success"))
    found.ledger.add_movement(TENANT, "rich", LedgerRow("deposit", "credit", 50.0, NOW, status="deposit_captured"))
    found.ledger.bonus[TENANT, "none"] = 7.0
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
            "summary",
        )
    ]
    assert plan["mode"] == "force"
    assert plan["counts"] == {
        "missing": 1,
        "stale_wallet": 1,
        "lost_update": 0,
        "disputed": 0,
        "unexplained": 1,
        "unreadable": 0,
        "protected": 1,
        "float_noise": 0,
        "other_currency": 0,
        "orphan": 0,
        "player_row_wrong": 0,
        "missing_with_bonus": 1,
    }
    assert plan["cents"] == {"created": 2000, "increased": 1000, "decreased": 0, "bonus_lost": 700}
    assert (plan["within_guardrails"], plan["guardrails_exceeded"]) == (True, [])


def test_create_missing_plans_the_missing_rows_alone(world):
    plan = run_json("dry-run", "--tenant-id", TENANT, "--mode", "create-missing")
    assert plan["mode"] == "create-missing"
    assert plan["cents"] == {"created": 2000, "increased": 0, "decreased": 0, "bonus_lost": 700}


def test_force_verify_and_status_tell_one_story(world):
    dirty = run("verify", "--tenant-id", TENANT, "--json")
    assert dirty.exit_code == 1
    assert json.loads(dirty.stdout)["counts"]["stale_wallet"] == 1
    plan = run_json("dry-run", "--tenant-id", TENANT)
    assert run_json("force", "--plan", plan["plan_id"]) == {"applied": 2, "drifted": 0, "already_applied": 0}
    assert run_json("force", "--plan", plan["plan_id"]) == {"applied": 0, "drifted": 0, "already_applied": 2}
    left = run("verify", "--tenant-id", TENANT, "--json")
    assert (left.exit_code, json.loads(left.stdout)["is_clean"]) == (1, False), "a human's row is never clean"
    world.ledger.set_wallet(TENANT, "odd", 20.0)
    verified = run_json("verify", "--tenant-id", TENANT)
    assert (verified["is_clean"], verified["counts"]["protected"], verified["counts"].keys()) == (True, 1, plan["counts"].keys())
    for found in (run_json("status", "--plan", plan["plan_id"]), run_json("status", "--tenant-id", TENANT)):
        assert (found["plan_id"], found["status"], found["rows"]) == (plan["plan_id"], "forced", {"applied": 2, "set_aside": 1})


def test_lines_for_people_name_plan_hash_and_counts(world):
    output = run("dry-run", "--tenant-id", TENANT).stdout
    assert "found     1 missing, 1 not what the evidence gives, 1 unexplained, for a human\n" in output
    assert "also      1 right (only the player row differs)\n" in output
    assert "creates 20.00 USD, adds 10.00 USD, takes 0.00 USD" in output
    assert "bonus     1 players without a wallet have a bonus; their next grant overwrites 7.00 USD of it\n" in output


def test_who_did_it_is_on_the_audit_log(world):
    plan = run_json("dry-run", "--tenant-id", TENANT, "--actor", "alice")
    run_json("force", "--plan", plan["plan_id"], "--actor", "bob")
    with world.state.transaction() as state:
        assert {entry.event.actor for entry in state.audit.entries()} == {
            "alice (stated, not proved)",
            "bob (stated, not proved)",
        }


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
        pytest.param(("dry-run",), id="no tenant"),
        pytest.param(("dry-run", "--all-tenants", "--tenant-id", TENANT), id="all tenants and one"),
        pytest.param(("dry-run", "--tenant-id", TENANT, "--tenant-id", TENANT), id="a tenant twice"),
        pytest.param(("dry-run", "--tenant-id", TENANT, "--tenant-id", "nobody"), id="one of two is unknown"),
        pytest.param(("pause", "--plan", "latest", "--reason", "slow"), id="no id to pause"),
        pytest.param(("cancel", "--plan", "7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001", "--reason", " "), id="no reason to cancel"),
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


@pytest.mark.parametrize("command", ["dry-run", "force", "verify", "undo", "status", "pause", "resume", "cancel", "show"])
def test_each_help_text_has_an_example(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"python -m ledger_guard backfill {command}" in result.output


@pytest.mark.parametrize("size", ["0", "-1", "many", "100001"])
def test_a_batch_size_out_of_bounds_is_a_usage_error(world, size):
    plan = run_json("dry-run", "--tenant-id", TENANT)
    result = run("force", "--plan", plan["plan_id"], "--batch-size", size)
    assert result.exit_code == 2
    assert world.ledger.wallets[TENANT, "lags", "USD"].balance == (10.0, 0.0)


def test_a_dry_run_for_scripts_is_summed_up_by_cause(world):
    summary = run_json("dry-run", "--tenant-id", TENANT)["summary"]
    assert {each["cause"]: (each["rows"], each["up_cents"], each["down_cents"]) for each in summary["causes"]} == {
        "missing": (1, 2000, 0),
        "stale_wallet": (1, 1000, 0),
        "unexplained": (1, 0, 1300),
    }
    assert [each["player_id"] for each in summary["largest"]] == ["none", "lags"], "only rows that force may write"
    assert summary["histogram"] == [{"up_to_cents": 1000, "rows": 1}, {"up_to_cents": 10000, "rows": 2}]


def test_several_tenants_have_a_plan_each_and_the_most_money_comes_first(world):
    for tenant, player, wallet in (("big", 900.0, 1.0), ("small", 20.0, 19.0)):
        world.ledger.add_player(tenant, f"{tenant}-1", player)
        world.ledger.set_wallet(tenant, f"{tenant}-1", wallet)
        poker = LedgerRow("poker_win", "credit", player - wallet, NOW, status="success")
        world.ledger.add_movement(tenant, f"{tenant}-1", poker)
    for arguments in (("--all-tenants",), ("--tenant-id", "small", "--tenant-id", TENANT, "--tenant-id", "big")):
        found = run_json("dry-run", *arguments, "--at-once", "1")
        assert [plan["tenant_id"] for plan in found["plans"]] == ["big", TENANT, "small"]
        assert len({plan["plan_id"] for plan in found["plans"]}) == 3
        assert found["failed"] == {}


def test_pause_resume_and_cancel_stand_in_the_status(world):
    plan = run_json("dry-run", "--tenant-id", TENANT)
    assert run_json("status", "--plan", plan["plan_id"])["wanted"] == "run"
    for command, word in (("pause", "pause"), ("cancel", "cancel")):
        assert run(command, "--plan", plan["plan_id"], "--reason", "checkout is slow", "--actor", "alice").exit_code == 0
        assert (
            f"order     {word}, by alice (stated, not proved): checkout is slow"
            in run("status", "--plan", plan["plan_id"]).stdout
        )
    assert isinstance(run("force", "--plan", plan["plan_id"]).exception, SafetyRefusal)
    assert run("resume", "--plan", plan["plan_id"]).exit_code == 0
    assert run_json("force", "--plan", plan["plan_id"])["applied"] == 2
