"""`backfill show`: the rows of a plan, for scripts and for whoever has to approve or settle them."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from ledger_guard.adapters.memory.dependencies import MemoryWorld, memory_world
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.ledger_rows import LedgerRow
from ledger_guard.entrypoints.cli.backfill import backfill
from ledger_guard.policy.loader import load_policy
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.show_plan import MOVEMENTS_AT_MOST

TENANT = "casino_7"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
HEADER = (
    "tenant_id,player_id,action,available_cents,pending_cents,cause,wallet_available_cents,wallet_pending_cents,"
    "player_available_cents,player_held_cents,why"
)


@pytest.fixture
def world(monkeypatch) -> MemoryWorld:
    """One player a kind of row, and one whose wallet isright (only the player row differs)."""
    found = memory_world(load_policy(), NOW)
    monkeypatch.setitem(sys.modules, "ledger_guard.wiring", SimpleNamespace(open_dependencies=lambda: found.deps))
    for player_id, wallet in (
        ("disputed", 33.0),
        ("missing", None),
        ("poker", 20.5),
        ("rich", 70.0),
        ("stale", 10.0),
        ("unexplained", 33.0),
        ("unreadable", math.nan),
    ):
        found.ledger.add_player(TENANT, player_id, 20.0, 5.0)
        if wallet is not None:
            found.ledger.set_wallet(TENANT, player_id, wallet, 5.0)
    found.ledger.set_wallet(TENANT, "stale", 10.0, 0.0)
    for player_id, row in (
        ("disputed", LedgerRow("wallet", "credit", 1.0, NOW, status="manual_credit")),
        ("poker", LedgerRow("poker_bet", "debit", 0.5, NOW, status="success")),
        ("rich", LedgerRow("deposit", "credit", 50.0, NOW, status="deposit_captured")),
        # born from 0 by a webhook that was charged back, then moved by both sides
        ("stale", LedgerRow("deposit", "credit", 1.0, NOW, status="deposit_captured")),
        ("stale", LedgerRow("chargeback", "debit", 1.0, NOW)),
        ("stale", LedgerRow("wallet", "credit", 10.0, NOW, status="manual_credit")),
    ):
        found.ledger.add_movement(TENANT, player_id, row)
    return found


@pytest.fixture
def plan_id(world) -> str:
    return dry_run(world.deps, TENANT, "force", "oncall").plan_id


def show(plan_id: str, *options: str) -> Result:
    return CliRunner().invoke(backfill, ["show", "--plan", plan_id, *options], catch_exceptions=False)


def test_the_csv_has_a_header_and_a_row_a_finding(plan_id):
    output = show(plan_id, "--csv").stdout
    assert output.splitlines()[0] == HEADER
    rows = {row["player_id"]: row for row in csv.DictReader(io.StringIO(output))}
    amounts = {
        player_id: tuple(
            row[name]
            for name in (
                *("action", "available_cents", "pending_cents", "cause", "wallet_available_cents", "wallet_pending_cents"),
                *("player_available_cents", "player_held_cents"),
            )
        )
        for player_id, row in rows.items()
    }
    assert amounts == {
        "disputed": ("write_approved", "2000", "500", "disputed", "3300", "500", "2000", "500"),
        "missing": ("write", "2000", "500", "missing", "", "", "2000", "500"),
        "poker": ("write", "2000", "500", "stale_wallet", "2050", "500", "2000", "500"),
        "stale": ("write", "2000", "500", "stale_wallet", "1000", "0", "2000", "500"),
        "unexplained": ("human", "", "", "unexplained", "3300", "500", "2000", "500"),
        "unreadable": ("human", "", "", "unreadable", "", "500", "2000", "500"),
    }, "rows of a human have no amount to write, and a wallet that is right has no row"
    assert {row["tenant_id"] for row in rows.values()} == {TENANT}
    assert all(row["why"] for row in rows.values())


def test_a_row_says_why_with_the_sums_that_it_follows_from(plan_id):
    why = {row["player_id"]: row["why"] for row in csv.DictReader(io.StringIO(show(plan_id, "--csv").stdout))}
    assert why["missing"] == "no wallet; before the ledger: 25.00 USD"
    assert why["poker"] == "only the player got -0.50 USD; before the ledger: 25.50 USD"
    assert why["stale"] == "before the ledger: 15.00 USD"
    assert why["unexplained"].startswith("the ledger holds nothing about this player")


def test_odd_player_ids_stay_one_field_of_one_row(world):
    world.ledger.add_player(TENANT, 'a,"b"\nc', 1.0)
    plan = dry_run(world.deps, TENANT, "create-missing", "oncall")
    rows = list(csv.DictReader(io.StringIO(show(plan.plan_id, "--csv").stdout)))
    assert [row["player_id"] for row in rows] == ['a,"b"\nc', "missing"]


@pytest.mark.parametrize("options", [("--csv",), ("--rows",), ("--json",)])
def test_a_cause_narrows_the_rows(plan_id, options):
    output = show(plan_id, *options, "--cause", "disputed").stdout
    assert "disputed" in output
    assert not any(player_id in output for player_id in ("poker", "stale", "unexplained"))


def test_for_people_rows_that_are_written_without_asking_are_left_out_unless_all_are_wanted(plan_id):
    doubtful, every = show(plan_id).stdout, show(plan_id, "--rows").stdout
    assert [line.split(":")[0] for line in doubtful.splitlines()[1:] if line[0] != " "] == [
        "disputed",
        "unexplained",
        "unreadable",
    ]
    assert "stale: write; stale wallet: before the ledger: 15.00 USD" in every
    assert "  wallet becomes 20.00 USD available, 5.00 USD held" in every
    assert "unexplained: a human looks into it; never written; unexplained: the ledger holds nothing" in every


def test_rows_that_people_judge_come_with_their_movements(plan_id):
    lines = show(plan_id, "--rows").stdout.splitlines()
    movements = {lines[number - 3].split(":")[0]: line for number, line in enumerate(lines) if "moved: " in line}
    assert movements == {
        "disputed": "  2026-03-01T12:00:00Z  credit 1.0 USD  wallet/manual_credit  moved: both",
        # it would take money away
        "poker": "  2026-03-01T12:00:00Z  debit 0.5 USD  poker_bet/success  moved: player",
    }


def test_a_humans_row_has_no_amount_that_a_wallet_would_become(plan_id):
    output = show(plan_id, "--rows", "--cause", "unreadable").stdout
    assert "wallet becomes" not in output
    assert "wallet none" in output


def test_the_newest_movements_of_a_player_are_shown_up_to_a_bound(world):
    for number in range(MOVEMENTS_AT_MOST + 5):
        row = LedgerRow("wallet", "credit", 0.01, NOW - timedelta(hours=number + 1), status="manual_credit")
        world.ledger.add_movement(TENANT, "disputed", row)
    plan = dry_run(world.deps, TENANT, "force", "oncall")
    moments = [line.split()[0] for line in show(plan.plan_id, "--cause", "disputed").stdout.splitlines() if "moved:" in line]
    assert len(moments) == MOVEMENTS_AT_MOST
    assert moments == sorted(moments, reverse=True)
    assert moments[0] == "2026-03-01T12:00:00Z"


def test_json_has_every_row_with_its_action_and_why(plan_id):
    found = json.loads(show(plan_id, "--json").stdout)
    assert (found["plan_id"], found["tenant_id"]) == (plan_id, TENANT)
    assert {row["player_id"]: row["action"] for row in found["rows"]} == {
        "disputed": "write_approved",
        "missing": "write",
        "poker": "write",
        "stale": "write",
        "unexplained": "human",
        "unreadable": "human",
    }
    assert all(row["why"] for row in found["rows"])
    assert {row["player_id"] for row in found["rows"] if row["target_available"] is None} == {"unexplained", "unreadable"}


@pytest.mark.parametrize("plan_id", ["latest", "7d0f9d52-5b1c-4f5e-9a3d-2f6f1f1f0001"])
def test_a_plan_that_does_not_exist_is_bad_input(world, plan_id):
    with pytest.raises(BadInputError, match="allowed: "):
        show(plan_id)


def test_a_cause_that_is_none_is_a_usage_error(plan_id):
    assert show(plan_id, "--cause", "sunspots").exit_code == 2
