"""The statement that judges every player's wallet, put together from its parts, with the policy's ledger words bound."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from psycopg import sql
from typing_extensions import LiteralString

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.adapters.postgres.platform_names import platform_names
from ledger_guard.domain.money import UNREADABLE_FROM
from ledger_guard.policy.platform import Platform
from ledger_guard.sql import statement

_BALANCES = ("player_available", "player_held", "player_bonus", "wallet_available", "wallet_pending")


def has_ledger_table(connection: Connection, platform: Platform) -> bool:
    """Whether the platform has the ledger table that the policy maps at all, whoever may read it."""
    name = sql.Identifier(platform.schema_name, platform.ledger.table).as_string()
    row = connection.execute(statement("platform/find_table"), {"name": name}).fetchone()
    return bool(row and row["is_there"])


class JudgedWallets:
    """`sql/platform/judged_wallets.sql` for one platform: the text for a statement around it, and what to bind."""

    def __init__(
        self,
        platform: Platform,
        *,
        has_ledger: bool = True,
        has_seen: bool = False,
        chosen: Collection[tuple[str, str]] | None = None,
    ) -> None:
        """Without a ledger table nothing is evidence but the rows themselves.

        With `has_seen` the session has the tables of create_judged.sql, with the openings that the guard saw first.
        `chosen` are tenant and id of the only players to judge, each once; None: all of them.
        """
        self._platform = platform
        self._names = platform_names(platform)
        self._has_ledger, self._has_seen, self._chosen = has_ledger, has_seen, chosen

    def within(self, text: LiteralString) -> sql.Composed:
        """`text` with the parts that it names filled in, and the platform's names."""
        return sql.SQL(text).format(judged=self._judged(), **self._parts(), **self._identifiers())

    def parameters(self, tenant_id: str | None, player_ids: Sequence[str] | None = None) -> dict[str, Any]:
        """What every statement around it binds; without a tenant id all tenants are judged, without player ids all players."""
        platform = self._platform
        bookings = [(each, status) for each in platform.ledger.all_bookings for status in each.statuses or ("",)]
        notes = platform.transactions.balance_notes if platform.transactions else ()
        return {
            "tenant_id": tenant_id,
            "player_ids": None if player_ids is None else list(player_ids),
            "chosen_tenants": None if self._chosen is None else [tenant for tenant, _ in self._chosen],
            "chosen_players": None if self._chosen is None else [player for _, player in self._chosen],
            "currency": platform.currency,
            "unreadable_from": UNREADABLE_FROM,
            "within": timedelta(seconds=platform.concurrent_within_seconds),
            "void_statuses": [word.lower() for word in platform.ledger.void_statuses],
            "fill_bonus": platform.fill_bonus_from_player,
            "booking_types": [each.type for each, _ in bookings],
            "booking_statuses": [status.lower() for _, status in bookings],
            "booking_moves": [each.moves for each, _ in bookings],
            "booking_available": [0.0 if each.available == "by_direction" else float(each.available) for each, _ in bookings],
            "booking_held": [float(each.held) for each, _ in bookings],
            "booking_by_direction": [each.available == "by_direction" for each, _ in bookings],
            "booking_references": [each.amount_in_reference or "" for each, _ in bookings],
            "booking_steps": [each.payment_step or "" for each, _ in bookings],
            "note_types": [each.type for each in notes],
            "note_without_provider": [each.without_provider for each in notes],
            "note_available": [float(each.available) for each in notes],
            "note_holds_held": [each.holds == "available_after_and_held_before" for each in notes],
            "note_booked": [each.booked for each in notes],
        }

    def _judged(self) -> sql.Composed:
        has_notes = self._has_ledger and self._platform.transactions is not None
        notes = self._part("noted_balances", **self._noted()) if has_notes else self._part("no_noted_balances")
        parts = {name: part for name, part in self._parts().items() if name not in self._noted()}
        among = {"among_wallets": self._among("wallet"), "among_players": self._among("player", "player_key")}
        seen = self._part("seen_openings" if self._has_seen else "no_seen_openings")
        return sql.SQL(statement("platform/judged_wallets")).format(
            notes=notes, seen=seen, **among, **parts, **self._identifiers()
        )

    def _parts(self) -> dict[str, sql.Composed]:
        return {
            "bookings": self._part("bookings"),
            "movements": self._movements(),
            "ledger_cents": self._cents("ledger_amount"),
            **{f"{name}_cents": self._cents(name) for name in _BALANCES},
            **self._noted(),
        }

    def _movements(self) -> sql.Composed:
        if not self._has_ledger:
            return self._part("no_ledger_movements")
        return self._part("ledger_movements", ledger_cents=self._cents("ledger_amount"), among_ledger=self._among("ledger"))

    def _noted(self) -> dict[str, sql.Composed]:
        if self._platform.transactions is None:
            return {}
        return {
            "balance_cents": self._cents("transaction_balance"),
            "transaction_cents": self._cents("transaction_amount"),
            "among_transactions": self._among("transaction"),
        }

    def _among(self, table: str, player: str = "") -> sql.Composed:
        """The condition that keeps a table's rows to the chosen players; an alias is the first letter, as in `_cents`."""
        if self._chosen is None:
            return sql.SQL(statement("platform/everyone")).format()
        columns = {"tenant": f"{table}_tenant", "player": player or f"{table}_player"}
        named = {key: sql.Identifier(column[0], self._names[column]) for key, column in columns.items()}
        return sql.SQL(statement("platform/chosen_alone")).format(**named)

    def _part(self, name: str, **parts: sql.Composed) -> sql.Composed:
        return sql.SQL(statement(f"platform/{name}")).format(**parts, **self._identifiers())

    def _cents(self, column: str) -> sql.Composed:
        """The cents of a column, under the alias that its table has in every part: its first letter."""
        amount = sql.Identifier(column[0], self._names[column])
        return sql.SQL(statement("platform/cents")).format(amount=amount)

    def _identifiers(self) -> dict[str, sql.Identifier]:
        return {key: sql.Identifier(*name.split(".")) for key, name in self._names.items()}
