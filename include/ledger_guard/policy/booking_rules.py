"""The meaning of single ledger rows and transactions by the policy's ledger words.

sql/platform/ledger_movements.sql and noted_balances.sql read them in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone

from ledger_guard.domain.ledger_evidence import NOTHING, Amounts, Movement, NotedBalance, Side
from ledger_guard.domain.ledger_rows import BookedMovement, LedgerRow, TransactionRow
from ledger_guard.domain.money import Cents, readable_cents, to_cents
from ledger_guard.policy.ledger_tables import Booking, LedgerTable, TransactionTable
from ledger_guard.policy.platform import Platform

_DIRECTIONS = {"credit": 1, "debit": -1}
#: date of a row without one; the row is unreadable, so this is never compared
_UNDATED = datetime.min.replace(tzinfo=timezone.utc)
_NUMBER = re.compile(r"[0-9]{1,12}([.][0-9]+)?")


def movement_of(row: LedgerRow, platform: Platform) -> Movement | None:
    """What a ledger row moved; None where it moved nothing.

    A type or status without a booking, and a currency code that only looks like the plan's, are `Side.UNKNOWN`.
    """
    booking = _booking_of(row, platform.ledger)
    if booking is None and (row.status or "").lower() in {word.lower() for word in platform.ledger.void_statuses}:
        return None
    is_alike = row.currency is None or (row.currency != platform.currency and is_code_alike(row.currency, platform.currency))
    if booking is not None and booking.moves == "nothing" and not is_alike:
        return None
    side = Side.UNKNOWN if booking is None or is_alike else Side(booking.moves)
    return Movement(
        side=side,
        booked_at=row.created_at or _UNDATED,
        moved=None if booking is None or row.created_at is None else _moved(row, booking),
        is_own_currency=row.currency == platform.currency,
        tx_id=row.tx_id or None,
        payment_step=booking.payment_step if booking else None,
    )


def booked_movement(row: LedgerRow, platform: Platform) -> BookedMovement:
    """A ledger row with what it moved, for people."""
    movement = movement_of(row, platform)
    if movement is None:
        return BookedMovement(row, "nothing", NOTHING)
    return BookedMovement(row, movement.side.value, movement.moved)


def notes_of(
    transactions: Iterable[TransactionRow], movements: Iterable[Movement], table: TransactionTable | None, currency: str
) -> list[NotedBalance]:
    """The balances noted in a player's transactions; unreadable or unbooked ones prove nothing."""
    if table is None:
        return []
    booked_at: dict[str, datetime] = {}
    for each in movements:
        if each.side is Side.BOTH and each.tx_id is not None and each.booked_at is not _UNDATED:
            booked_at[each.tx_id] = min(each.booked_at, booked_at.get(each.tx_id, each.booked_at))
    found = []
    for row in transactions:
        for note in table.balance_notes:
            is_meant = note.type == row.type and not (note.without_provider and row.provider)
            balance, amount = readable_cents(row.balance_after), readable_cents(row.amount)
            if not is_meant or row.currency != currency or balance is None or amount is None:
                continue
            if row.id in booked_at or not note.booked:
                noted_at = booked_at.get(row.id, row.created_at)
                holds_held = note.holds == "available_after_and_held_before"
                if noted_at is not None:
                    found.append(NotedBalance(row.id, noted_at, balance - note.available * amount, holds_held))
    return found


def is_code_alike(code: str, currency: str) -> bool:
    """Whether a currency code is the plan's except for case and blanks."""
    return code.strip(" ").upper() == currency.upper()


def _booking_of(row: LedgerRow, ledger: LedgerTable) -> Booking | None:
    of_type = [each for each in ledger.all_bookings if each.type == row.type]
    status = (row.status or "").lower()
    named = next((each for each in of_type if status in {word.lower() for word in each.statuses}), None)
    if named is None and status in {word.lower() for word in ledger.void_statuses}:
        return None
    return named or next((each for each in of_type if not each.statuses), None)


def _moved(row: LedgerRow, booking: Booking) -> Amounts | None:
    cents = _cents(row, booking)
    available = _DIRECTIONS.get((row.direction or "").lower()) if booking.available == "by_direction" else booking.available
    if cents is None or cents < 0 or available is None:
        return None
    parts = (cents * available, cents * booking.held)
    if any(part != int(part) for part in parts):
        return None
    return Amounts(int(parts[0]), int(parts[1]))


def _cents(row: LedgerRow, booking: Booking) -> Cents | None:
    if booking.amount_in_reference is None:
        return readable_cents(row.amount)
    found = re.search(booking.amount_in_reference, row.provider_ref or "")
    # at most twelve digits before the point are always readable; the text itself is rounded, as Postgres rounds it
    return to_cents(found[1]) if found and _NUMBER.fullmatch(found[1] or "") else None
