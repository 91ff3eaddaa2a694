-- Purpose: make the missing wallets of one batch, where guard state shares the platform's database: lock the player; make the
-- row only if the player still is, in cents, what the plan saw and nobody made a wallet meanwhile; keep that there was none.
-- Parameters: plan_id (uuid), tenant_id, currency, after, through (text, the batch's range), actor (text), at (timestamptz),
-- fill_bonus (boolean: the player's bonus, else 0).
-- Rows: exactly one, how many wallets were made. Index: the primary keys of plan_row, player and wallet.
with found as materialized (
    select
        r.player_id,
        r.target_available / 100.0::float8 as target_available,
        r.target_pending / 100.0::float8 as target_pending,
        case when %(fill_bonus)s then p.{player_bonus} else 0 end as bonus,
        ledger_guard.is_cents(p.{player_available}, r.player_available)
            and ledger_guard.is_cents(p.{player_held}, r.player_held) as is_as_planned
    from ledger_guard.plan_row r
    join {player} p on p.{player_key} = r.player_id and p.{player_tenant} = %(tenant_id)s
    where r.plan_id = %(plan_id)s and r.player_id > %(after)s and r.player_id <= %(through)s
      and ledger_guard.is_writable(r.cause) and r.wallet_available is null
    order by r.player_id
    for update of p
), written as (
    insert into {wallet} as w (
        {wallet_tenant}, {wallet_player}, {wallet_currency}, {wallet_available}, {wallet_pending},
        {wallet_bonus_available}, {wallet_bonus_pending}, {wallet_updated_at}
    )
    select %(tenant_id)s, f.player_id, %(currency)s, f.target_available, f.target_pending, f.bonus, 0, now()
    from found f
    where f.is_as_planned
    on conflict ({wallet_tenant}, {wallet_player}, {wallet_currency}) do nothing
    returning w.{wallet_player} as player_id
), kept as (
    insert into ledger_guard.before_image (
        plan_id, operation, tenant_id, player_id, currency, before_available, before_pending, after_available, after_pending,
        actor, written_at
    )
    select
        %(plan_id)s, 'force', %(tenant_id)s, f.player_id, %(currency)s, null, null, f.target_available, f.target_pending, %(actor)s,
        %(at)s
    from written
    join found f on f.player_id = written.player_id
    returning 1
)
select count(*) as written from kept
