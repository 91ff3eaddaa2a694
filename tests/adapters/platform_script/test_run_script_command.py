"""`backfill run-script`: exit codes, JSON and the policy section that it needs."""

from __future__ import annotations

import json
import sys

import pytest
from tests.adapters.platform_script.script_worlds import INCLUDE, TENANT, ScriptWorld

from ledger_guard.domain.errors import PolicyError
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import parse_policy

pytestmark = pytest.mark.postgres
SHIPPED = (INCLUDE / "policies" / "ledger_rollout.yaml").read_text()


def section(**changes: object) -> str:
    given = {
        "interpreter": sys.executable,
        "module": "script",
        "working_directory": "/",
        "environment": ["PYTHONPATH"],
        **changes,
    }
    return f"{SHIPPED}\ncommand_runner: {json.dumps(given)}\n"


@pytest.fixture
def cli_world(world: ScriptWorld, monkeypatch, tmp_path) -> ScriptWorld:
    """The command line over the world's database, with a policy that may run its script."""
    policy = tmp_path / "policy.yaml"
    text = section(working_directory=str(tmp_path)).replace("max_share_of_players: 0.25", "max_share_of_players: 1.0")
    policy.write_text(text)
    monkeypatch.setenv("LEDGER_GUARD_POLICY", str(policy))
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", world.uri)
    monkeypatch.delenv("AIRFLOW_CONN_LEDGER_GUARD_DB", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(INCLUDE))
    return world


@pytest.fixture
def dry_run(cli_world, capsys):
    def made() -> str:
        assert main(["backfill", "dry-run", "--tenant-id", TENANT, "--json"]) == 0
        return json.loads(capsys.readouterr().out)["plan_id"]

    return made


def run_script(*arguments: str) -> int:
    return main(["backfill", "run-script", *arguments])


def test_done_is_exit_0_with_the_wallets_as_proof(dry_run, capsys):
    plan_id = dry_run()
    assert run_script("--plan", plan_id, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["plan_id"], found["is_done"], found["problems"]) == (plan_id, True, [])
    assert found["changes"]["applied"] == {"players": 2, "some": ["lags", "none"]}
    assert found["dry_run"]["command"][-1] == "--dry-run"


def test_rows_that_were_missed_are_exit_1_and_said_in_words(cli_world, dry_run, capsys):
    cli_world.write_script("pass")
    assert run_script("--plan", dry_run()) == 1
    assert "2 rows of the plan were not written" in capsys.readouterr().out


def test_a_wallet_with_money_of_its_own_is_exit_3(cli_world, dry_run, capsys):
    cli_world.add_depositor("rich", 20.0, 50.0)
    assert run_script("--plan", dry_run()) == 3
    assert "1 are right (only the player row differs)" in capsys.readouterr().err
    assert cli_world.started() == []


@pytest.mark.parametrize("plan", ["7d0c", "00000000-0000-4000-8000-000000000000"], ids=["no id", "no such plan"])
def test_a_plan_that_is_none_is_exit_2(cli_world, plan):
    assert run_script("--plan", plan) == 2


def test_without_the_section_it_is_exit_2(cli_world, dry_run, monkeypatch, capsys):
    plan_id = dry_run()
    monkeypatch.delenv("LEDGER_GUARD_POLICY")
    assert run_script("--plan", plan_id) == 2
    assert "command_runner" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"interpreter": "python"}, "absolute", id="a program must be named whole"),
        pytest.param({"working_directory": "."}, "absolute", id="and so must a folder"),
        pytest.param({"module": "scripts; rm -rf /"}, "module", id="a module is a dotted name"),
        pytest.param({"environment": ["TOKEN=hunter22"]}, "never its value", id="a value instead of its name"),
        pytest.param({"environment": ["DATABASE_URL"]}, "database_url_from", id="the database has a setting of its own"),
        pytest.param({"database_url_scheme": "sqlite"}, "database_url_scheme", id="the platform is in Postgres"),
        pytest.param({"timeout_seconds": 0}, "timeout_seconds", id="no time at all"),
        pytest.param({"shell": True}, "shell", id="an unknown key"),
    ],
)
def test_the_policy_section_allows_no_other_form(changes, said):
    with pytest.raises(PolicyError, match=said) as error:
        parse_policy(section(**changes), "policy.yaml")
    assert "hunter22" not in str(error.value)
