"""What every TenantStore promises."""

from __future__ import annotations

from datetime import timedelta

from tests.adapters.guard_state.samples import NOON
from tests.triggers import T1, T2

from ledger_guard.domain.dark_tenants import DarkTenant
from ledger_guard.domain.guard_alerts import GuardAlertKind
from ledger_guard.domain.unknown_tenants import SetApart, TenantList

FIVE = timedelta(minutes=5)
LISTED = TenantList(frozenset({"a", "b"}), NOON)
DARK = DarkTenant("a", NOON, 20)


def test_before_the_platform_was_asked_there_is_no_list(state):
    with state.transaction() as transaction:
        assert transaction.tenants.listed() is None


def test_a_newer_list_replaces_the_one_before(state):
    newer = TenantList(frozenset({"b", "c"}), NOON + FIVE)
    with state.transaction() as transaction:
        transaction.tenants.save_list(LISTED)
        transaction.tenants.save_list(newer)
    with state.transaction() as transaction:
        assert transaction.tenants.listed() == newer


def test_what_unknown_tenants_sent_is_kept_by_trigger_and_window(state):
    first, second = SetApart(NOON, 3, 1, 12), SetApart(NOON + FIVE, 1000, 0, 5000)
    with state.transaction() as transaction:
        transaction.tenants.set_apart(T1, NOON, NOON + 2 * FIVE, [first, second])
        transaction.tenants.set_apart(T2, NOON, NOON + FIVE, [first])
    with state.transaction() as transaction:
        assert transaction.tenants.apart(T1, NOON, NOON + 2 * FIVE) == [first, second]
        assert transaction.tenants.apart(T1, NOON + FIVE, NOON + 2 * FIVE) == [second]
        assert transaction.tenants.apart(T2, NOON, NOON + 2 * FIVE) == [first]


def test_windows_that_are_read_again_get_new_numbers_or_none_and_others_keep_theirs(state):
    before, again = SetApart(NOON - FIVE, 1, 0, 1), SetApart(NOON, 2, 1, 8)
    with state.transaction() as transaction:
        transaction.tenants.set_apart(
            T1, NOON - FIVE, NOON + 2 * FIVE, [before, SetApart(NOON, 3, 1, 12), SetApart(NOON + FIVE, 1, 1, 1)]
        )
        transaction.tenants.set_apart(T1, NOON, NOON + 2 * FIVE, [again])
        assert transaction.tenants.apart(T1, NOON - FIVE, NOON + 2 * FIVE) == [before, again]


def test_a_dark_tenant_stands_as_it_was_seen_first_until_it_is_seen_again(state):
    with state.transaction() as transaction:
        tenants = transaction.tenants
        tenants.see_dark(T1, [DARK, DarkTenant("b", NOON, 30)])
        tenants.see_dark(T1, [DarkTenant("a", NOON + FIVE, 1)])
        assert tenants.dark(T1) == [DARK, DarkTenant("b", NOON, 30)]
        assert tenants.dark(T2) == []
        tenants.not_dark(T1, ["b", "unheard of"], NOON + FIVE)
        assert tenants.dark(T1) == [DARK]


def test_people_are_told_of_it_once_until_it_goes_dark_again(state):
    with state.transaction() as transaction:
        tenants = transaction.tenants
        tenants.see_dark(T1, [DARK])
        assert tenants.dark(T1, untold_only=True) == [DARK]
        tenants.told_of_dark(T1, ["a"], NOON)
        tenants.see_dark(T1, [DARK])
        assert (tenants.dark(T1, untold_only=True), tenants.dark(T1)) == ([], [DARK])
        tenants.not_dark(T1, ["a"], NOON + FIVE)
        again = DarkTenant("a", NOON + 2 * FIVE, 25)
        tenants.see_dark(T1, [again])
        assert tenants.dark(T1, untold_only=True) == [again]


def test_an_alert_says_what_the_newest_check_saw(state):
    with state.transaction() as transaction:
        transaction.guard_alerts.seen(GuardAlertKind.FUTURE, "access_events", NOON, "3 lines")
        transaction.guard_alerts.seen(GuardAlertKind.FUTURE, "access_events", NOON + FIVE, "5 lines")
    with state.transaction() as transaction:
        (alert,) = transaction.guard_alerts.standing()
    assert alert.sentence == "access_events: 5 lines (seen since 2026-03-01T12:00:00Z)."
