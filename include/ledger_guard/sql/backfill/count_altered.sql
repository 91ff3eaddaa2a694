-- Purpose: read back what a batch wrote: how many of its wallets do not hold what was written, because a trigger or a rule of the
-- platform changed it. Parameters: plan_id (uuid), operation, tenant_id, currency, after, through (text, the batch's range).
-- Rows: exactly one. Index: before_image's unique key, the wallet table's primary key.
select count(*) as altered
from ledger_guard.before_image i
left join {wallet} w
    on w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = i.player_id and w.{wallet_currency} = %(currency)s
where i.plan_id = %(plan_id)s and i.operation = %(operation)s and i.player_id > %(after)s and i.player_id <= %(through)s
  and (w.{wallet_available} is distinct from i.after_available or w.{wallet_pending} is distinct from i.after_pending)
