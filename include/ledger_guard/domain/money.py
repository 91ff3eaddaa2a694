"""Money in cents. The platform keeps doubles; here amounts are integers of the currency's hundredth."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

Cents = int


def to_cents(amount: float | Decimal | str) -> Cents:
    """Round an amount to whole cents, half to even, through its shortest decimal text (0.1 + 0.2 is 30 cents)."""
    return int((Decimal(str(amount)) * 100).to_integral_value(rounding=ROUND_HALF_EVEN))


def to_amount(cents: Cents) -> Decimal:
    """The decimal amount of so many cents, with two places."""
    return (Decimal(cents) / 100).quantize(Decimal("0.01"))


def readable(cents: Cents, currency: str = "USD") -> str:
    """For people: `1,234.50 USD`."""
    return f"{to_amount(cents):,} {currency}"
