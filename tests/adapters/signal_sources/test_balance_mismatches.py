"""T3: which players count as mismatched, by one statement over all tenants."""

import math
from datetime import timedelta

import pytest
from signal_worlds import NOON
from tests.triggers import T3

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.plans import BackfillMode
from ledger_guard.domain.signals import MoneyAtRisk
from ledger_guard.domain.windows import Window
from ledger_guard.wiring import signal_sources

pytestmark = pytest.mark.postgres

WINDOW = Window(NOON - timedelta(minutes=5), timedelta(minutes=5))
NAN, INFINITY = math.nan, math.inf
#: what player and wallet both get
BOTH = {"type": "wallet", "status": "manual_credit"}


@pytest.fixture
def signals(settings, policy):
    return signal_sources(settings, settings, policy, SettableClock(NOON))


def mismatches(signals):
    return {found.tenant_id: (found.events, found.exposure) for found in signals.readings(T3, WINDOW, WINDOW)}


@pytest.mark.parametrize(
    ("player", "wallet", "events"),
    [
        pytest.param((10.0, 2.0), (10.0, 2.0), 0, id="equal"),
        pytest.param((0.1 + 0.2, 0), (0.3, 0), 0, id="float noise"),
        pytest.param((10.0, 0), (10.004, 0), 0, id="less than half a cent"),
        pytest.param((10.0, 0), (10.01, 0), 1, id="one cent"),
        pytest.param((10.0, 2.0), (12.0, 0.0), 1, id="same total, held and available exchanged"),
        pytest.param((10.0, 0), None, 1, id="no wallet"),
        pytest.param((0, 0), None, 1, id="no wallet and no money"),
        pytest.param((10.0, 0), (0, 0), 1, id="empty wallet"),
        pytest.param((-5.0, 0), (-5.0, 0), 0, id="equal below zero"),
        pytest.param((10.0, 0), (NAN, 0), 1, id="NaN in the wallet"),
        pytest.param((NAN, 0), (NAN, 0), 1, id="NaN on both sides is no agreement"),
        pytest.param((10.0, 0), (10.0, INFINITY), 1, id="an infinity"),
        pytest.param((1e300, 0), (1e300, 0), 1, id="an amount without cents"),
    ],
)
def test_a_player_is_mismatched_when_the_wallet_differs_in_cents(signals, rows, player, wallet, events):
    rows.player("a", "p1", *player)
    if wallet is not None:
        rows.wallet("a", "p1", *wallet)
    assert mismatches(signals) == {"a": (events, 1)}


def money(signals):
    return {found.tenant_id: found.money for found in signals.readings(T3, WINDOW, WINDOW)}


@pytest.mark.parametrize(
    ("player", "wallet", "expected"),
    [
        pytest.param((10.0, 2.0), (10.0, 2.0), MoneyAtRisk(0), id="equal"),
        pytest.param((0.1 + 0.2, 0), (0.3, 0), MoneyAtRisk(0), id="float noise"),
        pytest.param((10.0, 2.0), (12.0, 0.0), MoneyAtRisk(400, 0, {RowCause.UNEXPLAINED: 400}), id="each amount by itself"),
        pytest.param((10.0, 2.0), (7.0, 2.5), MoneyAtRisk(350, 0, {RowCause.UNEXPLAINED: 350}), id="without sign"),
        pytest.param(
            (10.0, 2.0), None, MoneyAtRisk(1_200, 0, {RowCause.MISSING: 1_200}), id="no wallet: all that it should hold"
        ),
        pytest.param((0, 0), None, MoneyAtRisk(0, 0, {RowCause.MISSING: 0}), id="no wallet and no money: a difference of 0"),
        pytest.param((10.0, 0), (NAN, 0), MoneyAtRisk(None, 1, {RowCause.UNREADABLE: None}), id="unreadable: not known"),
        pytest.param((1e300, 0), None, MoneyAtRisk(None, 1, {RowCause.UNREADABLE: None}), id="a player without cents"),
    ],
)
def test_money_at_risk_is_by_how_much_wallets_differ(signals, rows, player, wallet, expected):
    rows.player("a", "p1", *player)
    if wallet is not None:
        rows.wallet("a", "p1", *wallet)
    assert money(signals) == {"a": expected}


def test_money_at_risk_is_split_by_cause_and_by_tenant(signals, rows):
    rows.player("a", "p1", 10.0)
    rows.player("a", "p2", 10.0)
    rows.wallet("a", "p2", 7.0)
    rows.movement("a", "p2", "credit", 3.0, type="poker_win", status="success")
    rows.player("a", "p3", 4.0)
    rows.player("a", "p4", 10.0)
    rows.wallet("a", "p4", NAN)
    rows.player("a", "p5", 1.0)
    rows.wallet("a", "p5", 1.0)
    rows.player("b", "p6", 2.5)
    assert money(signals) == {
        "a": MoneyAtRisk(1_700, 1, {RowCause.MISSING: 1_400, RowCause.STALE_WALLET: 300, RowCause.UNREADABLE: None}),
        "b": MoneyAtRisk(250, 0, {RowCause.MISSING: 250}),
    }
    assert mismatches(signals) == {"a": (4, 5), "b": (1, 1)}


def test_of_ledger_rows_that_nobody_can_add_up_the_difference_is_not_known(signals, rows):
    rows.player("a", "p1", 10.0)
    rows.wallet("a", "p1", 13.0)
    rows.movement("a", "p1", "credit", 3.0, type="cashback")
    assert money(signals) == {"a": MoneyAtRisk(None, 1, {RowCause.UNEXPLAINED: None})}


@pytest.mark.parametrize(
    ("movements", "events"),
    [
        pytest.param([], 1, id="nothing booked"),
        pytest.param([("credit", 5.0, {})], 0, id="a deposit that only the wallet got"),
        pytest.param([("credit", 5.0, {"type": "adjustment"})], 0, id="a reward that only the wallet got"),
        pytest.param([("credit", 8.0, {}), ("debit", 3.0, {"type": "chargeback"})], 0, id="net of deposit and chargeback"),
        pytest.param(
            [("credit", 8.0, {}), ("debit", 3.0, {"type": "chargeback"}), ("credit", 7.0, BOTH)],
            0,
            id="net of deposit and chargeback, beside what both got",
        ),
        pytest.param([("credit", 5.0, BOTH)], 1, id="a movement that both got"),
        pytest.param([("credit", 5.0, {"tx_id": "t"}), ("credit", 5.0, {"tx_id": "t"})], 0, id="one deposit booked twice"),
        pytest.param([("credit", 5.01, {})], 1, id="one cent off"),
        pytest.param([("credit", 5.0, {"status": "FAILED"})], 1, id="a status that the policy does not know"),
        pytest.param([("credit", 5.0, {"currency": "EUR"})], 1, id="another currency"),
        pytest.param([("credit", NAN, {})], 1, id="a movement that can't be read"),
    ],
)
def test_a_wallet_above_its_player_is_no_mismatch_when_the_ledger_explains_it(signals, rows, movements, events):
    rows.player("a", "p1", 10.0)
    rows.wallet("a", "p1", 15.0)
    for direction, amount, fields in movements:
        rows.movement("a", "p1", direction, amount, **fields)
    assert mismatches(signals) == {"a": (events, 1)}


def test_a_missing_wallet_and_an_exchange_of_held_and_available_are_never_explained(signals, rows):
    rows.player("a", "p1", 10.0, 2.0)
    rows.wallet("a", "p1", 12.0, 0.0)
    rows.movement("a", "p1", "credit", 4.0)
    rows.movement("a", "p1", "debit", 4.0, type="chargeback")
    rows.player("a", "p2", 0.0)
    assert mismatches(signals) == {"a": (2, 2)}


def test_what_counts_is_what_a_plan_lists(signals, rows, settings, policy):
    """The trigger and the plan must agree, or a repaired tenant would stay in alarm, and a human's row would alarm nobody."""
    amounts = (
        ("p1", 10.0, None),
        ("p2", 10.0, 7.0),
        ("p3", 10.0, 15.0),
        ("p4", 10.0, 15.0),
        ("p5", 10.0, 10.0),
        ("p6", 10.0, 13.0),
    )
    for player, available, wallet in amounts:
        rows.player("a", player, available)
        if wallet is not None:
            rows.wallet("a", player, wallet)
    rows.movement("a", "p2", "credit", 3.0, type="poker_win", status="success")
    rows.movement("a", "p3", "credit", 5.0)
    rows.movement("a", "p4", "credit", 3.0, **BOTH)
    rows.movement("a", "p6", "credit", 3.0, type="cashback")
    comparison = PostgresLedgerStore(settings, policy).compare("a", BackfillMode.FORCE)
    assert [(row.player_id, row.cause) for row in comparison.rows] == [
        ("p1", RowCause.MISSING),
        ("p2", RowCause.STALE_WALLET),
        ("p4", RowCause.DISPUTED),
        ("p6", RowCause.UNEXPLAINED),
    ]
    assert mismatches(signals) == {"a": (comparison.counts.findings, comparison.players)} == {"a": (4, 6)}


def test_only_the_platforms_currency_is_compared_and_orphans_are_left_out(signals, rows):
    rows.player("a", "p1", 10.0)
    rows.wallet("a", "p1", 10.0)
    rows.wallet("a", "p1", 99.0, currency="EUR")
    rows.wallet("a", "gone", 50.0)
    rows.wallet("b", "p1", 3.0)
    assert mismatches(signals) == {"a": (0, 1)}


def test_tenants_are_distinguished_and_subjects_are_the_mismatched_players(signals, rows):
    for player in ("p1", "p2"):
        rows.player("slug_tenant", player, 10.0)
    rows.wallet("slug_tenant", "p1", 10.0)
    rows.player("00000000-0000-4000-8000-000000000009", "p3", 1.0)
    rows.wallet("00000000-0000-4000-8000-000000000009", "p3", 1.0)
    found = signals.readings(T3, WINDOW, WINDOW)
    assert [(each.tenant_id, each.events, each.exposure, each.subjects) for each in found] == [
        ("00000000-0000-4000-8000-000000000009", 0, 1, 0),
        ("slug_tenant", 1, 2, 1),
    ]


def test_a_comparison_speaks_of_the_last_window_alone(signals, rows):
    rows.player("a", "p1", 10.0)
    first = Window(NOON - timedelta(hours=1), WINDOW.length)
    assert [found.window for found in signals.readings(T3, first, WINDOW)] == [WINDOW]


def test_a_comparison_is_complete_now_and_always_measurable(signals):
    assert signals.complete_through(T3) == NOON
    assert signals.unmeasurable(T3, WINDOW, WINDOW) == {}
