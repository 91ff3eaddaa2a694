"""The platform's dotenv file: nothing but the value changes, and a restart that failed is not called done."""

from __future__ import annotations

import resource
import stat

import pytest
from tests.flag_writes import compare_and_set
from tests.use_cases.flags.flag_stores import CountingRestarter, dotenv_store
from tests.use_cases.flags.rollout_world import BALANCE, SIGNATURE

from ledger_guard.domain.errors import ConcurrentWriterError, LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE

RUNBOOKS = b"# signatures\nWEBHOOK_SIGNATURE_ENFORCED=True\n"


def _turn(store, to_value: bool, flag: str = SIGNATURE, reason: str = "because"):
    return compare_and_set(store, store.get(flag, EVERYWHERE), to_value, "payments-lead", reason)


def _without_notes(content: bytes) -> bytes:
    return b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(b"# ledger_guard:"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(RUNBOOKS, b"# signatures\nWEBHOOK_SIGNATURE_ENFORCED=False\n", id="as the runbook has it"),
        pytest.param(
            b"A=1\r\n\r\nWEBHOOK_SIGNATURE_ENFORCED=1\r\n# end\r\n",
            b"A=1\r\n\r\nWEBHOOK_SIGNATURE_ENFORCED=False\r\n# end\r\n",
            id="line ends of Windows, a blank line, a comment at the end",
        ),
        pytest.param(
            b"export webhook_signature_enforced = 'yes'  # until Tuesday\nB= x \n",
            b"export webhook_signature_enforced=False  # until Tuesday\nB= x \n",
            id="export, other letters, quotes and spaces: never a padded value",
        ),
        pytest.param(b"A=1\nWEBHOOK_SIGNATURE_ENFORCED=on", b"A=1\nWEBHOOK_SIGNATURE_ENFORCED=False", id="no newline at the end"),
        pytest.param(
            b"what is this\nWEBHOOK_SIGNATURE_ENFORCED=true\nPEM='a\nWEBHOOK_SIGNATURE_ENFORCED=True\nb'\n",
            b"what is this\nWEBHOOK_SIGNATURE_ENFORCED=False\nPEM='a\nWEBHOOK_SIGNATURE_ENFORCED=True\nb'\n",
            id="a line that can't be read, and the name within another value",
        ),
    ],
)
def test_every_byte_but_the_value_is_kept(tmp_path, before, after):
    store = dotenv_store(tmp_path, before)
    assert _turn(store, to_value=False).is_enabled is False
    assert _without_notes((tmp_path / ".env").read_bytes()) == after


def test_many_writes_leave_one_note(tmp_path):
    store = dotenv_store(tmp_path, RUNBOOKS)
    for value in (False, True, False):
        _turn(store, value)
    assert (tmp_path / ".env").read_bytes().count(b"# ledger_guard:") == 1


def test_a_flag_that_the_file_does_not_name_is_added_at_its_end(tmp_path):
    store = dotenv_store(tmp_path, b"A=1")
    _turn(store, to_value=True)
    assert _without_notes((tmp_path / ".env").read_bytes()) == b"A=1\nWEBHOOK_SIGNATURE_ENFORCED=True\n"


def test_a_reason_can_write_no_line_of_its_own(tmp_path):
    store = dotenv_store(tmp_path, RUNBOOKS)
    reason = "fine\nLEDGER_ENFORCE_BALANCE=True\r\nX=ü\u2028Y"
    _turn(store, to_value=False, reason=reason)
    assert store.get(BALANCE, EVERYWHERE).is_enabled is None
    assert store.get(SIGNATURE, EVERYWHERE).change_reason == reason


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=\n", "is empty", id="empty"),
        pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=' True'\n", "is padded", id="padded"),
        pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=maybe\n", "no truth value", id="an unknown word"),
        pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED=1\nwebhook_signature_enforced=0\n", "stands there 2 times", id="twice"),
        pytest.param(b"WEBHOOK_SIGNATURE_ENFORCED='True\n", "can't be read", id="a quote that never ends"),
        pytest.param(b"A=\xff\n", "not UTF-8", id="not text"),
    ],
)
def test_a_file_that_does_not_tell_the_value_is_neither_read_nor_written(tmp_path, content, says):
    store = dotenv_store(tmp_path, content)
    with pytest.raises(LedgerInvariantError, match=says):
        store.get(SIGNATURE, EVERYWHERE)
    assert (tmp_path / ".env").read_bytes() == content


def test_an_absent_file_is_not_a_flag_that_is_off(tmp_path):
    with pytest.raises(SourceUnavailable, match="can't be read"):
        dotenv_store(tmp_path, None).get(SIGNATURE, EVERYWHERE)


def test_a_value_turned_by_hand_voids_what_was_seen_and_is_not_called_the_guards(tmp_path):
    store = dotenv_store(tmp_path, RUNBOOKS)
    seen = _turn(store, to_value=False, reason="ours")
    path = tmp_path / ".env"
    path.write_bytes(path.read_bytes().replace(b"=False", b"=True"))
    assert store.get(SIGNATURE, EVERYWHERE).change_reason == ""
    with pytest.raises(SafetyRefusal, match="changed meanwhile: now on"):
        compare_and_set(store, seen, True, "somebody", "because")


def test_mode_is_kept_and_a_link_stays_a_link(tmp_path):
    store = dotenv_store(tmp_path, RUNBOOKS)
    real = tmp_path / "real.env"
    (tmp_path / ".env").rename(real)
    real.chmod(0o640)
    (tmp_path / ".env").symlink_to(real)
    _turn(store, to_value=False)
    assert (tmp_path / ".env").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert not list(tmp_path.glob(".*.part"))


def test_a_lock_that_can_not_be_made_leaves_everything_as_it_was(tmp_path):
    store = dotenv_store(tmp_path, RUNBOOKS)
    (tmp_path / "..env.lock").mkdir()
    with pytest.raises(SourceUnavailable, match="can't be locked"):
        _turn(store, to_value=False)
    assert (tmp_path / ".env").read_bytes() == RUNBOOKS


def test_a_disk_that_is_full_leaves_everything_as_it_was(tmp_path):
    store = dotenv_store(tmp_path, RUNBOOKS)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(SourceUnavailable, match="can't be replaced"):
            _turn(store, to_value=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / ".env").read_bytes() == RUNBOOKS
    assert not list(tmp_path.glob(".*.part"))


def test_while_another_writer_restarts_nobody_else_writes(tmp_path):
    store = dotenv_store(tmp_path, RUNBOOKS)
    store._file._wait = 0
    with store._file.exclusively(), pytest.raises(ConcurrentWriterError):
        _turn(store, to_value=False)
    assert (tmp_path / ".env").read_bytes() == RUNBOOKS


def test_a_restart_that_fails_is_told_kept_in_the_file_and_done_again(tmp_path):
    restarter = CountingRestarter()
    restarter.failures = 2
    store = dotenv_store(tmp_path, RUNBOOKS, restarter)
    with pytest.raises(SourceUnavailable, match="is written, but instances may still serve the old value"):
        _turn(store, to_value=False)
    again = dotenv_store(tmp_path, None, restarter)
    assert again.get(SIGNATURE, EVERYWHERE).is_enabled is False
    assert "a restart of the instances" in again.lacks(SIGNATURE)
    with pytest.raises(SourceUnavailable):
        again.finish(SIGNATURE)
    state = again.get(SIGNATURE, EVERYWHERE)
    again.finish(SIGNATURE)
    again.finish(SIGNATURE)
    assert (again.lacks(SIGNATURE), restarter.restarts) == ("", [SIGNATURE])
    assert again.get(SIGNATURE, EVERYWHERE) == state
