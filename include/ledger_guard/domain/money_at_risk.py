"""Money at risk: what the events of a reading are about, in cents of the platform's currency, and in words for people.

What is not known is None and said so, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ledger_guard.domain.money import Cents, readable, to_amount
from ledger_guard.domain.signals import MoneyAtRisk, Reading
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import iso

NOT_KNOWN = "amount not known"
#: keys of a verdict's reasons
CENTS, WITHOUT, CURRENCY = "at_risk_cents", "at_risk_without_amount", "at_risk_currency"
CAUSES, SINCE = "at_risk_by_cause", "differs_since"


def with_ages(readings: Iterable[Reading], before: Iterable[Reading]) -> list[Reading]:
    """Compared readings with the age of their differences, told from the readings of the last compared window before.

    The age is the tenant's: one player's difference may end in the window in which another's begins.
    """
    stood = {
        reading.tenant_id: (reading.money and reading.money.differs_since) or reading.window.start
        for reading in before
        if reading.events > 0
    }
    return [_since(reading, stood.get(reading.tenant_id, reading.window.start)) for reading in readings]


def with_money(verdict: Verdict, money: MoneyAtRisk | None, currency: str) -> Verdict:
    """The verdict with its reading's money among its reasons; unchanged where the source tells of none."""
    if money is None:
        return verdict
    told: dict[str, Any] = {CENTS: money.cents, WITHOUT: money.without_amount, CURRENCY: currency}
    if money.by_cause:
        told[CAUSES] = {cause.value: cents for cause, cents in money.by_cause.items()}
    if money.differs_since is not None:
        told[SINCE] = iso(money.differs_since)
    return replace(verdict, reasons={**verdict.reasons, **told})


def at_risk_now(verdicts: Iterable[Verdict], tenants: Sequence[str], currency: str) -> str:
    """What an incident is about in its newest window in alarm, whose `verdicts` these are: `12,400.00 USD in the newest …`."""
    alarms = [verdict for verdict in verdicts if verdict.severity.is_alarm and verdict.tenant_id in tenants]
    return f"{sum_in_words(alarms, currency)} in the newest window in alarm"


def amount_in_words(reasons: Mapping[str, Any]) -> str:
    """As in `12,400.00 USD`, `at least 12,400.00 USD (3 without an amount)`, `amount not known`."""
    cents, without = _cents(reasons.get(CENTS)), reasons.get(WITHOUT)
    return _amount(cents, without if isinstance(without, int) else 0, str(reasons.get(CURRENCY, "")))


def in_words(reasons: Mapping[str, Any], events: str) -> str:
    """As in `refused withdrawals of 12,400.00 USD`; of a comparison with causes and age. `events` is the noun."""
    words = f"{events} of {amount_in_words(reasons)}" if _cents(reasons.get(CENTS)) is not None else f"{events}: {NOT_KNOWN}"
    causes = reasons.get(CAUSES)
    if isinstance(causes, Mapping) and causes:
        by_amount = sorted(causes.items(), key=lambda pair: (-(_cents(pair[1]) or -1), str(pair[0])))
        words += f", by cause: {', '.join(_cause(*pair) for pair in by_amount)}"
    return f"{words}, differing since {reasons[SINCE]} or longer" if reasons.get(SINCE) else words


def sum_in_words(verdicts: Sequence[Verdict], currency: str) -> str:
    """What these verdicts are about together; tenants and events that the sum leaves out are named."""
    amounts = [_cents(verdict.reasons.get(CENTS)) for verdict in verdicts]
    known = [cents for cents in amounts if cents is not None]
    if not known:
        return NOT_KNOWN
    counted = [verdict for verdict, cents in zip(verdicts, amounts, strict=True) if cents is not None]
    without = sum(int(verdict.reasons.get(WITHOUT) or 0) for verdict in counted)
    unknown = len(verdicts) - len(known)
    words = _amount(sum(known), without, currency)
    if not unknown:
        return words
    least = words if words.startswith("at least") else f"at least {words}"
    return f"{least}; not known for {unknown} tenant{'s' if unknown != 1 else ''}"


def _since(reading: Reading, since: datetime) -> Reading:
    if reading.money is None or reading.events == 0:
        return reading
    return replace(reading, money=replace(reading.money, differs_since=since))


def _amount(cents: Cents | None, without: int, currency: str) -> str:
    if cents is None:
        return NOT_KNOWN
    return f"at least {readable(cents, currency)} ({without} without an amount)" if without else readable(cents, currency)


def _cause(cause: object, cents: object) -> str:
    found = _cents(cents)
    return f"{str(cause).replace('_', ' ')} {'not known' if found is None else f'{to_amount(found):,}'}"


def _cents(found: object) -> Cents | None:
    return found if isinstance(found, int) and not isinstance(found, bool) else None
