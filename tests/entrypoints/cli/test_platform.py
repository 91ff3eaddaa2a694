"""`platform check`: what fits, what does not, and what is proposed, on a real platform."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from tests.sandbox.conftest import AS_OF

from ledger_guard.entrypoints.cli.main import cli
from ledger_guard.policy.loader import load_policy
from ledger_sandbox.environment import write_environment
from ledger_sandbox.population import generate, store
from ledger_sandbox.profiles import PopulationShape

pytestmark = pytest.mark.postgres
REFERENCE = Path("include/policies/reference_platform.yaml")
SHAPE = PopulationShape(tenants=3, largest=500, poker=0.08, wallet_only=0.15, born_from_zero=0.05)


@pytest.fixture(scope="module")
def platform_uri(module_database_uri) -> str:
    store(module_database_uri, generate(4, SHAPE, AS_OF), AS_OF)
    return module_database_uri


@pytest.fixture
def check(platform_uri, monkeypatch, tmp_path):
    """Run the command under a policy whose text may be changed first; gives exit code and what it printed."""
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", platform_uri)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", platform_uri)
    write_environment(platform_uri, tmp_path / "platform.env")
    monkeypatch.setenv("LEDGER_GUARD_ENV_FILE", str(tmp_path / "platform.env"))

    def run(*arguments: str, **changed: object):
        policy = yaml.safe_load(Path("include/policies/ledger_rollout.yaml").read_text())
        for path, value in changed.items():
            section = policy["platform"]
            *folders, last = path.split("__")
            for folder in folders:
                section = section[folder]
            section[last] = value
        file = tmp_path / "policy.yaml"
        file.write_text(yaml.safe_dump(policy))
        monkeypatch.setenv("LEDGER_GUARD_POLICY", str(file))
        return CliRunner().invoke(cli, ["platform", "check", *arguments])

    return run


def parts(result) -> dict[str, dict[str, object]]:
    return {part["name"]: part for part in json.loads(result.stdout)["parts"]}


def test_the_sandboxs_policy_fits_the_sandbox_but_for_the_log_that_no_one_brought_in(check):
    result = check("--json")
    found = parts(result)
    assert {name for name, part in found.items() if not part["fits"]} == {"log"}
    assert json.loads(result.stdout)["proposal"] == []
    assert result.exit_code == 1


def test_without_a_source_of_secrets_none_is_called_absent(check, monkeypatch):
    for name in ("LEDGER_GUARD_ENV_FILE", "WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET", "ADYEN_HMAC_KEY", "WEBHOOK_SECRET_MOCKPSP"):
        monkeypatch.delenv(name, raising=False)
    secrets = parts(check("--json"))["secrets"]
    assert secrets["fits"] is False
    (line,) = secrets["lines"]
    assert "secrets: no source configured" in line


def test_words_that_the_policy_lacks_are_learnt_and_proposed_as_bookings(check):
    shipped = load_policy().platform.ledger.model_dump(mode="json", exclude_defaults=True)["bookings"]
    without = [booking for booking in shipped if booking["type"] != "deposit"]
    result = check(ledger__bookings=without, ledger__player_only_types=[])
    assert "deposit/deposit_captured" in result.stdout
    assert "- {type: deposit, statuses: [deposit_captured], moves: wallet}" in result.stdout
    assert "- {type: poker_win, statuses: [success], moves: player}" in result.stdout
    assert result.exit_code == 1


def test_a_word_on_the_wrong_side_is_named_with_what_the_data_say(check):
    result = check("--json", ledger__player_only_types=[], ledger__wallet_only_types=["poker_bet", "poker_win", "adjustment"])
    lines = " ".join(parts(result)["ledger"]["lines"])
    assert "the policy says it moves wallet; the data say: moves player" in lines
    assert json.loads(result.stdout)["proposal"]


def test_a_table_that_is_not_there_is_named_and_the_rest_is_looked_at(check):
    found = parts(check("--json", wallet={"table": "wallets"}))
    assert "has no table public.wallets" in found["schema"]["lines"][0]
    assert found["flags"]["fits"]
    assert found["ledger"]["lines"] == ["not checked while the schema does not fit"], "not: the ledger is empty"


def test_what_is_proposed_says_what_no_data_can_tell(check):
    proposal = json.loads(check("--json", ledger__bookings=[]).stdout)["proposal"]
    assert "amount_in_reference" in proposal[-2]
    assert "payment_step" in proposal[-1]
    assert all(line.startswith(("#", "- {type: ")) for line in proposal)


def test_the_reference_policy_has_the_sandboxs_words(check):
    reference, sandbox = load_policy(REFERENCE), load_policy()
    assert reference.platform == sandbox.platform
    assert reference.flag_store.kind == "dotenv"
    assert not any(flag.per_tenant for flag in reference.flags.values())


def test_a_first_dry_run_under_the_reference_policy_needs_no_table_of_flags(platform_uri, check, monkeypatch, tmp_path):
    check()
    env_file = tmp_path / "app.env"
    env_file.write_text("LEDGER_ENFORCE_BALANCE=True\nWEBHOOK_SIGNATURE_ENFORCED=False\n")
    text = REFERENCE.read_text().replace("/app/backend/.env", str(env_file))
    (tmp_path / "reference.yaml").write_text(text)
    monkeypatch.setenv("LEDGER_GUARD_POLICY", str(tmp_path / "reference.yaml"))
    with psycopg.connect(platform_uri) as connection:
        (tenant,) = connection.execute("select id from tenant order by id limit 1").fetchone()
    result = CliRunner().invoke(cli, ["backfill", "dry-run", "--tenant-id", tenant, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["tenant_id"] == tenant


def test_without_the_table_of_flags_a_dry_run_says_what_to_set(database_uri, monkeypatch):
    with psycopg.connect(database_uri) as connection:
        connection.execute("insert into tenant (id, name) values ('t', 'T')")
        connection.execute("drop table rollout_flag")
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_DB", database_uri)
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_GUARD_DB", database_uri)
    result = CliRunner().invoke(cli, ["backfill", "dry-run", "--tenant-id", "t"])
    assert result.exit_code == 1
    assert "has no table public.rollout_flag; the policy's flag_store expects flags there" in str(result.exception)
