-- Purpose: give back the before-values of one batch of wallets that force changed, where guard state shares the platform's
-- database: lock player, then wallet; write only where the wallet holds exactly what force wrote; keep what stood there.
-- Parameters: plan_id (uuid), tenant_id, currency, after, through (text, the batch's range), actor (text), at (timestamptz).
-- Rows: exactly one, how many wallets were given back. Index: before_image's unique key, the primary keys of player and wallet.
with found as materialized (
    select
        i.player_id,
        i.before_available,
        i.before_pending,
        i.after_available,
        i.after_pending,
        w.{wallet_available} = i.after_available and w.{wallet_pending} = i.after_pending as is_as_forced
    from ledger_guard.before_image i
    join {player} p on p.{player_key} = i.player_id and p.{player_tenant} = %(tenant_id)s
    join {wallet} w
        on w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = i.player_id and w.{wallet_currency} = %(currency)s
    where i.plan_id = %(plan_id)s and i.operation = 'force' and i.player_id > %(after)s and i.player_id <= %(through)s
      and i.before_available is not null
      and not exists (
          select from ledger_guard.row_left_alone l
          where l.plan_id = i.plan_id and l.operation = 'force' and l.player_id = i.player_id and l.currency = i.currency
      )
    order by i.player_id
    for update of p, w
), written as (
    update {wallet} w
    set {wallet_available} = f.before_available, {wallet_pending} = f.before_pending, {wallet_updated_at} = now()
    from found f
    where f.is_as_forced
      and w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = f.player_id and w.{wallet_currency} = %(currency)s
      and w.{wallet_available} = f.after_available and w.{wallet_pending} = f.after_pending
    returning f.player_id, f.after_available, f.after_pending, f.before_available, f.before_pending
), kept as (
    insert into ledger_guard.before_image (
        plan_id, operation, tenant_id, player_id, currency, before_available, before_pending, after_available, after_pending,
        actor, written_at
    )
    select
        %(plan_id)s, 'undo', %(tenant_id)s, player_id, %(currency)s, after_available, after_pending, before_available,
        before_pending, %(actor)s, %(at)s
    from written
    returning 1
)
select count(*) as written from kept
