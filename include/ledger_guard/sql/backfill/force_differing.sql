-- Purpose: write the differing wallets of one batch, where guard state shares the platform's database: lock player, then
-- wallet, in order of id; change a wallet only if both still are, in cents, what the plan saw; keep what stood there.
-- Parameters: plan_id (uuid), tenant_id, currency, after, through (text, the batch's range), actor (text), at (timestamptz).
-- Rows: exactly one, how many wallets were written. Index: the primary keys of plan_row, player and wallet.
-- `found` sees each row as it is once locked; the update finds it again by its key, since a place in the table is unique within
-- one partition only.
with found as materialized (
    select
        r.player_id,
        r.target_available / 100.0::float8 as target_available,
        r.target_pending / 100.0::float8 as target_pending,
        w.{wallet_available} as wallet_available,
        w.{wallet_pending} as wallet_pending,
        ledger_guard.is_cents(p.{player_available}, r.player_available)
            and ledger_guard.is_cents(p.{player_held}, r.player_held)
            and ledger_guard.is_cents(w.{wallet_available}, r.wallet_available)
            and ledger_guard.is_cents(w.{wallet_pending}, r.wallet_pending) as is_as_planned
    from ledger_guard.plan_row r
    join {player} p on p.{player_key} = r.player_id and p.{player_tenant} = %(tenant_id)s
    join {wallet} w
        on w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = r.player_id and w.{wallet_currency} = %(currency)s
    where r.plan_id = %(plan_id)s and r.player_id > %(after)s and r.player_id <= %(through)s
      and ledger_guard.is_writable(r.cause) and r.wallet_available is not null
    order by r.player_id
    for update of p, w
), written as (
    update {wallet} w
    set {wallet_available} = f.target_available, {wallet_pending} = f.target_pending, {wallet_updated_at} = now()
    from found f
    where f.is_as_planned
      and w.{wallet_tenant} = %(tenant_id)s and w.{wallet_player} = f.player_id and w.{wallet_currency} = %(currency)s
      and w.{wallet_available} = f.wallet_available and w.{wallet_pending} = f.wallet_pending
    returning f.player_id, f.wallet_available, f.wallet_pending, f.target_available, f.target_pending
), kept as (
    insert into ledger_guard.before_image (
        plan_id, operation, tenant_id, player_id, currency, before_available, before_pending, after_available, after_pending,
        actor, written_at
    )
    select
        %(plan_id)s, 'force', %(tenant_id)s, player_id, %(currency)s, wallet_available, wallet_pending, target_available,
        target_pending, %(actor)s, %(at)s
    from written
    returning 1
)
select count(*) as written from kept
