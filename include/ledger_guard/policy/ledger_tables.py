"""Policy sections about the ledger and its transactions: tables, and what the platform's words mean there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from ledger_guard.policy.section import Identifier, Section


def _factor(number: float) -> float:
    if number not in {-1, -0.5, 0, 0.5, 1}:
        raise ValueError(f"{number} is no part of an amount; allowed: -1, -0.5, 0, 0.5, 1")
    return number


#: which part of a ledger row's amount a balance got
Factor = Annotated[float, AfterValidator(_factor)]


class Booking(Section):
    """What the ledger rows of one type, or of one type and certain statuses, moved.

    `amount` in the ledger is never negative. `available` and `held` say how much of it each balance got: a factor, or
    `by_direction` (credit adds it, debit takes it). Held is the wallet's pending.
    """

    type: str = Field(min_length=1)
    #: compared in lower case; empty: every status of the type that no other booking names
    statuses: tuple[str, ...] = ()
    #: whose balances moved
    moves: Literal["both", "wallet", "player", "nothing"]
    available: Literal["by_direction"] | Factor = "by_direction"
    held: Factor = 0
    #: a regular expression with one group that finds the amount in the row's provider_ref; None: the amount column
    amount_in_reference: str | None = None
    #: the step of a payment that the row books: rows of one tx_id and step are one real-world payment, counted once
    payment_step: str | None = None

    @field_validator("amount_in_reference")
    @classmethod
    def _has_one_group(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
            if groups != 1:
                raise ValueError(f"{pattern!r} has {groups} groups; allowed: exactly one, around the amount")
        return pattern


class LedgerTable(Section):
    """Where the platform books movements, and which side each of them moved.

    A type or status that nothing here names is never guessed: its player goes to a human.
    """

    table: Identifier = "ledgertransaction"
    id: Identifier = "id"
    tx_id: Identifier = "tx_id"
    tenant_id: Identifier = "tenant_id"
    player_id: Identifier = "player_id"
    type: Identifier = "type"
    direction: Identifier = "direction"
    amount: Identifier = "amount"
    currency: Identifier = "currency"
    status: Identifier = "status"
    provider_ref: Identifier = "provider_ref"
    created_at: Identifier = "created_at"
    #: types whose rows moved available on both sides, by their direction
    both_sided_types: tuple[str, ...] = ()
    #: types whose rows moved the wallet's available and never reached the player row, by their direction
    wallet_only_types: tuple[str, ...] = ()
    #: types whose rows moved the player's available and never reached the wallet, by their direction
    player_only_types: tuple[str, ...] = ()
    #: what the three lists can't say; wins over them
    bookings: tuple[Booking, ...] = ()
    #: statuses of movements that never took place, whatever their type; a booking that names the status wins
    void_statuses: tuple[str, ...] = ()

    @property
    def all_bookings(self) -> tuple[Booking, ...]:
        """The bookings and the three lists as bookings."""
        return (*self.bookings, *_by_type(self.both_sided_types, self.wallet_only_types, self.player_only_types))


@lru_cache
def _by_type(both: tuple[str, ...], wallet: tuple[str, ...], player: tuple[str, ...]) -> tuple[Booking, ...]:
    listed = (("both", both), ("wallet", wallet), ("player", player))
    return tuple(Booking.model_validate({"type": each, "moves": moves}) for moves, types in listed for each in types)


class BalanceNote(Section):
    """Transactions of one type that note the player's balance: the evidence of what it was before the ledger began."""

    type: str = Field(min_length=1)
    #: only those without a provider: a webhook's row notes nothing
    without_provider: bool = False
    #: what the transaction itself did to the player's available, as a factor of its amount
    available: Literal[-1, 1]
    #: what `balance_after` holds: available after it, or that and what was held before it
    holds: Literal["available_after", "available_after_and_held_before"] = "available_after"
    #: whether the ledger books it under its id; an unbooked one never took place and proves nothing
    booked: bool = True


class TransactionTable(Section):
    """Where the platform keeps transactions with the balance that they left."""

    table: Identifier = "transaction"
    id: Identifier = "id"
    tenant_id: Identifier = "tenant_id"
    player_id: Identifier = "player_id"
    type: Identifier = "type"
    amount: Identifier = "amount"
    currency: Identifier = "currency"
    provider: Identifier = "provider"
    balance_after: Identifier = "balance_after"
    created_at: Identifier = "created_at"
    balance_notes: tuple[BalanceNote, ...] = Field(min_length=1)
