"""Budgets: what fits in an hour and a day beside what was written and what is being written, and when the rest does."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.budgets import BeingWritten, Bound, Journal, Written, exceeded_budget

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = Bound("hourly", timedelta(hours=1), rows=100, cents=10_000, tenants=3)
DAY = Bound("daily", timedelta(days=1), rows=300, cents=30_000, tenants=5)


def written(minutes_ago: float, rows: int = 0, cents: int = 0, tenant: str = "a") -> Written:
    return Written(NOW - timedelta(minutes=minutes_ago), tenant, rows, cents)


def exceeded(*done: Written, wants: BeingWritten, being=()) -> tuple[str, ...]:
    return exceeded_budget((HOUR, DAY), Journal(NOW, done, being), wants, "USD")


def plan(rows: int = 1, cents: int = 1, tenant: str = "a") -> BeingWritten:
    return BeingWritten(tenant, rows, cents)


@pytest.mark.parametrize(
    ("wants", "over"),
    [
        pytest.param(plan(rows=39), False, id="rows below"),
        pytest.param(plan(rows=40), False, id="rows at"),
        pytest.param(plan(rows=41), True, id="rows above"),
        pytest.param(plan(cents=3_999), False, id="money below"),
        pytest.param(plan(cents=4_000), False, id="money at"),
        pytest.param(plan(cents=4_001), True, id="money above"),
        pytest.param(plan(tenant="b"), False, id="a tenant that was written already"),
        pytest.param(plan(tenant="c"), False, id="the last tenant that fits"),
    ],
)
def test_a_plan_fits_up_to_each_bound_of_the_hour(wants, over):
    done = (written(10, 30, 3_000, "a"), written(20, 30, 3_000, "b"))
    assert bool(exceeded(*done, wants=wants)) is over


def test_one_tenant_more_than_the_bound_does_not_fit():
    done = [written(10, 1, 1, tenant) for tenant in "abc"]
    assert exceeded(*done, wants=plan(tenant="c")) == ()
    assert exceeded(*done, wants=plan(tenant="d")) == (
        "hourly budget: 3 of 3 tenants were written and this is another; frees at 2026-03-01T12:50:00Z",
    )


def test_what_is_being_written_counts_whole():
    assert exceeded(wants=plan(rows=40), being=(plan(rows=60, tenant="b"),)) == ()
    assert exceeded(wants=plan(rows=41), being=(plan(rows=60, tenant="b"),)) == (
        "hourly budget: 60 of 100 rows are used and this plan has 41; frees when what is being written has ended",
    )


@pytest.mark.parametrize(("minutes_ago", "over"), [(59.99, True), (60, False), (60.01, False)])
def test_what_was_written_leaves_the_hour_after_an_hour(minutes_ago, over):
    assert bool(exceeded(written(minutes_ago, rows=100), wants=plan(rows=1))) is over


def test_it_says_how_much_is_used_and_wanted_of_what_and_when_it_frees():
    done = (written(50, rows=50, cents=5_000), written(10, rows=40, cents=1_000))
    (said,) = exceeded(*done, wants=plan(rows=60, cents=9_500))
    assert said.split(", ") == [
        "hourly budget: 90 of 100 rows are used and this plan has 60",
        "60.00 USD of 100.00 USD is used and this plan moves 95.00 USD; frees at 2026-03-01T12:50:00Z",
    ]


def test_a_plan_larger_than_a_bound_never_fits_by_itself():
    assert exceeded(wants=plan(rows=101)) == (
        "hourly budget: 0 of 100 rows are used and this plan has 101; it never fits by itself",
    )


def test_the_day_holds_what_the_hours_let_through():
    done = [written(60 * hours + 61, rows=100) for hours in range(3)]
    assert exceeded(*done, wants=plan(rows=1)) == (
        "daily budget: 300 of 300 rows are used and this plan has 1; frees at 2026-03-02T08:59:00Z",
    )


def test_a_write_in_the_future_counts_clocks_go_backwards():
    assert exceeded(written(-30, rows=100), wants=plan(rows=1)) == (
        "hourly budget: 100 of 100 rows are used and this plan has 1; frees at 2026-03-01T13:30:00Z",
    )
