"""What every ComparisonStore promises."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from tests.adapters.guard_state.samples import NOON
from tests.triggers import T1, T3

from ledger_guard.domain.comparisons import LastComparison
from ledger_guard.domain.signals import Trigger
from ledger_guard.ports.guard_state import GuardState

LAST = LastComparison(
    window_end=NOON,
    whole_end=NOON,
    settings="words",
    place="here",
    oldest_open=2**40,
    deleted_rows=None,
    mismatched=frozenset({("a", "p1"), ("a", "p2"), ("b", "p1")}),
)


def last(state: GuardState, trigger: Trigger = T3) -> LastComparison | None:
    with state.transaction() as transaction:
        return transaction.comparisons.last(trigger)


def keep(state: GuardState, comparison: LastComparison, trigger: Trigger = T3) -> None:
    with state.transaction() as transaction:
        transaction.comparisons.keep(trigger, comparison)


def test_there_is_none_at_first(state):
    assert last(state) is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as it was"),
        pytest.param({"mismatched": frozenset()}, id="all are right"),
        pytest.param({"mismatched": frozenset({("b", "p1"), ("b", "p2")})}, id="one stays, one comes, two go"),
        pytest.param({"mismatched": frozenset(), "too_many": True, "deleted_rows": 5, "oldest_open": 2**40 + 9}, id="too many"),
    ],
)
def test_the_newest_takes_the_place_of_the_one_before(state, changes):
    keep(state, LAST)
    assert last(state) == LAST
    newer = replace(LAST, **changes)
    keep(state, newer)
    assert last(state) == newer


def test_each_trigger_has_its_own(state):
    keep(state, LAST)
    keep(state, replace(LAST, mismatched=frozenset()), T1)
    assert (last(state), last(state, T1)) == (LAST, replace(LAST, mismatched=frozenset()))


def test_what_is_rolled_back_was_never_kept(state):
    keep(state, LAST)
    with suppress(RuntimeError), state.transaction() as transaction:
        transaction.comparisons.keep(T3, replace(LAST, mismatched=frozenset({("c", "p9")})))
        raise RuntimeError
    assert last(state) == LAST
