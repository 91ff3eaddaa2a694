-- Purpose: take back one batch of wallets that force made, where guard state shares the platform's database: only where the
-- row is whole as force left it, bonus columns included, and its player still there to be locked first.
-- Parameters: plan_id (uuid), tenant_id, currency, after, through (text, the batch's range), actor (text), at (timestamptz),
-- fill_bonus (boolean: force gave it the player's bonus, else 0).
-- Rows: exactly one, how many wallets were removed. Index: before_image's unique key, the primary keys of player and wallet.
with made as materialized (
    select
        i.player_id, i.after_available, i.after_pending, case when %(fill_bonus)s then p.{player_bonus} else 0 end as bonus
    from ledger_guard.before_image i
    join {player} p on p.{player_key} = i.player_id and p.{player_tenant} = %(tenant_id)s
    where i.plan_id = %(plan_id)s and i.operation = 'force' and i.player_id > %(after)s and i.player_id <= %(through)s
      and i.before_available is null
      and not exists (
          select from ledger_guard.row_left_alone l
          where l.plan_id = i.plan_id and l.operation = 'force' and l.player_id = i.player_id and l.currency = i.currency
      )
    order by i.player_id
    for update of p
), written as (
    delete from {wallet} w
    using made m
    where w.{wallet_tenant} = %(tenant_id)s
      and w.{wallet_player} = m.player_id
      and w.{wallet_currency} = %(currency)s
      and w.{wallet_available} = m.after_available
      and w.{wallet_pending} = m.after_pending
      and w.{wallet_bonus_available} = m.bonus
      and w.{wallet_bonus_pending} = 0
    returning m.player_id, m.after_available, m.after_pending
), kept as (
    insert into ledger_guard.before_image (
        plan_id, operation, tenant_id, player_id, currency, before_available, before_pending, after_available, after_pending,
        actor, written_at
    )
    select
        %(plan_id)s, 'undo', %(tenant_id)s, player_id, %(currency)s, after_available, after_pending, null, null, %(actor)s,
        %(at)s
    from written
    returning 1
)
select count(*) as written from kept
