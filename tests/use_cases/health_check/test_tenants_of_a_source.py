"""Tenants that the platform does not have make no rows; tenants that it has and that go dark are told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from health_worlds import LENGTH, NOON, deliver, reading, window, world_at
from tests.triggers import T1, T3

from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.errors import NotificationFailed, SourceUnavailable
from ledger_guard.domain.guard_alerts import GuardAlertKind
from ledger_guard.domain.verdicts import Severity
from ledger_guard.use_cases.approvals.held_up import held_up, tell_held_up
from ledger_guard.use_cases.health_check.classify import classify
from ledger_guard.use_cases.health_check.oddities import dark_sentences, tell_dark
from ledger_guard.use_cases.health_check.sense import sense

RATE = {"a": (1, 30), "b": (0, 20)}


class Platform:
    """Whom the platform says it has, and how often it was asked."""

    def __init__(self, *tenants):
        self.tenants, self.asked, self.is_away = list(tenants), 0, False

    def tenant_ids(self):
        self.asked += 1
        if self.is_away:
            raise SourceUnavailable("database ledger: connection refused")
        return self.tenants


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request):
    """Six windows of tenants a and b, which the platform has; nothing is sensed yet."""
    found = world_at(window(6).start)
    deliver(found, T1, range(6), RATE)
    state = found.state if request.param == "memory" else PostgresGuardState(request.getfixturevalue("settings_of_guard_state"))
    return replace(found, deps=replace(found.deps, state=state, ledger=Platform("a", "b")))


@pytest.fixture
def settings_of_guard_state(database_uri):
    from ledger_guard.adapters.postgres.connection import ConnectionSettings

    return ConnectionSettings.parse(database_uri, "ledger_guard_db")


def next_window(world, number, rates, seconds=0):
    deliver(world, T1, range(number, number + 1), rates)
    world.clock.advance(window(number + 1).start + timedelta(seconds=seconds) - world.clock.now())
    world.wall_clock.advance(LENGTH)
    return sense(world.deps, T1)


def tenants_at(world, number):
    with world.deps.state.transaction() as state:
        return [each.tenant_id for each in state.readings.readings(T1, window(number).start, window(number).end)]


def apart(world):
    with world.deps.state.transaction() as state:
        return [(each.tenants, each.events, each.exposure) for each in state.tenants.apart(T1, NOON, NOON + timedelta(days=1))]


def test_invented_tenants_become_one_count_and_neither_readings_nor_verdicts(world):
    sense(world.deps, T1)
    invented = {f"invented-{number}": (5, 5) for number in range(500)}
    next_window(world, 6, {**RATE, **invented})
    assert tenants_at(world, 6) == ["a", "b"]
    assert apart(world) == [(500, 2500, 2500)]
    classify(world.deps, T1)
    with world.deps.state.transaction() as state:
        verdicts = state.verdicts.between(T1, NOON, NOON + timedelta(days=1))
    assert {each.tenant_id for each in verdicts} == {"a", "b"}


def test_people_are_told_of_them_once(world):
    sense(world.deps, T1)
    for number in range(6, 9):
        next_window(world, number, {**RATE, f"invented-{number}": (0, 5)})
        tell_held_up(world.deps)
    (posted,) = world.notifier.posted
    assert posted.notice.title == "watch · T1 · unknown_tenants"
    assert posted.notice.summary.startswith("T1: 5 requests of 1 tenants that the platform does not have")
    with world.deps.state.transaction() as state:
        assert held_up(world.deps, state) == []


def test_after_a_day_without_any_they_are_told_of_again(world):
    sense(world.deps, T1)
    for number in (6, 7, 8):
        next_window(world, number, RATE if number == 7 else {**RATE, "invented": (0, 5)})
        tell_held_up(world.deps)
        if number == 6:
            world.wall_clock.advance(timedelta(days=1))
    assert len(world.notifier.posted) == 2


def test_a_new_tenant_counts_from_its_first_window_on(world):
    sense(world.deps, T1)
    world.deps.ledger.tenants.append("new")
    next_window(world, 6, {**RATE, "new": (0, 5)})
    assert tenants_at(world, 6) == ["a", "b", "new"]
    assert apart(world) == []


def test_the_platform_is_asked_only_when_someone_unknown_shows_and_once_a_check(world):
    sense(world.deps, T1)
    assert world.deps.ledger.asked == 1
    next_window(world, 6, RATE)
    assert world.deps.ledger.asked == 1
    next_window(world, 7, {**RATE, "x": (0, 1), "y": (0, 1)})
    assert world.deps.ledger.asked == 2


def test_while_the_platform_is_away_its_last_list_holds_and_a_new_tenant_counts_once_it_is_back(world):
    sense(world.deps, T1)
    world.deps.ledger.tenants.append("new")
    world.deps.ledger.is_away = True
    next_window(world, 6, {**RATE, "new": (0, 5)})
    assert (tenants_at(world, 6), apart(world)) == (["a", "b"], [(1, 0, 5)])
    world.deps.ledger.is_away = False
    assert next_window(world, 7, {**RATE, "new": (0, 5)}).revised == 1
    assert (tenants_at(world, 6), apart(world)) == (["a", "b", "new"], [])


@pytest.mark.parametrize("why", ["away", "names nobody"])
def test_without_any_list_everyone_counts(world, why):
    world.deps.ledger.tenants.clear()
    world.deps.ledger.is_away = why == "away"
    sense(world.deps, T1)
    next_window(world, 6, {**RATE, "x": (0, 1)})
    assert tenants_at(world, 6) == ["a", "b", "x"]


def test_a_source_that_names_every_tenant_otherwise_is_no_data_and_never_quiet(world):
    sense(world.deps, T1)
    outcome = next_window(world, 6, {"Casino A": (9, 30), "Casino B": (9, 30)})
    assert outcome.no_data == 1
    with world.deps.state.transaction() as state:
        (sensed,) = state.readings.windows(T1, window(6).start, window(6).end)
    assert "data are missing; 60 requests of 2 tenants that the platform does not have" in sensed.reason


def test_players_that_are_compared_are_the_platforms_own(world):
    world.signals.deliver([reading(T3, "elsewhere", 5, 0, 100)])
    world.signals.complete(T3, window(6).start)
    sense(world.deps, T3)
    assert world.deps.ledger.asked == 0
    with world.deps.state.transaction() as state:
        assert [each.tenant_id for each in state.readings.readings(T3, NOON, window(6).start)] == ["elsewhere"]


BUSY = {"a": (1, 30), "b": (0, 40)}


@pytest.fixture
def busy(world):
    """Both tenants had twelve busy windows."""
    deliver(world, T1, range(12), BUSY)
    world.clock.advance(window(12).start - world.clock.now())
    sense(world.deps, T1)
    return world


def dark(world):
    with world.deps.state.transaction() as state:
        return [(each.tenant_id, (each.since - NOON) // LENGTH, each.usual) for each in state.tenants.dark(T1)]


def test_a_tenant_that_goes_dark_has_no_data_while_others_are_judged_and_people_are_told_once(busy):
    for number, known in ((12, []), (13, [("b", 12, 40)]), (14, [("b", 12, 40)])):
        assert next_window(busy, number, {"a": (1, 30)}).no_data == 0
        assert dark(busy) == known
        tell_dark(busy.deps)
    (posted,) = busy.notifier.posted
    assert posted.notice.title == "watch · T1 insufficient_funds · dark"
    assert posted.notice.summary == (
        "T1: no request of 1 tenant arrives any more: b since 2026-03-01T13:00:00Z (usually 40 or more)."
    )
    classify(busy.deps, T1)
    with busy.deps.state.transaction() as state:
        newest = {each.tenant_id: each.severity for each in state.verdicts.between(T1, window(14).start, window(14).end)}
        assert dark_sentences(busy.deps, state) == ["T1: no request arrives any more of b."]
    assert newest["b"] is Severity.NO_DATA
    assert newest["a"] is not Severity.NO_DATA


def test_zeros_of_a_metrics_server_are_as_dark_as_no_row(busy):
    for number in (12, 13):
        next_window(busy, number, {"a": (1, 30), "b": (0, 0)})
    assert dark(busy) == [("b", 12, 40)]
    classify(busy.deps, T1)
    with busy.deps.state.transaction() as state:
        newest = {each.tenant_id: each.severity for each in state.verdicts.between(T1, window(13).start, window(13).end)}
    assert newest["b"] in (Severity.NO_DATA, Severity.INSUFFICIENT)


def test_it_stays_dark_for_hours_and_is_over_with_its_first_request(busy):
    for number in range(12, 12 + 30):
        next_window(busy, number, {"a": (1, 30)})
    assert [tenant for tenant, *_ in dark(busy)] == ["b"]
    next_window(busy, 42, {"a": (1, 30), "b": (0, 1)})
    assert dark(busy) == []


@pytest.mark.parametrize("hours", [1, 3, 9])
def test_a_tenant_that_went_dark_while_no_check_ran_is_found_by_the_first_that_does(busy, hours):
    deliver(busy, T1, range(12, 15), BUSY)
    deliver(busy, T1, range(15, 15 + hours * 12), {"a": (1, 30)})
    busy.clock.advance(timedelta(hours=hours, minutes=15))
    sense(busy.deps, T1)
    assert dark(busy) == [("b", 15, 40)]


def test_a_tenant_that_was_dark_and_is_back_when_checks_go_on_is_not_told(busy):
    deliver(busy, T1, range(12, 60), {"a": (1, 30)})
    deliver(busy, T1, range(60, 84), BUSY)
    busy.clock.advance(timedelta(hours=6))
    sense(busy.deps, T1)
    assert dark(busy) == []


@pytest.mark.parametrize(("empty", "is_dark"), [(7, False), (8, True)])
def test_a_tenant_is_dark_after_the_policys_time_however_long_that_is(busy, empty, is_dark):
    sensing = busy.deps.policy.sensing.model_copy(update={"blind_after_minutes": 40})
    busy = replace(busy, deps=replace(busy.deps, policy=busy.deps.policy.model_copy(update={"sensing": sensing})))
    for number in range(12, 12 + empty):
        next_window(busy, number, {"a": (1, 30)})
    assert bool(dark(busy)) is is_dark


def test_a_tenant_that_the_platform_no_longer_has_is_not_dark(busy):
    for number in (12, 13):
        next_window(busy, number, {"a": (1, 30)})
    busy.deps.ledger.tenants.remove("b")
    next_window(busy, 14, {"a": (1, 30), "invented": (0, 1)})
    assert dark(busy) == []


def test_what_could_not_be_posted_is_told_by_the_next_check(busy):
    for number in (12, 13):
        next_window(busy, number, {"a": (1, 30)})
    busy.notifier.break_down("the channel is away")
    with pytest.raises(NotificationFailed):
        tell_dark(busy.deps)
    busy.notifier.recover()
    assert len(tell_dark(busy.deps)) == 1


def test_unknown_tenants_are_an_alert_of_their_own_kind(world):
    sense(world.deps, T1)
    next_window(world, 6, {**RATE, "x": (0, 1)})
    with world.deps.state.transaction() as state:
        assert [each.kind for each in state.guard_alerts.standing()] == [GuardAlertKind.UNKNOWN_TENANTS]
