"""What the platform's requests do to its tables: each looks first and moves then, so requests at once race as there."""

from __future__ import annotations

from enum import Enum

import psycopg
from typing_extensions import LiteralString

from ledger_sandbox.money_movements import MoneyMovement, request_withdraw
from ledger_sandbox.platform_requests import WebhookEvent, WithdrawalRequest

_PLAYER_EXISTS: LiteralString = "select from player where tenant_id = %(tenant_id)s and id = %(player_id)s"
_KEY_IS_BOOKED: LiteralString = """
    select from ledgertransaction
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and type = 'wallet' and idempotency_key = %(key)s
"""
_EVENT_IS_KNOWN: LiteralString = """
    select from transaction where provider = %(provider)s and provider_event_id = %(event_id)s
"""
_LOCK_WALLET: LiteralString = """
    select round(balance_real_available::numeric * 100) from walletbalance
    where tenant_id = %(tenant_id)s and player_id = %(player_id)s and currency = 'USD'
    for update
"""


class Taken(Enum):
    """What became of a request."""

    NEW = "new"
    #: the same request has been taken before: nothing moved
    REPEATED = "repeated"
    NO_FUNDS = "no_funds"
    #: the platform answers 500
    FAILED = "failed"


class PlatformBooks:
    """The platform's tables behind its routes."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def withdraw(self, request: WithdrawalRequest, *, wallet_is_judge: bool) -> Taken:
        """Set money aside; the wallet has to have it too where it is the judge, and none counts as empty."""
        player = {"tenant_id": request.tenant_id, "player_id": request.player_id}
        with psycopg.connect(self._uri) as connection:
            if connection.execute(_PLAYER_EXISTS, player).rowcount == 0:
                return Taken.FAILED
            key = f"{request.player_id}-{request.idempotency_key}"
            if connection.execute(_KEY_IS_BOOKED, player | {"key": key}).rowcount:
                return Taken.REPEATED
            move = MoneyMovement(connection, request.tenant_id, request.player_id, request.cents, request.idempotency_key).look()
            if wallet_is_judge:
                move.lock_player()
                wallet = connection.execute(_LOCK_WALLET, player).fetchone()
                if (wallet[0] if wallet else 0) < request.cents:
                    return Taken.NO_FUNDS
            try:
                return Taken.NEW if request_withdraw(move) else Taken.NO_FUNDS
            except psycopg.errors.DeadlockDetected:
                connection.rollback()
                return Taken.FAILED

    def webhook(self, event: WebhookEvent, *, shadow_write: bool) -> Taken:
        """Book a money event and move the wallet, then keep the transaction.

        The two are committed one after the other: the transaction of an unknown player fails, and leaves an orphan's ledger row
        and wallet behind.
        """
        with psycopg.connect(self._uri) as connection:
            known = {"provider": event.provider, "event_id": event.event_id}
            if connection.execute(_EVENT_IS_KNOWN, known).rowcount:
                return Taken.REPEATED
            move = MoneyMovement(
                connection,
                event.tenant_id or "",
                event.player_id or "",
                event.cents,
                event.event_id,
                currency=event.currency,
                provider=event.provider,
                payment=event.tx_id,
            )
            try:
                if event.step is not None:
                    event.step.book(move.look(), shadow_write=shadow_write)
                    connection.commit()
                    event.step.note(move)
                else:
                    move.note(event.event_type, event.cents, 0.0, provider=event.provider, event=True)
            except psycopg.errors.IntegrityError:
                # No such tenant or player; or this very event was taken by another request meanwhile, or by its first try.
                connection.rollback()
                return Taken.FAILED
        return Taken.NEW
