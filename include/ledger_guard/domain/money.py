"""Money in cents. The platform keeps doubles; here amounts are integers of the currency's hundredth."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

Cents = int

#: from this amount on (in whole units) a double no longer tells cents apart; SQL compares with the same number
UNREADABLE_FROM = 1e13
#: a sum beyond this is this: a bigint holds it, and nobody has so much
MOST_CENTS = 9 * 10**18
#: an amount as people and programs write it, below that
_PLAIN = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,20})?")


def to_cents(amount: float | Decimal | str) -> Cents:
    """Round an amount to whole cents through its shortest decimal text (0.1 + 0.2 is 30 cents), halves away from zero.

    Postgres rounds `amount::text::numeric` the same way, so that both sides of every comparison agree.
    """
    return int((Decimal(str(amount)) * 100).to_integral_value(rounding=ROUND_HALF_UP))


def readable_cents(amount: float) -> Cents | None:
    """The amount in cents, or None when it is NaN, infinite or too large for cents to mean anything."""
    return to_cents(amount) if abs(amount) < UNREADABLE_FROM else None


def exact_cents(found: object) -> Cents | None:
    """An amount that somebody stated, as a number or a text, in cents; None unless it is one of whole cents and not negative.

    Nothing is rounded: `12.345` is no amount of this currency, so it is not known.
    """
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    if not isinstance(found, str) and not 0 <= found < UNREADABLE_FROM:
        return None
    text = str(found).strip()
    if not _PLAIN.fullmatch(text):
        return None
    cents = Decimal(text) * 100
    return int(cents) if cents == cents.to_integral_value() else None


def to_amount(cents: Cents) -> Decimal:
    """The decimal amount of so many cents, with two places."""
    return (Decimal(cents) / 100).quantize(Decimal("0.01"))


def readable(cents: Cents, currency: str = "USD") -> str:
    """For people: `1,234.50 USD`."""
    return f"{to_amount(cents):,} {currency}"
