"""What every ReadingStore promises."""

from __future__ import annotations

import pytest
from tests.adapters.guard_state.samples import NOON, a_blind_window, a_reading, a_sensed_window, a_window
from tests.triggers import T1, T2

from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.money import MOST_CENTS
from ledger_guard.domain.signals import MoneyAtRisk, WindowState
from ledger_guard.ports.guard_state import GuardState


def record(state: GuardState, windows, readings) -> int:
    with state.transaction() as transaction:
        return transaction.readings.record(windows, readings)


def everything(state: GuardState):
    with state.transaction() as transaction:
        start, end = a_window(-100).start, a_window(100).start
        return transaction.readings.windows(T1, start, end), transaction.readings.readings(T1, start, end)


def test_nothing_was_sensed_at_first(state):
    with state.transaction() as transaction:
        assert transaction.readings.sensed_through(T1) is None
    assert everything(state) == ([], [])


def test_sensed_through_is_the_end_of_the_newest_window_whatever_its_state(state):
    record(state, [a_sensed_window(1), a_blind_window(2), a_sensed_window(0)], [a_reading(0)])
    with state.transaction() as transaction:
        assert transaction.readings.sensed_through(T1) == a_window(2).end
        assert transaction.readings.sensed_through(T2) is None


def test_windows_and_readings_come_back_as_they_were_given_by_window_then_tenant(state):
    readings = [
        a_reading(1, "tenant-b"),
        a_reading(0, "tenant-b", events=120),
        a_reading(0, "T-z"),
        a_reading(0, "tenant_a"),
    ]
    windows = [a_sensed_window(1), a_sensed_window(0)]
    assert record(state, windows, readings) == 0
    assert everything(state) == (windows[::-1], [readings[2], readings[1], readings[3], readings[0]])


def test_a_range_holds_windows_that_begin_in_it_its_end_excluded(state):
    record(state, [a_sensed_window(n) for n in range(3)], [a_reading(n) for n in range(3)])
    with state.transaction() as transaction:
        windows = transaction.readings.windows(T1, a_window(1).start, a_window(2).start)
        readings = transaction.readings.readings(T1, a_window(1).start, a_window(2).start)
    assert (windows, readings) == ([a_sensed_window(1)], [a_reading(1)])


def test_storing_the_same_again_changes_nothing(state):
    windows, readings = [a_sensed_window(0), a_blind_window(1)], [a_reading(0), a_reading(0, "tenant-b")]
    record(state, windows, readings)
    before = everything(state)
    assert record(state, [a_sensed_window(0, sensed_at=a_window(9).start), a_blind_window(1)], readings[::-1]) == 0
    assert everything(state) == before


@pytest.mark.parametrize(
    "late",
    [
        pytest.param([a_reading(0, events=4), a_reading(0, "tenant-b")], id="a late numerator"),
        pytest.param([a_reading(0, exposure=101), a_reading(0, "tenant-b")], id="a late denominator"),
        pytest.param([a_reading(0, subjects=1), a_reading(0, "tenant-b")], id="other subjects"),
        pytest.param([a_reading(0), a_reading(0, "tenant-b"), a_reading(0, "tenant-c")], id="a tenant more"),
        pytest.param([a_reading(0)], id="a tenant less"),
        pytest.param([], id="no tenant left"),
    ],
)
def test_late_readings_replace_the_window_and_raise_its_revision(state, late):
    record(state, [a_sensed_window(0), a_sensed_window(1)], [a_reading(0), a_reading(0, "tenant-b"), a_reading(1)])
    again = a_sensed_window(0, sensed_at=a_window(5).start)
    assert record(state, [again, a_sensed_window(1)], [*late, a_reading(1)]) == 1
    windows, readings = everything(state)
    assert [(window.revision, window.sensed_at) for window in windows] == [(1, again.sensed_at), (0, NOON)]
    assert readings == [*late, a_reading(1)]


def test_a_window_without_data_becomes_complete_as_a_revision(state):
    record(state, [a_blind_window(0)], [])
    assert record(state, [a_sensed_window(0)], [a_reading(0)]) == 1
    windows, readings = everything(state)
    assert (windows[0].state, windows[0].reason, windows[0].revision) == (WindowState.COMPLETE, "", 1)
    assert readings == [a_reading(0)]


def test_a_complete_window_never_loses_its_data_again(state):
    record(state, [a_sensed_window(0)], [a_reading(0)])
    assert record(state, [a_blind_window(0)], []) == 0
    assert everything(state) == ([a_sensed_window(0)], [a_reading(0)])


def test_triggers_do_not_see_each_other(state):
    other = T2
    record(state, [a_sensed_window(0), a_sensed_window(0, trigger=other)], [a_reading(0), a_reading(0, trigger=other, events=9)])
    assert everything(state) == ([a_sensed_window(0)], [a_reading(0)])


@pytest.mark.parametrize(
    ("windows", "readings"),
    [
        pytest.param([a_sensed_window(0)], [a_reading(1)], id="of a window that is not given"),
        pytest.param([a_blind_window(0)], [a_reading(0)], id="of a window without data"),
        pytest.param([a_sensed_window(0)], [a_reading(0), a_reading(0)], id="given twice"),
    ],
)
def test_a_reading_that_can_not_be_right_is_refused(state, windows, readings):
    with pytest.raises(ValueError, match="reading"):
        record(state, windows, readings)
    assert everything(state) == ([], [])


def test_two_records_in_one_transaction_add_up(state):
    with state.transaction() as transaction:
        transaction.readings.record([a_sensed_window(0)], [a_reading(0)])
        transaction.readings.record([a_sensed_window(1)], [a_reading(1)])
    assert everything(state)[1] == [a_reading(0), a_reading(1)]


@pytest.mark.parametrize(
    "money",
    [
        pytest.param(None, id="not told"),
        pytest.param(MoneyAtRisk(0), id="nothing at risk"),
        pytest.param(MoneyAtRisk(1_240_000), id="refused requests"),
        pytest.param(MoneyAtRisk(1_240_000, 3), id="some without an amount"),
        pytest.param(MoneyAtRisk(None, 3), id="not known"),
        pytest.param(
            MoneyAtRisk(700, 1, {RowCause.MISSING: 700, RowCause.UNREADABLE: None}, a_window(-7).start), id="differing wallets"
        ),
        pytest.param(MoneyAtRisk(0, 0, {RowCause.MISSING: 0}, a_window(0).start), id="wallets that lack nothing"),
        pytest.param(MoneyAtRisk(MOST_CENTS), id="the most"),
    ],
)
def test_money_at_risk_comes_back_as_it_was_given(state, money):
    reading = a_reading(0, money=money)
    record(state, [a_sensed_window(0)], [reading])
    assert everything(state)[1] == [reading]


def test_money_alone_is_no_late_data(state):
    """Windows stored before money was summed are read again for an hour: that is no revision to be judged again."""
    record(state, [a_sensed_window(0)], [a_reading(0)])
    assert record(state, [a_sensed_window(0)], [a_reading(0, money=MoneyAtRisk(500))]) == 0
    assert everything(state) == ([a_sensed_window(0)], [a_reading(0)])


def test_late_data_bring_their_money(state):
    record(state, [a_sensed_window(0)], [a_reading(0, money=MoneyAtRisk(500))])
    late = a_reading(0, events=4, money=MoneyAtRisk(900, 1))
    assert record(state, [a_sensed_window(0)], [late]) == 1
    assert everything(state)[1] == [late]
