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
        "player_bonus": player.bonus,
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
        "ledger_key": ledger.id,
        "ledger_tx_id": ledger.tx_id,
        "ledger_tenant": ledger.tenant_id,
        "ledger_player": ledger.player_id,
        "ledger_type": ledger.type,
        "ledger_direction": ledger.direction,
        "ledger_amount": ledger.amount,
        "ledger_currency": ledger.currency,
        "ledger_status": ledger.status,
        "ledger_reference": ledger.provider_ref,
        "ledger_created_at": ledger.created_at,
        **_transaction_names(platform),
    }


def _transaction_names(platform: Platform) -> dict[str, str]:
    table = platform.transactions
    if table is None:
        return {}
    return {
        "transaction": f"{platform.schema_name}.{table.table}",
        "transaction_key": table.id,
        "transaction_tenant": table.tenant_id,
        "transaction_player": table.player_id,
        "transaction_type": table.type,
        "transaction_amount": table.amount,
        "transaction_currency": table.currency,
        "transaction_provider": table.provider,
        "transaction_balance": table.balance_after,
        "transaction_created_at": table.created_at,
    }


#: keys of a table's section that name no column
_RULES = {
    *("both_sided_types", "wallet_only_types", "player_only_types", "bookings", "void_statuses"),
    *("balance_notes", "known_triggers"),
}


def needed_columns(platform: Platform) -> list[tuple[str, str]]:
    """Every (table, column) that a comparison or a backfill touches, in the policy's order."""
    found = []
    for table in (platform.tenant, platform.player, platform.wallet, platform.ledger, platform.transactions):
        if table is not None:
            fields = table.model_dump(exclude=_RULES)
            name = fields.pop("table")
            found += [(name, column) for column in fields.values()]
    return found
