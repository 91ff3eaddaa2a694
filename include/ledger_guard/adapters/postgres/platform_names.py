"""The platform's table and column names, from the policy, under the placeholders that the SQL files use."""

from __future__ import annotations

from ledger_guard.policy.platform import Platform


def platform_names(platform: Platform) -> dict[str, str]:
    """Placeholder → name; tables are qualified with their schema."""
    tenant, player, wallet, ledger = platform.tenant, platform.player, platform.wallet, platform.ledger
    schema = platform.schema_name
    return {
        "tenant": f"{schema}.{tenant.table}",
        "tenant_key": tenant.id,
        "player": f"{schema}.{player.table}",
        "player_key": player.id,
        "player_tenant": player.tenant_id,
        "player_available": player.available,
        "player_held": player.held,
        "wallet": f"{schema}.{wallet.table}",
        "wallet_tenant": wallet.tenant_id,
        "wallet_player": wallet.player_id,
        "wallet_currency": wallet.currency,
        "wallet_available": wallet.available,
        "wallet_pending": wallet.pending,
        "wallet_bonus_available": wallet.bonus_available,
        "wallet_bonus_pending": wallet.bonus_pending,
        "wallet_updated_at": wallet.updated_at,
        "ledger": f"{schema}.{ledger.table}",
        "ledger_tenant": ledger.tenant_id,
        "ledger_player": ledger.player_id,
        "ledger_type": ledger.type,
        "ledger_direction": ledger.direction,
        "ledger_amount": ledger.amount,
        "ledger_currency": ledger.currency,
        "ledger_status": ledger.status,
        "ledger_provider_event": ledger.provider_event_id,
        "ledger_created_at": ledger.created_at,
    }


def needed_columns(platform: Platform) -> list[tuple[str, str]]:
    """Every (table, column) that a comparison or a backfill touches, in the policy's order."""
    found = []
    for table in (platform.tenant, platform.player, platform.wallet, platform.ledger):
        fields = table.model_dump()
        name = fields.pop("table")
        settings = {"wallet_only_types", "provider_events_are_wallet_only", "void_statuses"}
        found += [(name, column) for key, column in fields.items() if key not in settings]
    return found
