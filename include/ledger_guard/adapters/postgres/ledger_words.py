"""Which words a platform's ledger holds, and players to learn from what they move."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from typing_extensions import LiteralString

from ledger_guard.adapters.postgres.connection import Connection, ConnectionSettings, Row, translated_errors
from ledger_guard.adapters.postgres.judged_wallets import JudgedWallets, has_ledger_table
from ledger_guard.adapters.postgres.platform_session import open_reader
from ledger_guard.domain.ledger_samples import SampledPlayer, WordNote, WordRow
from ledger_guard.policy.platform import Platform
from ledger_guard.ports.platform import WordCount
from ledger_guard.sql import statement

#: players with longer ledgers tell less: more in them is unknown
_MOST_ROWS_A_PLAYER = 60


class PostgresLedgerWords:
    """LedgerWords over the tables that the policy maps; read-only, within the policy's time limit for a statement."""

    def __init__(self, settings: ConnectionSettings, platform: Platform) -> None:
        self._settings = settings
        self._platform = platform
        self._judged = JudgedWallets(platform)
        self._parameters = self._judged.parameters(None)

    def counts(self) -> list[WordCount]:
        """See LedgerWords."""
        with translated_errors("the platform's ledger"), self._open() as connection:
            if not has_ledger_table(connection, self._platform):
                return []
            return [WordCount(**row) for row in self._rows(connection, "platform_check/count_words", {})]

    def sample(self, players_at_most: int) -> list[SampledPlayer]:
        """See LedgerWords."""
        with translated_errors("the platform's ledger"), self._open() as connection:
            if not has_ledger_table(connection, self._platform):
                return []
            bounds = {"players": players_at_most, "rows": _MOST_ROWS_A_PLAYER}
            players = self._rows(connection, "platform_check/sample_players", bounds)
            asked = {name + "s": [row[name] for row in players] for name in ("tenant_id", "player_id")}
            booked, noted = defaultdict(list), defaultdict(list)
            for row in self._rows(connection, "platform_check/sample_rows", asked):
                booked[row["player_id"]].append(row)
            if self._platform.transactions is not None:
                for row in self._rows(connection, "platform_check/sample_notes", asked):
                    noted[row["player_id"]].append(row)
        return [
            _sampled(row, booked[row["player_id"]], noted[row["player_id"]])
            for row in players
            if row["available"] is not None and row["held"] is not None
        ]

    def _rows(self, connection: Connection, name: LiteralString, more: dict[str, Any]) -> list[Row]:
        return connection.execute(self._judged.within(statement(name)), self._parameters | more).fetchall()

    def _open(self) -> Connection:
        return open_reader(self._settings, self._platform, "platform_check")


def _sampled(player: Row, booked: list[Row], noted: list[Row]) -> SampledPlayer:
    rows = [
        WordRow((row["type"], row["status"]), row["is_credit"], row["cents"], row["booked_at"], row["tx_id"]) for row in booked
    ]
    first: dict[str, datetime] = {}
    for row in sorted(rows, key=lambda each: each.booked_at):
        if row.tx_id is not None:
            first.setdefault(row.tx_id, row.booked_at)
    notes = [
        WordNote(
            row["transaction_id"],
            first[row["transaction_id"]] if row["transaction_id"] in first else row["made_at"],
            round(row["before"]),
            round(row["moved_available"]),
            row["is_total"],
        )
        for row in noted
    ]
    wallet = (player["wallet_available"], player["wallet_pending"])
    has_wallet = None not in wallet
    return SampledPlayer(player["available"], player["held"], wallet if has_wallet else None, rows, notes)
