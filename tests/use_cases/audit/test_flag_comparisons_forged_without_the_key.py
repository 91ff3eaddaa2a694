"""A login with every right on guard state, and without the key, hides no change of a flag and silences no alarm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.flag_writes import compare_and_set
from tests.use_cases.audit.keyed_worlds import KEYS, Mallory, keyed_rollout
from tests.use_cases.flags.rollout_world import BALANCE, NOW, RolloutWorld

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.audit_keys import NO_KEYS
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.use_cases.flags.remind import remind
from ledger_guard.use_cases.flags.watch_flags import watch_flags

pytestmark = pytest.mark.postgres
SUBJECT = f"flag:{BALANCE}@*"


@pytest.fixture
def world(database_uri) -> RolloutWorld:
    """Compared, then rolled back by the guard."""
    world = keyed_rollout(database_uri)
    watch_flags(world.deps)
    world.approved_roll_back(world.incident())
    return world


def enabled(world: RolloutWorld) -> None:
    compare_and_set(world.deps.flags, world.deps.flags.get(BALANCE, EVERYWHERE), True, "mallory", "by hand")


def check(world: RolloutWorld) -> list[str]:
    world.memory.wall_clock.advance(timedelta(minutes=15))
    return watch_flags(world.deps)


FORGED = [
    pytest.param("watch_flags", {"stage": "seen", "values": {"*": "on"}}, id="a baseline"),
    pytest.param(
        "watch_flags",
        {"stage": "changed", "scopes": ["*"], "from_value": "off", "to_value": "on", "enables": False},
        id="a change that was noticed already",
    ),
    pytest.param("restore", {"stage": "done", "scopes": ["*"], "to_value": True, "lifted_freezes": []}, id="a restore"),
    pytest.param(
        "restore",
        {"stage": "intended", "approval_id": "a", "from_value": False, "to_value": True, "before": {"*": [False, 2]}},
        id="a write of the guard in progress",
    ),
]


@pytest.mark.parametrize(("verb", "detail"), FORGED)
def test_attack_an_entry_without_the_keys_mark_explains_no_change(world, database_uri, verb, detail):
    Mallory(database_uri).logs(AuditEvent(verb, "ledger_guard", SUBJECT, detail, world.memory.wall_clock.now()))
    enabled(world)
    (said,) = check(world)
    assert "was enabled past the guard for everyone during a freeze" in said


def test_attack_an_entry_without_the_keys_mark_silences_no_alarm(world, database_uri):
    enabled(world)
    check(world)
    mallory = Mallory(database_uri)
    for detail in (
        {"stage": "told", "changes": list(range(100)), "is_alarm": True},
        {"stage": "ended", "change": 1, "how": "is off again"},
    ):
        mallory.logs(AuditEvent("watch_flags", "ledger_guard", SUBJECT, detail, NOW + timedelta(days=300)))
    assert len(check(world)) == 1


def test_attack_a_forged_restore_ends_no_reminder(world, database_uri):
    detail = {"stage": "done", "scopes": ["*"], "to_value": True, "lifted_freezes": []}
    Mallory(database_uri).logs(AuditEvent("restore", "flag_restore", SUBJECT, detail, NOW))
    world.memory.wall_clock.advance(timedelta(hours=24))
    assert len(remind(world.deps)) == 1


def test_a_guard_that_gets_a_key_takes_what_is_older_at_its_word_once_and_on_record(database_uri):
    world = keyed_rollout(database_uri, NO_KEYS)
    watch_flags(world.deps)
    world.approved_roll_back(world.incident())
    settings = ConnectionSettings.parse(database_uri, "ledger_guard_db")
    world.deps = replace(world.deps, state=PostgresGuardState(settings, KEYS))
    assert check(world) == []
    assert [entry["stage"] for entry in world.audit("watch_flags")] == ["seen"] * 4
    enabled(world)
    (said,) = check(world)
    assert "was enabled past the guard for everyone during a freeze" in said
