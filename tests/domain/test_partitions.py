"""Slices of time: whole UTC days, weeks and months without gap or overlap, whatever the calendar does."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ledger_guard.domain.partitions import (
    AHEAD,
    DROPS_AT_MOST,
    PARTITIONED,
    Kept,
    Partition,
    PartitionedTable,
    Period,
    Step,
    expired,
    missing,
    period_of,
    periods,
    without_slice,
)

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 28, 9, 30, tzinfo=timezone.utc)
MIDNIGHT = datetime(2026, 11, 28, tzinfo=timezone.utc)
EVENTS = PartitionedTable("access_event", Step.DAY, Kept.EVENTS)


def day(number: int, table: str = "access_event") -> Partition:
    """The slice of the day so many days after that of NOW."""
    period = Period(MIDNIGHT + number * DAY, MIDNIGHT + (number + 1) * DAY)
    return Partition(table, f"{table}_{period.starts:%Y%m%d}", period, 0)


@pytest.mark.parametrize("step", Step)
def test_slices_follow_each_other_for_ten_years_and_each_moment_is_in_its_own(step):
    found = list(periods(step, datetime(2020, 1, 1, tzinfo=timezone.utc), datetime(2030, 1, 1, tzinfo=timezone.utc)))
    assert all(before.ends == after.starts for before, after in pairwise(found))
    for each in found:
        assert period_of(step, each.starts) == each == period_of(step, each.ends - timedelta(microseconds=1))


def test_the_fifty_third_week_of_a_year_is_one_slice_over_its_end():
    last = period_of(Step.WEEK, datetime(2026, 12, 31, 23, 59, tzinfo=timezone.utc))
    assert last == Period(datetime(2026, 12, 28, tzinfo=timezone.utc), datetime(2027, 1, 4, tzinfo=timezone.utc))
    assert period_of(Step.WEEK, datetime(2027, 1, 1, tzinfo=timezone.utc)) == last
    assert last.starts.isocalendar().week == 53


@pytest.mark.parametrize("moment", ["2026-03-29T00:30", "2026-03-29T03:30", "2026-10-25T02:30", "2026-10-25T23:59"])
def test_a_day_is_a_day_of_utc_where_clocks_are_put_forward_or_back(moment):
    in_berlin = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    found = period_of(Step.DAY, in_berlin)
    assert found.ends - found.starts == DAY
    assert (found.starts.utcoffset(), found.starts.hour) == (timedelta(0), 0)
    assert found.starts <= in_berlin < found.ends


def test_a_month_ends_where_the_next_begins_in_a_leap_year_too():
    february = period_of(Step.MONTH, datetime(2028, 2, 29, 12, tzinfo=timezone.utc))
    assert february.ends - february.starts == 29 * DAY


def test_missing_slices_are_that_of_now_first_then_those_ahead_then_the_past_that_is_kept():
    found = missing(EVENTS, [], NOW, 2 * DAY)
    assert found == [day(number).period for number in (*range(AHEAD.days + 1), -2, -1)]


def test_a_slice_that_overlaps_one_that_is_there_is_not_missing():
    """The first partition is a table of before: it is as long as what it held."""
    first = Partition("access_event", "access_event_first", Period(MIDNIGHT - 40 * DAY, MIDNIGHT + DAY), 0)
    found = missing(EVENTS, [first, day(3), day(5, "verdict")], NOW, 2 * DAY)
    assert found == [day(number).period for number in (1, 2, 4, 5, 6, 7)]


def test_a_slice_is_dropped_once_its_last_moment_is_older_than_what_is_kept():
    cut = MIDNIGHT - 30 * DAY
    assert expired(EVENTS, [day(-31), day(-30), day(-32, "verdict")], cut) == [day(-31)]
    assert expired(EVENTS, [day(-31)], cut - timedelta(microseconds=1)) == []


def test_few_slices_are_dropped_in_one_run_the_oldest_first():
    found = expired(EVENTS, [day(number) for number in range(-40, 0)], NOW)
    assert found == [day(-40 + number) for number in range(DROPS_AT_MOST)]


def test_a_table_that_ends_before_tomorrow_is_told_and_one_that_was_never_begun_is_not():
    assert without_slice([], NOW) == []
    assert without_slice([day(0)], NOW) == ["access_event"]
    assert without_slice([day(0), day(1), day(0, "verdict")], NOW) == ["verdict"]


def test_every_partitioned_table_has_a_length_in_the_policy():
    assert {each.kept for each in PARTITIONED} == set(Kept)
