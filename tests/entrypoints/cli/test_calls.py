"""Commands about calls say where they may not count."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ledger_guard import wiring
from ledger_guard.adapters.memory.dependencies import memory_world
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKey, AuditKeys
from ledger_guard.entrypoints.cli.main import main
from ledger_guard.policy.loader import load_policy

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
KEYS = AuditKeys([AuditKey("2026-01", b"k" * 32)])
WHY = ["--reason", "a load test of acme", "--by", "anna"]
COMMANDS = {
    "silence start": ["silence", "start", "--minutes", "60", *WHY],
    "silence end": ["silence", "end", "unknown", *WHY],
    "acknowledge": ["incident", "acknowledge", "7d5b1c9e-6a80-4e5d-8f0c-2f4f6d1f9a11", "--by", "anna"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("keys", "warns"), [(NO_KEYS, True), (KEYS, False)], ids=["without a key", "with a key"])
def test_a_command_without_the_key_says_that_a_guard_that_has_one_calls_all_the_same(monkeypatch, capsys, command, keys, warns):
    """The guard passes over its entry without a word, and whoever gave the command sleeps on it."""
    world = memory_world(load_policy(), NOON, keys)
    monkeypatch.setattr(wiring, "open_dependencies", lambda policy=None: world.deps)
    main(COMMANDS[command])
    said = "unkeyed: this command has no audit key; a guard that has one calls people all the same"
    assert (said in capsys.readouterr().err) is warns
