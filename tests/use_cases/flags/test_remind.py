"""A temporary rollback is named again and again until the flag is restored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.triggers import T1, T2
from tests.use_cases.flags.flag_stores import dotenv_store
from tests.use_cases.flags.rollout_world import BALANCE, SIGNATURE, RolloutWorld, rollout_world

from ledger_guard.domain.errors import NotificationFailed, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.use_cases.flags.remind import remind
from ledger_guard.use_cases.flags.standing_rollbacks import standing_rollbacks
from ledger_guard.use_cases.flags.watch_flags import watch_flags


@pytest.fixture
def world() -> RolloutWorld:
    world = rollout_world()
    for flag in (BALANCE, SIGNATURE):
        world.memory.flags.put(flag, EVERYWHERE, True)
    return world


def _rolled_back(world: RolloutWorld, flag: str = SIGNATURE) -> str:
    trigger = T2 if flag == SIGNATURE else T1
    incident = world.incident(trigger)
    world.approved_roll_back(incident, flag)
    return incident


def _after(world: RolloutWorld, **passed: float) -> list[str]:
    world.memory.wall_clock.advance(timedelta(**passed))
    return remind(world.deps)


@pytest.mark.parametrize(
    ("flag", "hours"), [pytest.param(SIGNATURE, 4, id="signatures"), pytest.param(BALANCE, 24, id="any other flag")]
)
def test_a_rollback_is_named_again_every_so_many_hours(world, flag, hours):
    _rolled_back(world, flag)
    almost = hours * 60 - 1
    assert _after(world, minutes=almost) == []
    (first,) = _after(world, minutes=1)
    assert f"{flag} has been off for everyone for {hours} h" in first
    assert _after(world, minutes=almost) == []
    assert len(_after(world, minutes=1)) == 1


def test_unsigned_webhooks_are_reported_louder_than_anything_else(world):
    _rolled_back(world, SIGNATURE)
    _rolled_back(world, BALANCE)
    world.plan_rotation(None)
    _after(world, hours=25)
    quiet, loud = sorted((posted.notice for posted in world.memory.notifier.posted), key=lambda notice: notice.is_loud)
    assert (quiet.is_loud, loud.is_loud) == (False, True)
    assert loud.title.startswith("UNSIGNED WEBHOOKS ARE ACCEPTED · remind · T2")
    assert ("Rotation", "WEBHOOK_SECRET_MOCKPSP by payments-lead, due 2026-03-03T03:00:00Z, overdue") in loud.facts
    assert "UNSIGNED" not in quiet.title


def test_a_reminder_goes_to_the_incidents_thread_whether_the_incident_is_over_or_not(world):
    incident = _rolled_back(world)
    _after(world, hours=4)
    world.resolve(incident)
    _after(world, hours=4)
    first, second = world.memory.notifier.posted
    assert (first.thread, second.thread) == (None, first.ref)


def test_a_restart_forgets_nothing(world):
    """Nothing is kept in the process: another guard over the same state tells nothing twice."""
    _rolled_back(world)
    _after(world, hours=4)
    again = replace(world.deps)
    assert remind(again) == []
    assert len(world.audit("remind")) == 1


def test_a_restored_flag_is_named_no_more(world):
    incident = _rolled_back(world)
    world.resolve(incident)
    world.answer(world.ask_to_restore(incident, SIGNATURE))
    world.restore(incident, SIGNATURE)
    assert _after(world, hours=100) == []


def test_attack_a_flag_that_was_enabled_past_the_guard_is_named_until_a_restore_is_on_record(world):
    incident = _rolled_back(world)
    world.memory.flags.put(SIGNATURE, EVERYWHERE, True)
    world.memory.wall_clock.advance(timedelta(minutes=5))
    watch_flags(world.deps)
    (said,) = _after(world, hours=4)
    assert said == (
        "webhook_signature_enforced for everyone: rolled back by payments-lead at 2026-03-02T03:00:00Z, enabled again past the "
        "guard (since 2026-03-02T03:05:00Z), not restored on record."
    )
    assert world.memory.notifier.posted[-1].notice.title.startswith("remind · T2")
    world.resolve(incident)
    world.answer(world.ask_to_restore(incident, SIGNATURE))
    world.restore(incident, SIGNATURE)
    assert _after(world, hours=100) == []


def test_a_tenants_rollback_whose_value_was_taken_out_of_the_store_is_named_still(world):
    world.approved_roll_back(world.incident(), BALANCE, "tenant-a")
    world.memory.flags.remove(BALANCE, "tenant-a")
    (said,) = _after(world, hours=24)
    assert "for tenant tenant-a: rolled back by payments-lead" in said
    assert "not noticed before now" in said


def test_a_rollback_whose_row_is_gone_is_named_from_its_audit_entry(world):
    _rolled_back(world, BALANCE)
    world.memory.state.tables.flag_changes.clear()
    (said,) = _after(world, hours=24)
    assert "has been off for everyone for 24 h" in said
    assert _after(world, hours=1) == []


def test_a_tenants_rollback_is_named_by_its_tenant(world):
    incident = world.incident()
    world.approved_roll_back(incident, BALANCE, "tenant-a")
    (said,) = _after(world, hours=24)
    assert "has been off for tenant tenant-a" in said


def test_a_second_rollback_begins_anew(world):
    incident = _rolled_back(world)
    _after(world, hours=4)
    world.resolve(incident)
    world.answer(world.ask_to_restore(incident, SIGNATURE))
    world.restore(incident, SIGNATURE)
    world.memory.wall_clock.advance(timedelta(hours=10))
    another = world.incident(T2)
    world.approved_roll_back(another, SIGNATURE, run_id="manual__second")
    assert _after(world, minutes=239) == []
    assert len(_after(world, minutes=1)) == 1


def test_what_the_channel_did_not_take_is_reported_at_the_next_check(world):
    _rolled_back(world)
    world.memory.notifier.break_down("is down")
    with pytest.raises(NotificationFailed, match="is down"):
        _after(world, hours=4)
    assert world.audit("remind") == []
    world.memory.notifier.recover()
    assert len(_after(world, minutes=5)) == 1


@pytest.mark.parametrize(
    ("content", "is_read"),
    [
        pytest.param(b"LEDGER_ENFORCE_BALANCE=False\nWEBHOOK_SIGNATURE_ENFORCED=False\n", True, id="off"),
        pytest.param(b"A=1\n", False, id="the line was deleted"),
        pytest.param(b"LEDGER_ENFORCE_BALANCE=True\nWEBHOOK_SIGNATURE_ENFORCED=True\n", True, id="enabled by hand"),
    ],
)
def test_a_rollback_stands_by_the_record_while_the_store_can_not_tell(world, tmp_path, content, is_read):
    _rolled_back(world)
    world.deps = replace(world.deps, flags=dotenv_store(tmp_path, content))
    assert [found.is_read for found in standing_rollbacks(world.deps)] == [is_read]


def test_while_the_flag_store_is_away_the_record_is_believed_and_that_is_said(world, monkeypatch):
    _rolled_back(world)

    def away(flag):
        raise SourceUnavailable("flags: away")

    monkeypatch.setattr(world.memory.flags, "scopes", away)
    assert [found.is_read for found in standing_rollbacks(world.deps)] == [False]
    _after(world, hours=4)
    assert ("Not read", "the flag store did not answer; this is from the record") in world.memory.notifier.posted[-1].notice.facts


@pytest.mark.postgres
def test_on_postgres_a_reminder_is_reported_once(stored_world):
    world = stored_world
    _rolled_back(world, BALANCE)
    assert _after(world, hours=23) == []
    assert len(_after(world, hours=1)) == 1
    assert remind(world.deps) == []
