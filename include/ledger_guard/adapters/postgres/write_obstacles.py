"""Obstacles to writing wallets, from the catalogue of the platform's database."""

from __future__ import annotations

from ledger_guard.adapters.postgres.connection import Connection
from ledger_guard.domain.writability import ObstacleKind, WriteKind, WriteObstacle
from ledger_guard.policy.platform import Platform
from ledger_guard.sql import statement


def find_write_obstacles(connection: Connection, platform: Platform) -> list[WriteObstacle]:
    """Every obstacle for the login of `connection`, in the order of the statement."""
    wallet, player = platform.wallet, platform.player
    keys = [wallet.tenant_id, wallet.player_id, wallet.currency]
    updated = [wallet.available, wallet.pending, wallet.updated_at]
    rows = connection.execute(
        statement("platform/list_write_obstacles"),
        {
            "schema": platform.schema_name,
            "wallet": wallet.table,
            "player": player.table,
            "key_columns": keys,
            "inserted_columns": [*keys, *updated, wallet.bonus_available, wallet.bonus_pending],
            "updated_columns": updated,
            "player_columns": [player.id, player.tenant_id, player.available, player.held, player.bonus],
        },
    )
    return [
        WriteObstacle(
            ObstacleKind(row["kind"]),
            row["table_name"],
            row["subject"],
            frozenset(kind for kind in WriteKind if row[f"stops_{kind.value}"]),
        )
        for row in rows
    ]
