"""The stand-in for the platform's backfill script has the habits of the one it stands in for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from tests.sandbox.conftest import rows, value

INCLUDE = Path(__file__).parents[2] / "include"
pytestmark = pytest.mark.postgres


@pytest.fixture
def uri(database_uri: str) -> str:
    """Two tenants with three players each: an equal wallet, a differing one, none."""
    with psycopg.connect(database_uri) as connection:
        for tenant in ("a", "b"):
            connection.execute("insert into tenant (id, name) values (%s, %s)", [tenant, tenant])
            for player, wallet in (("equal", 10.1), ("differs", 99.0), ("none", None)):
                connection.execute(
                    "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
                    " balance_real_held) values (%s, %s, 'u', 'e', 12.1, 7, 10.1, 2)",
                    [f"{tenant}-{player}", tenant],
                )
                if wallet is not None:
                    connection.execute(
                        "insert into walletbalance values (%s, %s, 'USD', %s, 2, 5, 0, '2020-01-01')",
                        [tenant, f"{tenant}-{player}", wallet],
                    )
    return database_uri


def run(uri: str | None, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(INCLUDE), **variables}
    if uri is not None:
        environment["DATABASE_URL"] = uri.replace("postgresql://", "postgresql+asyncpg://")
    command = [sys.executable, "-m", "ledger_sandbox.backfill_wallet_balances", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def wallets(uri: str) -> dict[str, tuple[float, float]]:
    found = rows(uri, "select player_id, balance_real_available, balance_real_pending from walletbalance where currency = 'USD'")
    return {player: (available, pending) for player, available, pending in found}


BEFORE = {"a-equal": (10.1, 2.0), "a-differs": (99.0, 2.0), "b-equal": (10.1, 2.0), "b-differs": (99.0, 2.0)}


def test_it_creates_missing_wallets_of_one_tenant_and_says_nothing(uri):
    done = run(uri, "--tenant-id", "a")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert wallets(uri) == BEFORE | {"a-none": (10.1, 2.0)}
    assert value(uri, "select balance_bonus_available from walletbalance where player_id = 'a-none'") == 0


def test_force_overwrites_with_absolute_values_and_leaves_bonus_and_time_as_they_are(uri):
    assert run(uri, "--tenant-id", "a", "--force").returncode == 0
    assert wallets(uri)["a-differs"] == (10.1, 2.0)
    query = "select balance_bonus_available, updated_at::text from walletbalance where player_id = 'a-differs'"
    assert rows(uri, query) == [(5.0, "2020-01-01 00:00:00")]


def test_a_dry_run_writes_nothing_and_says_nothing(uri):
    done = run(uri, "--tenant-id", "a", "--force", "--dry-run")
    assert (done.returncode, done.stdout, wallets(uri)) == (0, "", BEFORE)


def test_an_empty_tenant_id_means_all_tenants(uri):
    assert run(uri, "--tenant-id", "").returncode == 0
    assert set(wallets(uri)) == set(BEFORE) | {"a-none", "b-none"}


def test_an_unknown_tenant_is_no_error(uri):
    done = run(uri, "--tenant-id", "nobody")
    assert (done.returncode, done.stdout, done.stderr, wallets(uri)) == (0, "", "", BEFORE)


def test_only_usd_is_known_so_a_player_with_a_euro_wallet_gets_a_second_one(uri):
    with psycopg.connect(uri) as connection:
        connection.execute("insert into walletbalance values ('a', 'a-none', 'EUR', 3, 0, 0, 0)")
    run(uri, "--tenant-id", "a", "--force")
    found = rows(uri, "select currency, balance_real_available from walletbalance where player_id = 'a-none' order by 1")
    assert found == [("EUR", 3.0), ("USD", 10.1)]


def test_debug_prints_statements_with_player_ids(uri):
    assert "a-differs" in run(uri, "--tenant-id", "a", "--force", "--dry-run", DEBUG="1").stdout


def test_prefixes_of_options_are_accepted(uri):
    assert run(uri, "--ten", "a", "--bat", "1", "--for").returncode == 0
    assert wallets(uri)["a-differs"] == (10.1, 2.0)


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        pytest.param(["--batch-size", "0"], 1, id="no batch"),
        pytest.param(["--batch-size", "-5"], 1, id="a negative batch"),
        pytest.param(["--batch-size", "many"], 2, id="a batch that is no number"),
        pytest.param(["--what"], 2, id="an unknown option"),
    ],
)
def test_arguments_that_are_not_allowed(uri, arguments, exit_code):
    done = run(uri, *arguments)
    assert (done.returncode, "Traceback" in done.stderr, wallets(uri)) == (exit_code, exit_code == 1, BEFORE)


@pytest.mark.parametrize("missing", [None, "postgresql://postgres@/nowhere?host=/nowhere"], ids=["no URL", "no server"])
def test_without_its_database_it_ends_with_a_traceback(missing):
    done = run(missing, "--tenant-id", "a")
    assert (done.returncode, "Traceback" in done.stderr) == (1, True)


def test_a_database_error_ends_it_and_committed_batches_stay(uri):
    """One player a batch, in the order that the table holds them: the second statement to write fails."""
    with psycopg.connect(uri) as connection:
        connection.execute("update walletbalance set balance_real_available = 1 where player_id = 'a-equal'")
        connection.execute("alter table walletbalance add check (player_id <> 'a-differs' or balance_real_available = 99)")
    done = run(uri, "--tenant-id", "a", "--force", "--batch-size", "1")
    assert (done.returncode, "CheckViolation" in done.stderr) == (1, True)
    assert wallets(uri) == BEFORE


def test_it_runs_by_file_path_too(uri):
    environment = {"DATABASE_URL": uri, "PATH": os.defpath}
    command = [sys.executable, str(INCLUDE / "ledger_sandbox" / "backfill_wallet_balances.py"), "--tenant-id", "a"]
    assert subprocess.run(command, env=environment, check=False, timeout=60).returncode == 0
    assert "a-none" in wallets(uri)
