"""A source that is away or not as the policy maps it is SourceUnavailable, whatever the driver calls it."""

from datetime import timedelta

import pytest
from signal_worlds import NOON
from tests.triggers import T1, T3

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.memory.signals import InMemorySignalSource
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.windows import Window
from ledger_guard.wiring import signal_sources

WINDOW = Window(NOON - timedelta(minutes=5), timedelta(minutes=5))
NOWHERE = ConnectionSettings.parse("postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=2", "ledger_db")


def asked(signals, trigger):
    return [
        lambda: signals.complete_through(trigger),
        lambda: signals.readings(trigger, WINDOW, WINDOW),
        lambda: signals.unmeasurable(trigger, WINDOW, WINDOW),
    ]


def test_a_memory_source_that_went_away_answers_again_when_it_is_back(policy):
    signals = InMemorySignalSource(policy)
    signals.go_away("maintenance")
    for ask in asked(signals, T1):
        with pytest.raises(SourceUnavailable, match="maintenance"):
            ask()
    signals.come_back()
    assert signals.readings(T1, WINDOW, WINDOW) == []


@pytest.mark.parametrize("trigger", [T1, T3])
def test_a_server_that_does_not_answer(policy, trigger):
    signals = signal_sources(NOWHERE, NOWHERE, policy, SettableClock(NOON))
    for ask in asked(signals, trigger)[:2]:
        with pytest.raises(SourceUnavailable, match="nowhere"):
            ask()


@pytest.mark.postgres
def test_guard_state_that_is_not_migrated(empty_database_uri, policy):
    settings = ConnectionSettings.parse(empty_database_uri, "ledger_db")
    signals = signal_sources(settings, settings, policy, SettableClock(NOON))
    for ask in asked(signals, T1):
        with pytest.raises(SourceUnavailable, match="guard state: is not created yet"):
            ask()


@pytest.mark.postgres
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("alter table walletbalance rename to wallet_balances", id="no such table"),
        pytest.param("alter table player rename column balance_real_held to held", id="no such column"),
        pytest.param("alter table ledgertransaction drop column provider_ref cascade", id="no such ledger column"),
        pytest.param("alter table player alter column balance_real_available type text", id="column of another type"),
    ],
)
def test_a_platform_that_is_not_as_the_policy_maps_it(rows, settings, policy, damage):
    rows.run(damage)
    signals = signal_sources(settings, settings, policy, SettableClock(NOON))
    with pytest.raises(SourceUnavailable, match="the platform's balances"):
        signals.readings(T3, WINDOW, WINDOW)


@pytest.mark.postgres
def test_a_platform_table_that_may_not_be_read(rows, database_uri, policy):
    rows.run("drop role if exists blind_reader")
    rows.run("create role blind_reader login")
    settings = ConnectionSettings.parse(database_uri.replace("postgres@", "blind_reader@"), "x")
    try:
        signals = signal_sources(settings, settings, policy, SettableClock(NOON))
        with pytest.raises(SourceUnavailable, match="permission denied"):
            signals.complete_through(T3)
    finally:
        rows.run("drop role blind_reader")
