"""A connection's text that falls apart at a sign of its password: refused, and nothing of it is shown."""

from __future__ import annotations

import traceback

import pytest

from ledger_guard.adapters.platform_script.command_environment import command_environment
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.policy.command_runner import CommandRunner

PASSWORD_PARTS = ("Hunter2", "Tail9")


def shown_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("start", ["postgresql://guard:", "postgresql://guard:12", "postgres://guard:x@"])
@pytest.mark.parametrize("sign", ["/", "#", "?", "/a?", "[", "]", "\u2100", "@/", "@?", "@#"])
def test_a_password_with_an_unwritten_sign_is_refused_and_no_part_of_it_shown(start, sign):
    password = f"{PASSWORD_PARTS[0]}{sign}{PASSWORD_PARTS[1]}" if not start.endswith("12") else f"{sign}{PASSWORD_PARTS[1]}"
    text = f"{start}{password}@db.example:5432/platform"
    with pytest.raises(BadInputError, match="connection ledger_db: the URI is broken") as refused:
        ConnectionSettings.parse(text, "ledger_db")
    assert not [part for part in PASSWORD_PARTS if part in shown_of(refused.value)]


@pytest.mark.parametrize("port", ["5432x", "-1", "70000"])
def test_a_port_that_is_none_is_refused_likewise(port):
    with pytest.raises(BadInputError, match="a port of digits"):
        ConnectionSettings.parse(f"postgresql://guard:pw@db:{port}/platform", "ledger_db")


@pytest.mark.parametrize("sign", ["/", "#", "?", "@", ":", "[", "]", "%", "\u2100"])
def test_each_sign_is_taken_when_it_is_written_as_the_message_says(sign):
    written = "".join(f"%{byte:02X}" for byte in sign.encode())
    found = dict(ConnectionSettings.parse(f"postgresql://guard:a{written}b@db:5432/platform", "ledger_db").parameters)
    assert (found["password"], found["host"], found["port"], found["dbname"]) == (f"a{sign}b", "db", "5432", "platform")


@pytest.mark.parametrize("text", ["postgresql://postgres:@/postgres?host=/tmp/dir", "postgresql+psycopg://u@[::1]:5432/db"])
def test_sockets_and_bare_addresses_are_taken(text):
    assert dict(ConnectionSettings.parse(text, "ledger_db").parameters)["host"] in ("/tmp/dir", "::1")


def test_the_scripts_own_url_is_refused_likewise():
    runner = CommandRunner.model_validate(
        {"interpreter": "/usr/bin/python3", "module": "launch", "working_directory": "/app", "database_url_from": "environment"}
    )
    platform = ConnectionSettings.parse("postgresql://u@db/platform", "ledger_db")
    own = {"DATABASE_URL": f"postgresql://u:{PASSWORD_PARTS[0]}/{PASSWORD_PARTS[1]}@db/platform"}
    with pytest.raises(SafetyRefusal, match="DATABASE_URL: the URI is broken") as refused:
        command_environment(runner, platform, own)
    assert not [part for part in PASSWORD_PARTS if part in shown_of(refused.value)]
