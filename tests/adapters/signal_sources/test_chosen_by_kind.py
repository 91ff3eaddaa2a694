"""The policy's kinds choose the adapters: each kind of source, channel and flag store that it may name is built."""

from __future__ import annotations

import typing
from datetime import timedelta

import pytest
from pydantic import BaseModel
from tests.triggers import T1, T2, T3

from ledger_guard import wiring
from ledger_guard.adapters.clocks.system import SystemClock
from ledger_guard.adapters.notifiers.several import SeveralNotifiers
from ledger_guard.adapters.notifiers.slack import SlackNotifier
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.signal_sources.access_events import AccessEventSource
from ledger_guard.adapters.signal_sources.balance_comparison import BalanceComparisonSource
from ledger_guard.adapters.signal_sources.by_trigger import SourcesByTrigger
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.windows import Window
from ledger_guard.policy.flag_store import FlagStoreSection
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.notification import ChannelSection, Notification, SlackChannel
from ledger_guard.policy.sources import SourceSection

NOWHERE = ConnectionSettings.parse("postgresql://nobody@127.0.0.1:1/none", "ledger_db")
POLICY = load_policy()


def kinds(section) -> set[str]:
    """The words that a section of several kinds, or of one, may have."""
    if isinstance(section, type) and issubclass(section, BaseModel):
        return set(typing.get_args(section.model_fields["kind"].annotation))
    found = typing.get_args(section)
    return set().union(*(kinds(each) for each in found if isinstance(each, type) or typing.get_args(each)))


def test_every_kind_that_the_policy_may_name_is_built():
    assert set(wiring._SOURCES) == kinds(SourceSection) == {"access_events", "balance_comparison", "prometheus", "sql"}
    assert set(wiring._NOTIFIERS) == kinds(ChannelSection) == {"slack"}
    assert set(wiring._FLAG_STORES) == kinds(FlagStoreSection) == {"postgres", "dotenv", "http", "flagd", "unleash"}


def test_each_trigger_gets_the_source_that_it_names():
    sources = wiring.signal_sources(NOWHERE, NOWHERE, POLICY, SystemClock())._sources
    assert {trigger: type(source) for trigger, source in sources.items()} == {
        T1: AccessEventSource,
        T2: AccessEventSource,
        T3: BalanceComparisonSource,
    }


def test_a_trigger_without_a_source_is_refused_with_those_that_have_one():
    window = Window.containing(SystemClock().now(), timedelta(minutes=5))
    sources = SourcesByTrigger({T1: AccessEventSource(NOWHERE, POLICY.access_events()[T1], POLICY.sensing.most_unreadable_share)})
    for ask in (lambda: sources.complete_through(T3), lambda: sources.readings(T3, window, window)):
        with pytest.raises(BadInputError, match="trigger: T3 has no source; allowed: T1"):
            ask()


def test_one_channel_is_used_directly_and_two_as_several():
    one = POLICY.notification
    two = Notification(channels=(*one.channels, SlackChannel(kind="slack", channel="#auditors")))
    assert isinstance(wiring.notifier(POLICY), SlackNotifier)
    assert isinstance(wiring.notifier(POLICY.model_copy(update={"notification": two})), SeveralNotifiers)
    assert (one.places, two.places) == ("#ledger-ops", "#ledger-ops, #auditors")
