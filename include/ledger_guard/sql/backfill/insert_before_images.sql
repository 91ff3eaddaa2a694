-- Purpose: keep what stood in wallet rows before a write and what the write leaves. Parameters: plan_id (uuid), operation
-- ('force' or 'undo'), tenant_id, currency, actor (text), written_at (timestamptz), player_ids (text[]), before_available,
-- before_pending, after_available, after_pending (double[], same order; null: no row), platform_transaction (text). Rows: none.
insert into ledger_guard.before_image (
    plan_id, operation, tenant_id, player_id, currency, before_available, before_pending, after_available, after_pending,
    actor, written_at, platform_transaction
)
select
    %(plan_id)s, %(operation)s, %(tenant_id)s, i.player_id, %(currency)s, i.before_available, i.before_pending,
    i.after_available, i.after_pending, %(actor)s, %(written_at)s, %(platform_transaction)s
from unnest(
    %(player_ids)s::text[], %(before_available)s::float8[], %(before_pending)s::float8[], %(after_available)s::float8[],
    %(after_pending)s::float8[]
) as i (player_id, before_available, before_pending, after_available, after_pending)
