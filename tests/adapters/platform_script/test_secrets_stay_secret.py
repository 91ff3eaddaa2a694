"""The script gets its database and what the policy names, and nothing of that comes out again."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from tests.adapters.platform_script.script_worlds import TENANT, ScriptWorld, settings_for

from ledger_guard.adapters.platform_script.command_environment import command_environment
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.secrets.secret_mask import SecretMask
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.plans import BackfillMode

PLATFORM = ConnectionSettings.parse("postgresql://guard:p%40ss%2Fword@db.example:5433/platform?sslmode=require", "ledger_db")


def environment(tmp_path, own=None, platform=PLATFORM, **settings) -> dict[str, str]:
    return command_environment(settings_for(tmp_path, **settings), platform, own or {})[0]


def test_the_database_is_that_of_the_connection_with_the_driver_that_the_script_wants(tmp_path):
    found = environment(tmp_path)["DATABASE_URL"]
    assert found == "postgresql+asyncpg://guard:p%40ss%2Fword@db.example:5433/platform?ssl=require"


def test_only_named_variables_are_passed_on_and_debug_is_off_unless_named(tmp_path):
    own = {"SYNC_DATABASE_URL": "postgresql://x/platform", "AIRFLOW__CORE__FERNET_KEY": "secret", "DEBUG": "1"}
    found = environment(tmp_path, own, environment=("SYNC_DATABASE_URL", "ABSENT"))
    assert set(found) == {"DATABASE_URL", "SYNC_DATABASE_URL", "DEBUG", "PYTHONUNBUFFERED"}
    assert found["DEBUG"] == "false"
    assert environment(tmp_path, own, environment=("DEBUG",))["DEBUG"] == "1"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param(None, "is not set", id="unset: the script would take a SQLite file"),
        pytest.param("  ", "is not set", id="blank is as good as unset"),
        pytest.param("sqlite+aiosqlite:///casino.db", "has scheme", id="no Postgres"),
        pytest.param("postgresql+asyncpg://u:s3cret@db/other", "does not name database platform", id="another database"),
        pytest.param(
            "postgresql://u:s3cret@db/platform?dbname=other", "does not name database platform", id="another one by a parameter"
        ),
    ],
)
def test_a_database_of_its_own_must_be_named_and_the_one_that_the_guard_compares(tmp_path, url, said):
    own = {} if url is None else {"DATABASE_URL": url}
    with pytest.raises(SafetyRefusal, match=said) as refusal:
        environment(tmp_path, own, database_url_from="environment")
    assert "s3cret" not in str(refusal.value)


def test_a_login_of_the_scripts_own_is_taken_as_it_stands(tmp_path):
    url = "postgresql+asyncpg://script:pw@db.internal/platform"
    assert environment(tmp_path, {"DATABASE_URL": url}, database_url_from="environment")["DATABASE_URL"] == url


def test_a_connection_that_a_url_can_not_carry_is_refused(tmp_path):
    platform = ConnectionSettings.parse("postgresql://guard@db/platform?sslrootcert=/ca.pem", "ledger_db")
    with pytest.raises(SafetyRefusal, match="sslrootcert"):
        environment(tmp_path, platform=platform)


@pytest.mark.parametrize(
    "text",
    ["hunter22", "x=hunter22;", "p@ss/word", "p%40ss%2Fword", "postgresql://guard:other@db/platform", "first-line", "last-line"],
)
def test_a_secret_is_masked_in_every_form_it_may_take(text):
    mask = SecretMask(["hunter22", "first-line\nlast-line"], ["p%40ss%2Fword"])
    for secret in ("hunter22", "p@ss/word", "p%40ss%2Fword", "other", "first-line", "last-line"):
        assert secret not in mask.masked(text)


def test_what_is_no_secret_is_left_as_it_is():
    assert SecretMask(["1", "off"], [""]).masked("1 row is off") == "1 row is off"


@pytest.mark.parametrize(
    ("password", "text", "shown"),
    [
        pytest.param("casino", "default_casino: 3 rows", "default_casino: 3 rows", id="a password within the tenant's name"),
        pytest.param("casino", "login casino failed", "login *** failed", id="the same password by itself"),
        pytest.param("casino", "casino:default_casino", "***:default_casino", id="both"),
        pytest.param("default_casino", "--tenant-id=default_casino", "--tenant-id=default_casino", id="the very name"),
        pytest.param("default_casino", "password='default_casino'", "password='***'", id="the very name, called a password"),
        pytest.param(
            "default_casino", "postgresql://u:default_casino@db/x", "postgresql://***@db/x", id="the very name in a URL"
        ),
        pytest.param("default_casino#1", "got default_casino#1", "got ***", id="a password that begins with the name"),
        pytest.param(
            "a", "a tenant: default_casino was read", "*** tenant: default_casino was read", id="a password of one letter"
        ),
    ],
)
def test_masking_a_password_leaves_the_tenants_name(password, text, shown):
    assert SecretMask([], [password], ["default_casino"]).masked(text) == shown


def test_a_value_of_a_variable_that_is_a_part_of_the_tenants_name_leaves_it_too():
    assert SecretMask(["default"], [], ["default_casino"]).masked("default: default_casino") == "***: default_casino"


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Everything that anybody logs, at any level."""
    handler, root = _Kept(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.postgres
def test_a_script_that_prints_its_environment_gives_no_secret_away(world: ScriptWorld, logged):
    world.uri = world.uri.replace("postgres@", "postgres:p%40ss%2Fword@")
    world.own_environment |= {"API_TOKEN": "tok-0123456789"}
    world.write_script(
        "import os, sys; print(dict(os.environ)); sys.exit('login p@ss/word failed for ' + os.environ['DATABASE_URL'])"
    )
    runner = world.runner(environment=("PYTHONPATH", "API_TOKEN"))
    found = runner.run(TENANT, BackfillMode.FORCE, is_dry_run=True)
    with pytest.raises(Exception, match="exit code 1") as failure:
        world.run_script(world.planned(), runner)
    told = "\n".join([*found.output, *logged, str(failure.value), json.dumps(world.audited())])
    assert "API_TOKEN" in told
    for secret in ("tok-0123456789", "p@ss/word", "p%40ss%2Fword", world.uri):
        assert secret not in told


@pytest.mark.postgres
def test_the_tenants_name_stays_in_the_command_and_its_output_whatever_the_password(world: ScriptWorld):
    world.uri = world.uri.replace("postgres@", f"postgres:{TENANT[:4]}@")
    world.write_script("import sys; print(sys.argv[1])")
    found = world.runner().run(TENANT, BackfillMode.FORCE, is_dry_run=True)
    assert f"--tenant-id={TENANT}" in found.command
    assert found.output == (f"--tenant-id={TENANT}",)


@pytest.mark.postgres
def test_lines_are_logged_as_they_come_and_only_the_last_are_kept(world: ScriptWorld, logged):
    world.write_script("for number in range(1000): print('line', number)")
    found = world.runner(keep_lines=3).run(TENANT, BackfillMode.FORCE, is_dry_run=True)
    assert (found.output, found.lines_dropped) == (("line 997", "line 998", "line 999"), 997)
    assert f"run_script {TENANT}: line 0" in logged


def test_control_characters_and_the_rest_of_long_lines_are_not_kept(empty_world: ScriptWorld):
    empty_world.write_script(r"print('a\x1b[31m\x00b'); print('x' * 9000)")
    found = empty_world.runner().run(TENANT, BackfillMode.FORCE, is_dry_run=True)
    assert found.output == ("a?[31m?b", "x" * 500)


@pytest.mark.parametrize(
    "broken", [{"interpreter": "/nowhere/python"}, {"interpreter": "/etc/passwd"}, {"working_directory": "/nowhere"}]
)
def test_a_program_or_folder_that_is_not_here_is_found_before_anything_starts(world: ScriptWorld, broken):
    with pytest.raises(BadInputError, match=r"command_runner\.(interpreter|working_directory)"):
        world.run_script(world.planned(), world.runner(**broken))
    assert world.audited() == []
