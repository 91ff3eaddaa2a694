"""A flag that somebody changes past the guard is noticed: once, or loudly until it ends while the flag is frozen."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.triggers import T1
from tests.use_cases.flags.flag_stores import dotenv_store, flagd_store
from tests.use_cases.flags.rollout_world import BALANCE, NOW, SIGNATURE, RolloutWorld, rollout_world

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.errors import LedgerInvariantError, NotificationFailed, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.use_cases.flags.flag_comparison import compare_flags
from ledger_guard.use_cases.flags.flag_reminders import watch_and_remind
from ledger_guard.use_cases.flags.freeze import freeze
from ledger_guard.use_cases.flags.override_freeze import override_freeze
from ledger_guard.use_cases.flags.watch_flags import watch_flags
from ledger_guard.use_cases.reports.report import incident_report

LOUD = "FLAG ENABLED DURING A FREEZE · watch_flags · ledger_enforce_balance"


@pytest.fixture(
    params=[
        "memory",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("postgres, guard state apart", marks=pytest.mark.postgres),
    ]
)
def world(request) -> RolloutWorld:
    """Enforcement is on for everyone; nothing was compared yet."""
    if request.param == "postgres":
        return request.getfixturevalue("stored_world")
    if request.param != "memory":
        stored = request.getfixturevalue("stored_world")
        apart = ConnectionSettings.parse(request.getfixturevalue("second_database_uri"), "ledger_guard_db")
        stored.deps = replace(stored.deps, state=PostgresGuardState(apart))
        return stored.healthy()
    world = rollout_world()
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    return world


@pytest.fixture
def memory() -> RolloutWorld:
    world = rollout_world()
    world.memory.flags.put(BALANCE, EVERYWHERE, True)
    return world


def check(world: RolloutWorld, **passed: float) -> list[str]:
    """One health check, so much later."""
    world.memory.wall_clock.advance(timedelta(**passed or {"minutes": 5}))
    return watch_flags(world.deps)


def put(world: RolloutWorld, scope: str, value: bool, by: str = "mallory", flag: str = BALANCE) -> None:
    """Past the guard, as anyone with access to the store could."""
    states = [world.deps.flags.get(flag, scope)]
    world.deps.flags.compare_and_set_all(states, value, by, "by hand")


def rolled_back(world: RolloutWorld) -> str:
    """Compared, then rolled back and frozen by the guard."""
    watch_flags(world.deps)
    incident = world.incident(T1)
    world.approved_roll_back(incident)
    return incident


def notices(world: RolloutWorld) -> list:
    return [posted.notice for posted in world.memory.notifier.posted]


def test_the_first_sight_of_a_store_is_a_baseline_on_record_and_no_alarm(world):
    assert watch_flags(world.deps) == []
    (seen, other) = world.audit("watch_flags")
    assert seen["values"][EVERYWHERE] == "on"
    assert other == {"stage": "seen", "values": {}}
    assert check(world) == []
    assert len(world.audit("watch_flags")) == 2


def test_attack_a_flag_enabled_past_the_guard_during_a_freeze_is_told_within_one_check_and_again_until_it_ends(world):
    incident = rolled_back(world)
    put(world, EVERYWHERE, True)
    (first,) = check(world)
    assert "ledger_enforce_balance was enabled past the guard for everyone during a freeze, noticed 2026-03-02T03:05:00Z" in first
    told = notices(world)[-1]
    assert (told.title, told.is_loud, told.mention, told.incident_id) == (LOUD, True, "<!here>", incident)
    assert 'by "mallory"' in dict(told.facts)["Who"]
    assert check(world, minutes=14) == []
    (again,) = check(world, minutes=1)
    assert "for 15 min now" in again
    put(world, EVERYWHERE, False)
    over, also = check(world)
    assert "during a freeze, is off again. It lasted 20 min" in over
    assert "on → off" in also
    assert check(world, hours=5) == []


def test_a_change_that_breaks_no_freeze_is_told_once_and_stays_on_record(world):
    watch_flags(world.deps)
    put(world, EVERYWHERE, False)
    (said,) = check(world)
    assert "ledger_enforce_balance for everyone: on → off: past the guard" in said
    assert notices(world)[-1].is_loud is False
    assert check(world, hours=30) == []
    changed = world.audit("watch_flags")[-2]
    assert (changed["from_value"], changed["to_value"], changed["changed_by"]) == ("on", "off", "mallory")


def test_the_guards_own_rollback_and_restore_are_no_changes_past_it(world):
    incident = rolled_back(world)
    assert check(world) == []
    world.resolve(incident)
    world.answer(world.ask_to_restore(incident))
    world.restore(incident)
    assert check(world) == []


def test_a_tenants_own_value_that_appears_is_told(world):
    watch_flags(world.deps)
    put(world, "tenant-b", False)
    (said,) = check(world)
    assert "for tenant tenant-b: not set → off" in said


def test_a_tenants_own_value_that_vanishes_during_a_freeze_enables_it(memory):
    watch_flags(memory.deps)
    memory.approved_roll_back(memory.incident(), BALANCE, "tenant-a")
    memory.memory.flags.remove(BALANCE, "tenant-a")
    (said,) = check(memory)
    assert "enabled past the guard for tenant tenant-a during a freeze" in said
    assert "off → not set" in dict(notices(memory)[-1].facts)["Change"]


def test_a_tenants_value_that_vanishes_and_changes_nothing_for_it_is_told_once(memory):
    memory.memory.flags.put(BALANCE, "tenant-a", True)
    watch_flags(memory.deps)
    memory.memory.flags.remove(BALANCE, "tenant-a")
    freeze(memory.deps, BALANCE, EVERYWHERE, None, "drift", "oncall")
    (said,) = check(memory)
    assert "for tenant tenant-a: on → not set" in said
    assert check(memory, minutes=20) == []


@pytest.mark.parametrize(
    ("frozen", "enabled", "is_loud"),
    [
        pytest.param(EVERYWHERE, "tenant-b", True, id="everyone is frozen, a tenant is enabled"),
        pytest.param("tenant-b", EVERYWHERE, True, id="a tenant is frozen, everyone is enabled"),
        pytest.param("tenant-b", "tenant-b", True, id="the tenant itself"),
        pytest.param("tenant-b", "tenant-c", False, id="another tenant"),
    ],
)
def test_a_freeze_is_broken_by_whatever_it_covers(memory, frozen, enabled, is_loud):
    memory.memory.flags.put(BALANCE, EVERYWHERE, False)
    watch_flags(memory.deps)
    freeze(memory.deps, BALANCE, frozen, None, "drift", "oncall")
    put(memory, enabled, True)
    assert len(check(memory)) == 1
    assert notices(memory)[-1].is_loud is is_loud


def test_a_flag_that_was_on_when_it_was_frozen_breaks_no_freeze(memory):
    freeze(memory.deps, BALANCE, EVERYWHERE, None, "drift", "oncall")
    assert watch_flags(memory.deps) == []
    put(memory, "tenant-a", True)
    (said,) = check(memory)
    assert "not set → on" in said
    assert notices(memory)[-1].is_loud is False


def test_a_flag_enabled_before_it_was_frozen_breaks_no_freeze(memory):
    memory.memory.flags.put(BALANCE, EVERYWHERE, False)
    watch_flags(memory.deps)
    put(memory, EVERYWHERE, True)
    check(memory)
    freeze(memory.deps, BALANCE, EVERYWHERE, None, "drift", "oncall")
    assert check(memory, minutes=20) == []


def test_an_override_on_record_is_no_alarm_and_what_outlasts_it_is_one(memory):
    memory.memory.flags.put(BALANCE, EVERYWHERE, False)
    watch_flags(memory.deps)
    freeze(memory.deps, BALANCE, EVERYWHERE, None, "drift", "oncall")
    override_freeze(memory.deps, BALANCE, "tenant-a", 1, "the pilot goes on", "payments-lead")
    put(memory, "tenant-a", True)
    check(memory)
    assert notices(memory)[-1].is_loud is False
    assert check(memory, minutes=54) == []
    assert len(check(memory, minutes=1)) == 1
    assert notices(memory)[-1].title == LOUD


def test_an_override_that_is_granted_later_ends_the_alarm(memory):
    memory.memory.flags.put(BALANCE, EVERYWHERE, False)
    watch_flags(memory.deps)
    freeze(memory.deps, BALANCE, EVERYWHERE, None, "drift", "oncall")
    put(memory, "tenant-a", True)
    check(memory)
    override_freeze(memory.deps, BALANCE, "tenant-a", 1, "the pilot goes on", "payments-lead")
    (over,) = check(memory)
    assert "has an override by payments-lead until 2026-03-02T04:05:00Z on record" in over


def test_a_recorded_restore_ends_the_alarm(memory):
    incident = rolled_back(memory)
    put(memory, EVERYWHERE, True)
    check(memory)
    memory.resolve(incident)
    memory.answer(memory.ask_to_restore(incident))
    memory.restore(incident)
    (over,) = check(memory)
    assert "was restored on record, approved by payments-lead" in over
    assert check(memory, hours=30) == []


def test_a_flag_that_is_no_longer_known_to_be_off_during_a_freeze_is_as_loud(memory, monkeypatch):
    rolled_back(memory)
    partly = replace(memory.deps.flags.get(BALANCE, EVERYWHERE), is_enabled=None, not_known_because="on for a part")
    monkeypatch.setattr(memory.memory.flags, "scopes", lambda _: [])
    monkeypatch.setattr(memory.memory.flags, "get", lambda flag, tenant: replace(partly, flag=flag))
    (said, *_) = check(memory)
    assert said.startswith("ledger_enforce_balance is no longer known to be safe for everyone during a freeze")
    assert "(on for a part)" in dict(notices(memory)[0].facts)["Change"]


def test_attack_a_flag_that_was_enabled_before_anything_was_ever_compared_is_held_against_the_guards_own_rollback(world):
    world.approved_roll_back(world.incident(T1))
    put(world, EVERYWHERE, True)
    (said,) = check(world)
    assert "was enabled past the guard for everyone during a freeze" in said


# --- what the guard itself does ---------------------------------------------------------------------------------------


def test_a_write_of_the_guard_that_was_killed_before_its_record_is_its_own(world, monkeypatch):
    watch_flags(world.deps)
    incident = world.incident(T1)
    world.answer(world.ask_to_roll_back(incident))
    with monkeypatch.context() as killed:
        killed.setattr("ledger_guard.use_cases.flags.roll_back._RollBack.settle", _killed)
        with pytest.raises(KeyboardInterrupt):
            world.roll_back(incident)
    assert world.deps.flags.effective(BALANCE, EVERYWHERE) is False
    assert check(world) == []
    assert check(world, hours=30) == []
    world.roll_back(incident)
    assert check(world) == []


def _killed(*_):
    raise KeyboardInterrupt


def test_a_write_in_progress_is_the_guards_own_even_while_the_store_keeps_no_reason_yet(memory, monkeypatch):
    watch_flags(memory.deps)
    incident = memory.incident(T1)
    memory.answer(memory.ask_to_roll_back(incident))
    with monkeypatch.context() as killed:
        killed.setattr("ledger_guard.adapters.memory.flags.InMemoryFlagStore.compare_and_set_all", _killed)
        with pytest.raises(KeyboardInterrupt):
            memory.roll_back(incident)
    memory.memory.flags.put(BALANCE, EVERYWHERE, False, "changed in Unleash by a token")
    assert check(memory, minutes=60) == []
    assert len(check(memory, minutes=1)) == 1


def test_what_an_announced_write_does_not_name_is_not_its_own(memory, monkeypatch):
    watch_flags(memory.deps)
    incident = memory.incident(T1)
    memory.answer(memory.ask_to_roll_back(incident))
    with monkeypatch.context() as killed:
        killed.setattr("ledger_guard.adapters.memory.flags.InMemoryFlagStore.compare_and_set_all", _killed)
        with pytest.raises(KeyboardInterrupt):
            memory.roll_back(incident)
    memory.memory.flags.put(BALANCE, "tenant-c", False)
    assert len(check(memory)) == 1


@pytest.mark.parametrize("is_stale", [pytest.param(True, id="after the look"), pytest.param(False, id="before the look")])
def test_a_write_of_the_guard_while_flags_are_compared_is_looked_at_again(memory, monkeypatch, is_stale):
    """What was read before the guard wrote would look like a flag enabled after its rollback."""
    memory.memory.flags.put(BALANCE, EVERYWHERE, False)
    watch_flags(memory.deps)
    memory.memory.flags.put(BALANCE, EVERYWHERE, True)
    incident, scopes = memory.incident(T1), memory.memory.flags.scopes
    memory.answer(memory.ask_to_roll_back(incident))
    todo = [incident]

    def while_the_guard_writes(flag):
        found = scopes(flag)
        if flag == BALANCE and todo:
            waiting = todo.pop()
            memory.roll_back(waiting)
        return found if is_stale else scopes(flag)

    monkeypatch.setattr(memory.memory.flags, "scopes", while_the_guard_writes)
    memory.memory.wall_clock.advance(timedelta(minutes=1))
    before = len(memory.audit("watch_flags"))
    assert watch_flags(memory.deps) == []
    assert len(memory.audit("watch_flags")) == before


# --- stores that do not answer, clocks, channels ----------------------------------------------------------------------


def _away(monkeypatch, world, error: Exception) -> None:
    def away(_):
        raise error

    monkeypatch.setattr(world.memory.flags, "scopes", away)


@pytest.mark.parametrize(
    "error", [SourceUnavailable("flags: away"), LedgerInvariantError("flags: two rows")], ids=["away", "broken"]
)
def test_a_store_that_can_not_be_read_is_unknown_and_compared_when_it_answers_again(memory, monkeypatch, error):
    watch_flags(memory.deps)
    put(memory, EVERYWHERE, False)
    with monkeypatch.context() as outage:
        _away(outage, memory, error)
        assert check(memory) == []
        assert "can't be compared with the guard's record since 2026-03-02T03:05:00Z: flags: " in check(memory, minutes=10)[0]
        assert check(memory, hours=3) == []
    (said,) = check(memory)
    assert "on → off" in said
    assert [entry["stage"] for entry in memory.audit("watch_flags")].count("not_read") == 2


def test_a_frozen_flag_that_can_not_be_read_is_told_at_once(memory, monkeypatch):
    rolled_back(memory)
    _away(monkeypatch, memory, LedgerInvariantError("flags: two rows"))
    (said,) = check(memory)
    assert "What is done to it past the guard is not noticed meanwhile" in said


def test_an_outage_does_not_end_an_alarm(memory, monkeypatch):
    rolled_back(memory)
    put(memory, EVERYWHERE, True)
    check(memory)
    _away(monkeypatch, memory, SourceUnavailable("flags: away"))
    again = check(memory, minutes=15)
    assert "during a freeze" in again[0]
    assert "the last known value counts" in dict(notices(memory)[-2].facts)["Not read"]


def test_what_the_channel_does_not_take_is_on_record_and_told_by_the_next_check(memory):
    rolled_back(memory)
    put(memory, EVERYWHERE, True)
    memory.memory.notifier.break_down("is down")
    with pytest.raises(NotificationFailed, match="is down"):
        check(memory)
    assert memory.audit("watch_flags")[-1]["stage"] == "changed"
    memory.memory.notifier.recover()
    assert len(check(memory)) == 1


def test_reminders_are_sent_though_the_alarm_could_not_be(memory, monkeypatch):
    rolled_back(memory)
    memory.memory.wall_clock.advance(timedelta(hours=24))

    def fails(_):
        raise NotificationFailed("slack: is down")

    monkeypatch.setattr("ledger_guard.use_cases.flags.flag_reminders.watch_flags", fails)
    with pytest.raises(NotificationFailed, match="is down"):
        watch_and_remind(memory.deps)
    assert "has been off for everyone for 24 h" in notices(memory)[-1].summary


def test_a_clock_that_goes_back_silences_no_alarm(memory):
    rolled_back(memory)
    put(memory, EVERYWHERE, True)
    check(memory)
    assert len(check(memory, hours=-2)) == 1


@pytest.mark.parametrize("at", [NOW - timedelta(days=900), NOW + timedelta(days=900)], ids=["long ago", "to come"])
def test_the_time_that_a_store_claims_decides_nothing(memory, at: datetime):
    rolled_back(memory)
    memory.memory.flags.put(BALANCE, EVERYWHERE, True, by="mallory", at=at)
    check(memory)
    assert notices(memory)[-1].title == LOUD
    assert f"at {at:%Y-%m-%dT%H:%M:%SZ}, by the store's own account" in dict(notices(memory)[-1].facts)["Who"]


def test_a_store_that_does_not_know_who_changed_it_says_so(memory):
    watch_flags(memory.deps)
    memory.memory.flags.put(BALANCE, EVERYWHERE, False)
    check(memory)
    assert "by whom and when: the store does not know" in notices(memory)[-1].facts[0][1]


@pytest.mark.parametrize(
    "scope", ["", "%", "no such tenant", "a\nb\x00", "x" * 100_000, "\ud800", "<!channel>"], ids=lambda scope: repr(scope)[:12]
)
def test_a_scope_that_can_name_no_tenant_is_told_too(world, scope):
    if world.deps.flags is not world.memory.flags:
        world.deps = replace(world.deps, flags=world.memory.flags)
    watch_flags(world.deps)
    world.memory.flags.put(BALANCE, scope, True, by=f"who\x00{scope}")
    assert len(check(world)) == 1
    assert check(world) == []
    world.memory.flags.remove(BALANCE, scope)
    assert len(check(world)) == 1


def test_many_scopes_that_change_alike_are_one_entry_and_one_notice(memory):
    watch_flags(memory.deps)
    for number in range(500):
        memory.memory.flags.put(BALANCE, f"tenant-{number:03}", False)
    (said,) = check(memory)
    assert "tenants tenant-000, tenant-001" in said
    assert "and 490 more" in said
    assert [entry["stage"] for entry in memory.audit("watch_flags")] == ["seen", "seen", "changed", "told"]


def test_an_incidents_report_shows_what_changed_past_the_guard(world):
    incident = rolled_back(world)
    put(world, EVERYWHERE, True)
    check(world)
    report = incident_report(world.deps, incident)
    assert "## Changed past the guard" in report
    assert "off → on" in report


def test_each_flag_is_compared_for_itself(memory):
    watch_flags(memory.deps)
    put(memory, EVERYWHERE, True, flag=SIGNATURE)
    (said,) = check(memory)
    assert said.startswith("webhook_signature_enforced for everyone: not set → on")


def _by_hand(folder, store, before: str, after: str):
    path = folder / store
    path.write_text(path.read_text().replace(before, after))


@pytest.mark.parametrize(
    ("opened", "file", "before", "after"),
    [
        pytest.param(dotenv_store, ".env", "BALANCE=False", "BALANCE=True", id="dotenv"),
        pytest.param(flagd_store, "flags.json", '"defaultVariant": "off"', '"defaultVariant": "on"', id="flagd"),
    ],
)
def test_a_file_that_somebody_edits_during_a_freeze_is_told_without_a_name(memory, tmp_path, opened, file, before, after):
    store = opened(tmp_path)
    store.compare_and_set_all([store.get(BALANCE, EVERYWHERE)], True, "somebody", "rollout")
    memory.deps = replace(memory.deps, flags=store)
    rolled_back(memory)
    assert check(memory) == []
    _by_hand(tmp_path, file, before, after)
    (said,) = check(memory)
    assert "was enabled past the guard for everyone during a freeze" in said
    assert dict(notices(memory)[-1].facts)["Who"] == "by whom and when: the store does not know"


def test_a_line_that_somebody_deletes_from_a_file_is_no_longer_known_to_be_off(memory, tmp_path):
    store = dotenv_store(tmp_path)
    store.compare_and_set_all([store.get(BALANCE, EVERYWHERE)], True, "somebody", "rollout")
    memory.deps = replace(memory.deps, flags=store)
    rolled_back(memory)
    _by_hand(tmp_path, ".env", "LEDGER_ENFORCE_BALANCE=False", "")
    (said,) = check(memory)
    assert "is no longer known to be safe for everyone during a freeze" in said


@pytest.mark.postgres
def test_checks_that_run_at_once_record_a_change_once(stored_world):
    compare_flags(stored_world.deps)
    put(stored_world, EVERYWHERE, False)
    together = threading.Barrier(4)

    def compare() -> None:
        together.wait()
        compare_flags(stored_world.deps)

    threads = [threading.Thread(target=compare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry["stage"] for entry in stored_world.audit("watch_flags")].count("changed") == 1
