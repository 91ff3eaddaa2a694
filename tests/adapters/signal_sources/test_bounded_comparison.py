"""A comparison of balances has a bound of its own: longer than other statements may take, never longer than the policy says."""

from __future__ import annotations

import pytest
from incremental_worlds import FIRST, USUAL, events
from tests.triggers import T3

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.signal_sources.balance_comparison import BalanceComparisonSource
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.policy.sources import Incremental

pytestmark = pytest.mark.postgres

#: the platform's bound for every other statement
OTHERS = 1
#: every reading of the ledger takes longer than that
SLOW_LEDGER = """
    create view slow_ledger as
    select ledger.* from (select pg_sleep(1.2) as slept offset 0) as asleep cross join ledgertransaction ledger
"""


@pytest.fixture
def slow(settings, policy, rows):
    """A source over a platform whose ledger is slow to read, by how many seconds a comparison may take."""
    rows.player("a", "p1", 10.0, 0)
    rows.wallet("a", "p1", 9.0, 0)
    rows.movement("a", "p1", "credit", 10.0, type="wallet", status="manual_credit")
    rows.run(SLOW_LEDGER)
    ledger = policy.platform.ledger.model_copy(update={"table": "slow_ledger"})
    mapped = policy.platform.model_copy(update={"ledger": ledger, "statement_timeout_seconds": OTHERS})

    def allowed(most_seconds: int, incremental: Incremental | None = None) -> BalanceComparisonSource:
        return BalanceComparisonSource(settings, mapped, SettableClock(FIRST.end), incremental, most_seconds)

    return allowed


def test_a_comparison_may_take_longer_than_other_statements(slow):
    assert events(slow(60).readings(T3, FIRST, FIRST)) == {"a": (1, 1)}


def test_one_that_takes_longer_than_allowed_is_ended_and_says_what_bounds_it(slow):
    with pytest.raises(
        SourceUnavailable, match=r"comparing all players was ended .*; allowed: 1 s, `most_seconds` of the source"
    ):
        slow(1).readings(T3, FIRST, FIRST)


@pytest.mark.parametrize("incremental", [None, USUAL], ids=["whole", "going on from the one before"])
def test_the_window_of_one_that_was_ended_has_no_readings(slow, incremental):
    with pytest.raises(SourceUnavailable):
        slow(1, incremental).compare(T3, FIRST, None)
