"""When a comparison may go on from the one before, and whose turn it is."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.comparisons import MOST_TRANSACTIONS, LastComparison, PlatformMoment, WholeGrid, turn, why_whole
from ledger_guard.domain.windows import Window

FIVE = timedelta(minutes=5)
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
WINDOW = Window(NOON, FIVE)
GRID = WholeGrid(3, timedelta(hours=24))
NOW = PlatformMoment(place="here", has_versions=True, oldest_open=1_000, next_transaction=1_001, deleted_rows=7)
BEFORE = LastComparison(
    window_end=NOON,
    whole_end=NOON - timedelta(hours=5),
    settings="words",
    place="here",
    oldest_open=900,
    deleted_rows=7,
    mismatched=frozenset(),
)


def why(before: LastComparison | None = BEFORE, now: PlatformMoment = NOW, window: Window = WINDOW) -> str | None:
    return why_whole(before, window, now, "words", GRID)


def test_a_comparison_goes_on_from_that_of_the_window_before():
    assert why() is None


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param(None, {}, id="none before"),
        pytest.param({"window_end": NOON - FIVE}, {}, id="a window between"),
        pytest.param({"window_end": NOON + FIVE}, {}, id="the same window again"),
        pytest.param({"settings": "other words"}, {}, id="another policy"),
        pytest.param({}, {"place": "there"}, id="another database"),
        pytest.param({"too_many": True}, {}, id="not all were kept"),
        pytest.param({}, {"deleted_rows": 8}, id="rows deleted"),
        pytest.param({}, {"deleted_rows": 0}, id="counted anew after a crash"),
        pytest.param({}, {"deleted_rows": None}, id="told no more"),
        pytest.param({"deleted_rows": None}, {}, id="told for the first time"),
        pytest.param({}, {"has_versions": False}, id="a view"),
    ],
)
def test_all_are_compared_where_something_could_be_missed(before, now):
    assert why(None if before is None else replace(BEFORE, **before), replace(NOW, **now)) is not None


def test_where_deleted_rows_are_never_told_the_turns_find_them():
    assert why(replace(BEFORE, deleted_rows=None), replace(NOW, deleted_rows=None)) is None


@pytest.mark.parametrize(
    ("oldest_open", "goes_on"),
    [
        pytest.param(NOW.next_transaction + 1, False, id="ahead of the database"),
        pytest.param(NOW.next_transaction, True, id="nothing was written since"),
        pytest.param(NOW.next_transaction - MOST_TRANSACTIONS + 1, True, id="as many as can be told apart"),
        pytest.param(NOW.next_transaction - MOST_TRANSACTIONS, False, id="one more"),
    ],
)
def test_transaction_numbers_have_to_follow_on(oldest_open, goes_on):
    assert (why(replace(BEFORE, oldest_open=oldest_open)) is None) is goes_on


@pytest.mark.parametrize(
    ("whole_end", "window_end", "goes_on"),
    [
        pytest.param("01T03:00", "02T02:55", True, id="within the day"),
        pytest.param("01T03:00", "02T03:00", False, id="at the hour"),
        pytest.param("01T02:55", "01T03:00", False, id="at the hour, five minutes after a whole one"),
        pytest.param("02T03:00", "01T12:00", False, id="the clock was set back"),
    ],
)
def test_once_in_the_policys_hours_all_are_compared(whole_end, window_end, goes_on):
    end = datetime.fromisoformat(f"2026-03-{window_end}+00:00")
    before = replace(BEFORE, whole_end=datetime.fromisoformat(f"2026-03-{whole_end}+00:00"), window_end=end - FIVE)
    assert (why(before, window=Window(end - FIVE, FIVE)) is None) is goes_on


@pytest.mark.parametrize("slices", [1, 2, 48, 1000])
def test_each_part_has_its_turn_in_as_many_windows_as_there_are_parts(slices):
    windows = [Window(NOON + number * FIVE, FIVE) for number in range(slices)]
    assert sorted(turn(window, slices) for window in windows) == list(range(slices))
