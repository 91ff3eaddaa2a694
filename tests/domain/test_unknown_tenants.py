"""Tenants that the platform does not have are counted together."""

from datetime import datetime, timedelta, timezone

from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.unknown_tenants import SetApart, set_apart
from ledger_guard.domain.windows import Window

AT_NOON = Window(datetime(2026, 3, 1, 12, tzinfo=timezone.utc), timedelta(minutes=5))


def reading(tenant, window=AT_NOON):
    return Reading(Trigger("T1"), tenant, window, 2, 10, 2)


def test_a_thousand_invented_tenants_are_one_line():
    invented = [reading(f"invented-{number}") for number in range(1000)]
    kept, apart = set_apart([reading("a"), *invented], {"a", "b"})
    assert kept == [reading("a")]
    assert apart == [SetApart(AT_NOON.start, 1000, 2000, 10_000)]


def test_each_window_is_counted_by_itself_in_order_of_time():
    later = AT_NOON.next
    _, apart = set_apart([reading("x", later), reading("x")], {"a"})
    assert [each.window_start for each in apart] == [AT_NOON.start, later.start]


def test_it_is_told_in_one_sentence():
    assert SetApart(AT_NOON.start, 3, 1, 12).sentence == (
        "12 requests of 3 tenants that the platform does not have, in the window that began at 2026-03-01T12:00:00Z: "
        "counted apart, judged for nobody"
    )
