-- Purpose: write a batch's locked wallet rows, each only if it holds exactly the before-values.
-- Parameters: tenant_id, currency (text), player_ids (text[]), before_available, before_pending, available, pending
-- (double[], same order). Rows: one a wallet changed. Index: the wallet table's primary key.
update {wallet} w
set {wallet_available} = n.available, {wallet_pending} = n.pending, {wallet_updated_at} = now()
from unnest(
    %(player_ids)s::text[], %(before_available)s::float8[], %(before_pending)s::float8[], %(available)s::float8[],
    %(pending)s::float8[]
) as n (player_id, before_available, before_pending, available, pending)
where w.{wallet_tenant} = %(tenant_id)s
  and w.{wallet_player} = n.player_id
  and w.{wallet_currency} = %(currency)s
  and w.{wallet_available} = n.before_available
  and w.{wallet_pending} = n.before_pending
returning w.{wallet_player} as player_id
