"""The dotenv store held against the settings library that the platform reads its file with."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from tests.flag_writes import compare_and_set
from tests.use_cases.flags.flag_stores import dotenv_store
from tests.use_cases.flags.rollout_world import BALANCE, SIGNATURE

from ledger_guard.adapters.flag_stores.dotenv_lines import DotenvLines, Note
from ledger_guard.domain.errors import LedgerInvariantError
from ledger_guard.domain.flags import EVERYWHERE

NAME = "WEBHOOK_SIGNATURE_ENFORCED"


class _Settings(BaseSettings):
    """Two settings, as the platform declares them: read in any case of letters, others in the file ignored."""

    model_config = SettingsConfigDict(extra="ignore")

    webhook_signature_enforced: bool | None = None
    ledger_enforce_balance: bool | None = None


@pytest.fixture
def platform_reads(tmp_path, monkeypatch):
    """What the platform starts with; `refuses` when it does not start."""
    for name in (NAME, NAME.lower(), "SIGN", "SIGNING"):
        monkeypatch.delenv(name, raising=False)

    def read() -> bool | str | None:
        try:
            return _Settings(_env_file=tmp_path / ".env").webhook_signature_enforced
        except (ValidationError, UnicodeDecodeError):
            return "refuses"

    return read


TOLD = [
    pytest.param(b"A=1\nWEBHOOK_SIGNATURE_ENFORCED=True # since the pilot\nB=2\n", True, id="comment behind it"),
    pytest.param(b'export WEBHOOK_SIGNATURE_ENFORCED="true"\n', True, id="export and quotes"),
    pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED='False'  # keep\n", False, id="single quotes and a comment"),
    pytest.param(b"\xef\xbb\xbfWEBHOOK_SIGNATURE_ENFORCED=True\nB=2\n", True, id="byte order mark before it"),
    pytest.param(b"SIGNING=True\nWEBHOOK_SIGNATURE_ENFORCED=${SIGNING}\n", True, id="taken from a line above"),
    pytest.param(b"ON=n\nWEBHOOK_SIGNATURE_ENFORCED=${ON}o\n", False, id="put together from a line above"),
    pytest.param(b"SIGNING\nWEBHOOK_SIGNATURE_ENFORCED=${SIGNING}yes\n", True, id="taken from a line without a value"),
    pytest.param(b"MOTTO='don't\nWEBHOOK_SIGNATURE_ENFORCED=True\nOTHER='x'\n", True, id="apostrophe in a line above"),
    pytest.param(b'NAME="it is\nWEBHOOK_SIGNATURE_ENFORCED=True\nB=2\n', True, id="quote that never ends above"),
    pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED = True\n", True, id="spaces around the sign"),
    pytest.param(b"A=1\r\nWEBHOOK_SIGNATURE_ENFORCED=True\r\nB=2\r\n", True, id="line ends of Windows"),
    pytest.param(b"'WEBHOOK_SIGNATURE_ENFORCED'=off\n", False, id="quoted name"),
    pytest.param("WEBHOOK_SIGNATURE_ENFORCED=True\u00a0\n".encode(), True, id="hard space at the end"),
    *[
        pytest.param(f"{NAME}={word}\n".encode(), word.lower()[0] in "t1y" or word.lower() == "on", id=f"the word {word}")
        for word in ("T", "t", "TRUE", "tRuE", "Y", "y", "yes", "on", "1", "F", "f", "N", "n", "no", "OFF", "0", "false")
    ],
]

#: the file does not tell: what the platform starts with is its own default, or what its process has
NOT_TOLD = [
    pytest.param(b"B=2\n", "does not name it", id="not named"),
    pytest.param(b"#WEBHOOK_SIGNATURE_ENFORCED=True\nB=2", "does not name it", id="commented out"),
    pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED\nB=2\n", "without a value", id="no value"),
    pytest.param(b"OLD_WEBHOOK_SIGNATURE_ENFORCED=True\nWEBHOOK_SIGNATURE_ENFORCED_BACKUP=1\n", "does not name it", id="alike"),
    pytest.param("NOTE=a\u2028WEBHOOK_SIGNATURE_ENFORCED=True\n".encode(), "does not name it", id="behind a line separator"),
    pytest.param(b"NOTE=a\x0bWEBHOOK_SIGNATURE_ENFORCED=True\n", "does not name it", id="behind a vertical tab"),
    pytest.param(b'PEM="-----BEGIN\nWEBHOOK_SIGNATURE_ENFORCED=True\n-----END"\n', "does not name it", id="within a value"),
]

REFUSED = [
    pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=True# not a comment\n", "no truth value", id="hash without a blank"),
    pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=   # off for now\n", "is empty", id="a comment and no value"),
    pytest.param(b'WEBHOOK_SIGNATURE_ENFORCED=" True "\n', "is padded", id="padded"),
    pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=True\\\n", "no truth value", id="backslash at the end"),
    pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=01\n", "no truth value", id="the word 01"),
    pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=1.0\n", "no truth value", id="the word 1.0"),
    pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=enabled\n", "no truth value", id="the word enabled"),
    pytest.param("WEBHOOK_SIGNATURE_ENFORCED=True\n".encode("utf-16"), "not UTF-8", id="UTF-16"),
]


@pytest.mark.parametrize(("content", "value"), TOLD)
def test_a_value_is_read_as_the_platform_reads_it(tmp_path, platform_reads, content, value):
    store = dotenv_store(tmp_path, content)
    assert (store.get(SIGNATURE, EVERYWHERE).is_enabled, store.effective(SIGNATURE, EVERYWHERE)) == (value, value)
    assert platform_reads() is value


@pytest.mark.parametrize(("content", "says"), NOT_TOLD)
def test_a_value_that_the_file_does_not_tell_is_not_known_and_never_off(tmp_path, platform_reads, monkeypatch, content, says):
    store = dotenv_store(tmp_path, content)
    found = store.get(SIGNATURE, EVERYWHERE)
    assert (found.is_enabled, store.effective(SIGNATURE, EVERYWHERE), store.scopes(SIGNATURE)) == (None, None, [])
    assert says in found.not_known_because
    assert platform_reads() is None
    monkeypatch.setenv(NAME, "True")
    assert platform_reads() is True


@pytest.mark.parametrize("given", ["${SIGN:-True}", "${SIGN}", "${LATER}"])
def test_a_value_from_the_environment_of_an_instance_is_not_known_whatever_the_guards_own_holds(tmp_path, monkeypatch, given):
    store = dotenv_store(tmp_path, f"{NAME}={given}\nLATER=True\n".encode())
    monkeypatch.setenv("SIGN", "False")
    found = store.get(SIGNATURE, EVERYWHERE)
    assert (found.is_enabled, store.effective(SIGNATURE, EVERYWHERE)) == (None, None)
    assert "of each instance's own environment" in found.described()


def test_what_a_line_above_takes_from_outside_is_from_outside_too(tmp_path):
    store = dotenv_store(tmp_path, b"SIGNING=${SIGN:-True}\nWEBHOOK_SIGNATURE_ENFORCED=${SIGNING}\n")
    assert "${SIGN}" in store.get(SIGNATURE, EVERYWHERE).not_known_because


@pytest.mark.parametrize(("content", "says"), REFUSED)
def test_a_file_that_the_platform_does_not_start_with_is_refused(tmp_path, platform_reads, content, says):
    with pytest.raises(LedgerInvariantError, match=says):
        dotenv_store(tmp_path, content).get(SIGNATURE, EVERYWHERE)
    assert platform_reads() == "refuses"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=False\nwebhook_signature_enforced=True\n", id="twice, other letters"),
        pytest.param(b"A=1\nWEBHOOK_SIGNATURE_ENFORCED: true\nB=2\n", id="a colon in place of the sign"),
    ],
)
def test_what_the_platform_reads_and_nobody_meant_is_refused(tmp_path, content):
    with pytest.raises(LedgerInvariantError):
        dotenv_store(tmp_path, content).get(SIGNATURE, EVERYWHERE)


@pytest.mark.parametrize("to_value", [True, False])
@pytest.mark.parametrize("content", [given.values[0] for given in [*TOLD, *NOT_TOLD]])
def test_what_is_written_is_what_the_platform_reads_then(tmp_path, platform_reads, content, to_value):
    store = dotenv_store(tmp_path, content)
    compare_and_set(store, store.get(SIGNATURE, EVERYWHERE), to_value, "payments-lead", 'it\'s "quoted" ${SIGN} # and noted')
    assert (store.effective(SIGNATURE, EVERYWHERE), platform_reads()) == (to_value, to_value)
    assert store.get(BALANCE, EVERYWHERE).is_enabled is None


def test_a_note_with_quotes_that_an_earlier_release_wrote_is_read_and_replaced(tmp_path):
    note = json.dumps({"name": NAME, "is_enabled": True, "by": "x", "at": "t", "reason": "a `b`", "after": 1, "restart": "done"})
    store = dotenv_store(tmp_path, f"# ledger_guard: {note}\n{NAME}=True\n".encode())
    seen = store.get(SIGNATURE, EVERYWHERE)
    assert seen.change_reason == "a `b`"
    compare_and_set(store, seen, False, "payments-lead", 'it\'s `off` "now" \\')
    assert store.get(SIGNATURE, EVERYWHERE).change_reason == 'it\'s `off` "now" \\'
    assert (tmp_path / ".env").read_text().count("# ledger_guard:") == 1


def test_what_would_be_read_otherwise_once_it_is_written_is_refused():
    lines = replace(DotenvLines.parse(f"{NAME}=True\n".encode(), NAME, ".env"), before='B="open\n', after='"\n')
    with pytest.raises(LedgerInvariantError, match="without another line being read otherwise"):
        lines.with_value(Note(NAME, False, "somebody", "today", "because", 1, "pending"), ".env")
