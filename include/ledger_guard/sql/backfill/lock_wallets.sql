-- Purpose: lock a batch's wallet rows of one currency, after their players and in order of id, and read what they hold.
-- Parameters: tenant_id, currency (text), player_ids (text[]). Rows: one a wallet that exists; doubles as stored.
-- Index: the wallet table's primary key. Bounded by lock_timeout.
select
    w.{wallet_player} as player_id,
    w.{wallet_available} as available,
    w.{wallet_pending} as pending,
    w.{wallet_bonus_available} as bonus_available,
    w.{wallet_bonus_pending} as bonus_pending
from {wallet} w
where w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = any(%(player_ids)s) and w.{wallet_currency} = %(currency)s
order by w.{wallet_player}
for update
