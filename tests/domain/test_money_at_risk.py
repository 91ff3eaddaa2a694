"""Money at risk in words, and how old a difference is."""

from datetime import datetime, timedelta, timezone

import pytest
from tests.triggers import T1, T3

from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.money_at_risk import amount_in_words, at_risk_now, in_words, sum_in_words, with_ages, with_money
from ledger_guard.domain.signals import MoneyAtRisk, Reading
from ledger_guard.domain.verdicts import Scope, Severity, Verdict
from ledger_guard.domain.windows import Window

LENGTH = timedelta(minutes=5)
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
THEN, NOW = Window(NOON - LENGTH, LENGTH), Window(NOON, LENGTH)
SINCE = NOON - timedelta(days=3)
#: reasons of a verdict that was stored before money was summed
OF_BEFORE = {"events": 12}


def verdict(tenant: str = "a", money: MoneyAtRisk | None = None, severity: Severity = Severity.SEVERE) -> Verdict:
    return with_money(Verdict(T1, tenant, NOW, severity, Scope.ISOLATED, "High rise.", dict(OF_BEFORE)), money, "USD")


def reading(tenant: str, events: int, window: Window = NOW, since: datetime | None = None) -> Reading:
    return Reading(T3, tenant, window, events, 100, events, MoneyAtRisk(events * 100, differs_since=since))


@pytest.mark.parametrize(
    ("money", "words"),
    [
        pytest.param(MoneyAtRisk(1_240_000), "refused withdrawals of 12,400.00 USD", id="known"),
        pytest.param(
            MoneyAtRisk(1_240_000, 3), "refused withdrawals of at least 12,400.00 USD (3 without an amount)", id="known in part"
        ),
        pytest.param(MoneyAtRisk(0), "refused withdrawals of 0.00 USD", id="nothing, which is known"),
        pytest.param(MoneyAtRisk(None, 3), "refused withdrawals: amount not known", id="no amount known"),
        pytest.param(None, "refused withdrawals: amount not known", id="stored before money was summed"),
    ],
)
def test_money_is_told_as_far_as_it_is_known_and_never_as_0(money, words):
    assert in_words(verdict(money=money).reasons, "refused withdrawals") == words


def test_differences_are_told_by_cause_the_largest_first_with_their_age():
    causes = {RowCause.MISSING: 4_000, RowCause.STALE_WALLET: 300_000, RowCause.UNREADABLE: None}
    reasons = verdict(money=MoneyAtRisk(304_000, 1, causes, SINCE)).reasons
    assert in_words(reasons, "differing wallets") == (
        "differing wallets of at least 3,040.00 USD (1 without an amount), by cause: stale wallet 3,000.00, "
        "missing 40.00, unreadable not known, differing since 2026-02-26T12:00:00Z or longer"
    )


def test_a_verdict_of_a_source_without_money_stays_as_it_is():
    assert verdict(money=None).reasons == OF_BEFORE


def test_what_else_a_verdict_rests_on_stays_beside_its_money():
    assert verdict(money=MoneyAtRisk(5, 2)).reasons == {
        "events": 12,
        "at_risk_cents": 5,
        "at_risk_without_amount": 2,
        "at_risk_currency": "USD",
    }


@pytest.mark.parametrize(
    ("moneys", "words"),
    [
        pytest.param([], "amount not known", id="no verdict"),
        pytest.param([None, MoneyAtRisk(None, 2)], "amount not known", id="none known"),
        pytest.param([MoneyAtRisk(100), MoneyAtRisk(250)], "3.50 USD", id="all known"),
        pytest.param([MoneyAtRisk(100), None], "at least 1.00 USD; not known for 1 tenant", id="one tenant not known"),
        pytest.param(
            [MoneyAtRisk(100, 2), MoneyAtRisk(50, 1), None, None],
            "at least 1.50 USD (3 without an amount); not known for 2 tenants",
            id="events and tenants not known",
        ),
    ],
)
def test_a_sum_says_what_it_leaves_out(moneys, words):
    assert sum_in_words([verdict(f"t{n}", money) for n, money in enumerate(moneys)], "USD") == words


def test_an_incident_is_about_its_own_tenants_in_alarm():
    verdicts = [
        verdict("a", MoneyAtRisk(100)),
        verdict("b", MoneyAtRisk(700), Severity.NONE),
        verdict("not-of-it", MoneyAtRisk(9_000)),
    ]
    assert at_risk_now(verdicts, ("a", "b"), "USD") == "1.00 USD in the newest window in alarm"


def test_an_amount_that_somebody_edited_into_a_text_is_not_shown_as_one():
    assert amount_in_words({"at_risk_cents": "many", "at_risk_currency": "USD"}) == "amount not known"


@pytest.mark.parametrize(
    ("before", "since"),
    [
        pytest.param([], NOON, id="never compared before"),
        pytest.param([reading("a", 0, THEN)], NOON, id="none differed a window ago"),
        pytest.param([reading("a", 2, THEN, SINCE)], SINCE, id="it differed already"),
        pytest.param([reading("a", 2, THEN)], THEN.start, id="it differed, and nobody knows since when"),
        pytest.param([Reading(T3, "a", THEN, 2, 100, 2)], THEN.start, id="stored before money was summed"),
        pytest.param([reading("b", 2, THEN, SINCE)], NOON, id="another tenant differed"),
    ],
)
def test_a_difference_is_as_old_as_the_tenants_windows_with_one_in_a_row(before, since):
    [aged] = with_ages([reading("a", 5)], before)
    assert (aged.money.differs_since, aged.money.cents, aged.events) == (since, 500, 5)


def test_a_tenant_without_a_difference_has_no_age():
    [aged] = with_ages([reading("a", 0)], [reading("a", 2, THEN, SINCE)])
    assert aged.money.differs_since is None
